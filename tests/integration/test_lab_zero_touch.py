"""The lab without a word of DHCP about profiles: activation, profile, registration, reset."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, steps
from tests.support.phone import PATIENCE


@pytest.fixture
def booted(tmp_path: Path, component: list[str]) -> Iterator[tuple[Command, dict[str, Any]]]:
    """Boot a lab whose phone nobody has touched."""
    used = ("dnsmasq", "kamailio", "rsyslogd")
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in used]
    lab = Command(tmp_path)
    yield lab, lab.up("--zero-touch")
    assert lab.run("down").returncode == 0


def registered(phone: dict[str, Any]) -> list[int]:
    return [line["n"] for line in phone["lines"] if line["registered"]]


def until(lab: Command, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return what the phone says, as soon as it says what it must."""
    end = time.monotonic() + PATIENCE
    while not condition(phone := lab.status()["phone"] or {}):
        assert time.monotonic() < end, f"never so: {phone}"
    return dict(phone)


@pytest.mark.proves("PRV-15", "RSY-12", "PRV-23")
def test_a_virgin_phone_of_the_lab_registers_and_after_a_reset_again(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    lab, document = booted
    story = {name: step["data"] for name, step in steps(document["steps"]).items()}
    assert story["lease"]["option"] is None
    assert story["activation"]["rule"] == "https://pv.telco.test/$MA.xml"
    assert {line["user"] for line in story["registration"]["lines"]} == {"1001", "1002"}
    phone = lab.home / "ringfence" / "lab" / "default" / "phone"
    certificate = (phone / "device.crt").read_bytes()
    assert lab.run("phone", "factory-reset", "--yes").returncode == 0
    assert registered(until(lab, lambda phone: bool(phone.get("lease")))) == []
    assert lab.run("phone", "resync").returncode == 0
    until(lab, lambda phone: registered(phone) == [1, 2])
    assert (phone / "device.crt").read_bytes() == certificate
    log = (lab.home / "ringfence" / "lab" / "default" / "log" / "dnsmasq.log").read_text()
    names = {line.split()[-3] for line in log.splitlines() if " query[" in line}
    assert {name.partition(".")[2] for name in names} == {"telco.test"}, names
