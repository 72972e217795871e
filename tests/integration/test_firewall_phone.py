"""The firewall of a whole phone: there before anything listens, there after it was killed."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.firewall_fixtures import Wire, listing, wire
from tests.support.phone import RunningPhone, ringfence

__all__ = ["wire"]

Start = Callable[..., RunningPhone]
VECTORS = Path(__file__).parents[1] / "vectors" / "firewall"
WORKED_EXAMPLE = (VECTORS / "worked-example.nft").read_text()


@pytest.fixture
def start(wire: Wire, tmp_path: Path) -> Iterator[Start]:
    phones: list[RunningPhone] = []

    def factory(*words: str) -> RunningPhone:
        phones.append(RunningPhone(tmp_path, wire[0], "--interface", "eth0", *words))
        return phones[-1]

    yield factory
    for phone in phones:
        phone.stop()


def handles(space: Namespace) -> str:
    """Return the table with the numbers that the kernel gave to chains, sets and rules."""
    return space.run("nft", "-s", "-a", "list", "table", "inet", "ringfence").stdout


@pytest.mark.proves("FW-01")
def test_the_firewall_is_the_first_thing_that_a_phone_applies(start: Start) -> None:
    log = start().wait_for("phone.ready")
    applied = [line for line in log.splitlines() if ".applied" in line or ".listening" in line]
    assert "firewall.applied" in applied[0]


@pytest.mark.proves("FW-04")
def test_a_killed_phone_leaves_its_firewall_and_its_successor_changes_no_rule(
    start: Start, wire: Wire
) -> None:
    first = start()
    first.wait_for("phone.ready")
    before = handles(wire[0])
    os.kill(first.children()[0], signal.SIGKILL)
    first.wait_for("phone.ready", count=2)
    assert handles(wire[0]) == before
    os.kill(first.keeper(), signal.SIGKILL)
    first.process.wait()
    assert handles(wire[0]) == before
    start().wait_for("phone.ready")
    assert handles(wire[0]) == before


@pytest.mark.proves("FW-04")
def test_a_changed_option_reaches_the_kernel_without_a_restart(
    start: Start, wire: Wire, tmp_path: Path
) -> None:
    phone = start()
    phone.wait_for("phone.ready")
    (process,) = phone.children()
    words = ("--state", str(tmp_path), "Firewall_Config=NO_ICMP_PING,TCP:12000,UDP:8000:8010")
    assert ringfence("phone", "set", *words).returncode == 0
    phone.until(lambda status: [12000, 12000] in status["ports"]["tcp"])
    assert listing(wire[0]) == WORKED_EXAMPLE
    assert phone.children() == [process]


@pytest.mark.parametrize("options", ["", "NO_ICMP_PING,TCP:12000,UDP:8000:8010", "NO_CISCO_TFTP"])
def test_explain_prints_the_ruleset_that_the_phone_loads(
    start: Start, wire: Wire, tmp_path: Path, options: str
) -> None:
    file = tmp_path / "cfg.xml"
    file.write_text(
        f"<flat-profile><Firewall_Config>{options}</Firewall_Config>"
        "<SIP_Port_2_>5071</SIP_Port_2_><Web_Server_Port>8080</Web_Server_Port></flat-profile>"
    )
    explained = ringfence("explain", str(file), "--json")
    start("--config", str(file)).wait_for("phone.ready")
    assert listing(wire[0]) == json.loads(explained.stdout)["firewall"]["ruleset"]
