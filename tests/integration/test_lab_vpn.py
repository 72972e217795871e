"""The lab's phone in a tunnel, and what happens when its server turns away."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, steps


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, dict[str, Any]]]:
    """Boot one lab with a VPN for every test of this file."""
    made = Command(tmp_path_factory.mktemp("lab"))
    document = made.up("--vpn")
    yield made, document
    assert made.run("down").returncode == 0


@pytest.fixture
def booted(
    lab: tuple[Command, dict[str, Any]], component: list[str]
) -> tuple[Command, dict[str, Any]]:
    names = ("ocserv", "openconnect", "kamailio")
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in names]
    return lab


@pytest.mark.proves("VPN-01", "VPN-03")
def test_everything_of_the_phone_comes_by_the_tunnel(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    lab, document = booted
    story = steps(document["steps"])
    seen = story["vpn"]["data"]
    assert (seen["user"], seen["group"], seen["server"]) == ("phone", "phones", "vpn.telco.test")
    assert seen["address"].startswith("10.99.9.")
    assert {line["user"] for line in story["registration"]["data"]["lines"]} == {"1001", "1002"}
    contacts = lab.shell("servers", "sh", "-c", "cat /run/lab/vpn/users; ip -br addr show vpns0")
    assert contacts.stdout.startswith("phone:phones,admins:")
    assert " 10.99.9.1" in contacts.stdout
    log = (lab.home / "ringfence/lab/default/log/phones.log").read_text()
    assert f" {seen['address']} <" in log, "rsyslog heard the phone from elsewhere"


@pytest.mark.parametrize("name", ["vpn-password", "vpn-restart"])
def test_the_phone_withstands(booted: tuple[Command, dict[str, Any]], name: str) -> None:
    lab, _ = booted
    ran = lab.run("break", "--json", name)
    told = json.loads(ran.stdout)
    assert ran.returncode == 0, told
    assert (told["withstood"], told["restored"]) == (True, True)
    assert lab.status()["phone"]["vpn"]["connection"] == "Connected"
