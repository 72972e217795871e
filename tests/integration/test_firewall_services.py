"""The firewall of a whole phone and what listens behind it: the page, the lines, the ACS's port."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.curl import Curl
from tests.support.firewall_fixtures import Wire, wire
from tests.support.phone import RunningPhone, ringfence
from tests.support.probe import SECONDS, connection_in, listener_in

__all__ = ["wire"]

Start = Callable[..., RunningPhone]
PHONE_ADDRESS = "10.99.0.2"
RULES_CHANGE = 1 << 6
"""Group of netlink that hears of changed rules. Source: linux/netfilter/nfnetlink.h."""


@pytest.fixture
def start(wire: Wire, tmp_path: Path) -> Iterator[Start]:
    phones: list[RunningPhone] = []

    def factory(name: str = "state", firmware: str = "11.3", **texts: str) -> RunningPhone:
        state = tmp_path / name
        state.mkdir(exist_ok=True)
        (state / "device.json").write_text(json.dumps({"firmware": firmware}))
        if texts:
            store(state, **texts)
        phones.append(RunningPhone(state, wire[0], "--interface", "eth0"))
        phones[-1].wait_for("phone.ready")
        return phones[-1]

    yield factory
    for phone in phones:
        phone.stop()


def store(state: Path, **texts: str) -> None:
    words = [f"{tag.replace('TR_069', 'TR-069')}={text}" for tag, text in texts.items()]
    assert ringfence("phone", "set", "--state", str(state), *words).returncode == 0


def open_tcp(space: Namespace) -> set[int]:
    """Return the ports of the kernel's set; no range is among them."""
    listing = space.run("nft", "list", "set", "inet", "ringfence", "tcp_open").stdout
    return set(map(int, re.findall(r"\d+", listing.partition("elements = ")[2])))


def fetches(space: Namespace, url: str) -> bool:
    words = ("curl", "-sk", "--max-time", str(SECONDS), "-o", "/dev/null", "-w", "%{http_code}")
    return space.run(*words, url, check=False).stdout in ("200", "303")


@pytest.mark.proves("FW-12")
def test_the_page_is_reached_wherever_it_is_and_nowhere_else(
    start: Start, wire: Wire, component: list[str]
) -> None:
    component.append(Curl.version())
    phone = start(Admin_Password="Correct-horse-1")
    assert open_tcp(wire[0]) == {80}
    assert fetches(wire[1], f"http://{PHONE_ADDRESS}/")
    assert fetches(wire[1], "http://[fd99::2]/")
    store(phone.state, Enable_Protocol="Https", Web_Server_Port="8443")
    phone.until(lambda status: status["ports"]["tcp"] == [[8443, 8443]])
    assert open_tcp(wire[0]) == {8443}
    assert fetches(wire[1], f"https://{PHONE_ADDRESS}:8443/")
    assert fetches(wire[1], "https://[fd99::2]:8443/")
    store(phone.state, Enable_Web_Server="No")
    phone.until(lambda status: status["ports"]["tcp"] == [])
    assert open_tcp(wire[0]) == set()


@pytest.mark.proves("FW-12")
def test_a_phone_of_later_firmware_opens_443(
    start: Start, wire: Wire, component: list[str]
) -> None:
    component.append(Curl.version())
    start(firmware="12.0", Admin_Password="Correct-horse-1")
    assert open_tcp(wire[0]) == {443}
    assert fetches(wire[1], f"https://{PHONE_ADDRESS}/")


@contextmanager
def changes(space: Namespace) -> Iterator[IO[str]]:
    """Give what nft(8) sees change in the kernel, as lines."""

    def listeners() -> int:
        table = space.run("cat", "/proc/net/netlink").stdout.splitlines()
        rows = [line.split() for line in table[1:]]
        return sum(bool(int(row[3], 16) & RULES_CHANGE) for row in rows if row[1] == "12")

    before = listeners()
    words = ("nft", "monitor", "elements")
    with space.popen(*words, stdout=subprocess.PIPE, text=True) as monitor:
        try:
            while listeners() == before:
                assert monitor.poll() is None, "nft ended"
            assert monitor.stdout
            yield monitor.stdout
        finally:
            monitor.kill()


@pytest.mark.parametrize(
    ("parameter", "protocol", "old", "new"),
    [("Web_Server_Port", "tcp", "80", "8080"), ("SIP_Port_1_", "udp", "5060", "5070")],
)
def test_a_port_that_moves_is_opened_before_it_is_bound_and_shut_after_it_was_left(
    start: Start, wire: Wire, parameter: str, protocol: str, old: str, new: str
) -> None:
    others = {f"Line_Enable_{n}_": "No" for n in range(2, 17)}
    phone = start(**others, Proxy_1_="10.99.0.9", User_ID_1_="1001")
    phone.until(lambda status: bool(status["features"]["line"]["rows"]))
    wanted = [
        f"add element inet ringfence {protocol}_open {{ {new} }}",
        f"delete element inet ringfence {protocol}_open {{ {old} }}",
    ]
    with changes(wire[0]) as seen:
        store(phone.state, **{parameter: new})
        assert [
            next(line for line in seen if f"{protocol}_open" in line).strip() for _ in wanted
        ] == wanted


@pytest.mark.proves("FW-11", "FW-13")
def test_tr_069_opens_the_stun_port_and_one_that_each_phone_draws_for_itself(
    start: Start, wire: Wire
) -> None:
    drawn = []
    for name in ("first", "second", "third"):
        phone = start(name, Enable_TR_069="Yes")
        (port,) = open_tcp(wire[0]) - {80}
        assert 8000 <= port <= 9999
        assert [7999, 7999] in phone.status()["ports"]["udp"]
        with listener_in(wire[0], port), connection_in(wire[1], PHONE_ADDRESS, port):
            pass
        os.kill(phone.children()[0], signal.SIGKILL)
        phone.wait_for("phone.ready", count=2)
        assert open_tcp(wire[0]) == {80, port}, "another port after a restart"
        store(phone.state, Enable_TR_069="No")
        phone.until(lambda status: status["ports"]["tcp"] == [[80, 80]])
        assert open_tcp(wire[0]) == {80}
        phone.stop()
        drawn.append(port)
    assert len(set(drawn)) > 1, "the same port three times"
