"""The phone's time, from chrony by the network's word, and in spite of servers that lie."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ringfence.features.clock import FEATURE
from ringfence.lab.namespaces import Namespace, link
from ringfence.protocols import sntp
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts
from tests.support.lease import RANGE, Dnsmasq, Server, addressed, starting
from tests.support.phone import RunningPhone

SERVER, SERVER6 = "10.99.1.1", "fd00:99:1::1"
LEASE = Facts(lease=Lease("10.99.1.2", 24, SERVER, resolvers=(SERVER,), ntp=(SERVER,)))
HOUR = 3600.0


class Wire(NamedTuple):
    phone: Namespace
    server: Namespace


class Chrony(Server):
    """chronyd that serves the machine's time, or another one by `faketime`."""

    def __init__(self, space: Namespace, folder: Path, faked: str = "") -> None:
        configuration = folder / "chrony.conf"
        configuration.write_text(f"local stratum 8\nallow\ncmdport 0\npidfile {folder}/pid\n")
        env = {"LD_PRELOAD": _faketime(), "FAKETIME": faked} if faked else {}
        words = ("chronyd", "-d", "-x", "-u", "root", "-f", str(configuration))
        super().__init__(space, folder, *words, env=env)
        self.wait_for("Running with root privileges")


def _faketime() -> str:
    (path,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return str(path)


@pytest.fixture
def wire(namespaces: Callable[[str], Namespace]) -> Wire:
    """Return a phone and a server at 10.99.1.1 and fd00:99:1::1, on one wire."""
    made = Wire(namespaces("phone"), namespaces("server"))
    for space in made:
        space.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0")
    link(made.phone, "eth0", made.server, "eth0")
    made.server.address("eth0", f"{SERVER}/24")
    made.server.address("eth0", f"{SERVER6}/64")
    return made


@pytest.fixture
def chrony(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Chrony]]:
    out = subprocess.run(["chronyd", "-v"], capture_output=True, text=True, check=True).stdout
    component.append("chrony " + out.split("version ")[1].split()[0])
    with starting(lambda faked="": Chrony(wire.server, tmp_path, faked)) as start:
        yield start


@pytest.fixture
def dnsmasq(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Dnsmasq]]:
    out = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True, check=True)
    component.append("dnsmasq " + out.stdout.split()[2])
    with starting(lambda *lines: Dnsmasq(wire.server, tmp_path, *lines)) as start:
        yield start


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sntp, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(sntp, "SPREAD", 0.0)
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.mark.proves("DHC-04")
@pytest.mark.parametrize(
    ("family", "named_by", "address"),
    [
        ("IPv4 Only", "DHCP option 42", SERVER),
        ("IPv6 Only", "DHCPv6 option 56", SERVER6),
    ],
)
def test_the_server_that_the_network_names_is_asked_and_shown(
    wire: Wire,
    chrony: Callable[..., Chrony],
    dnsmasq: Callable[..., Dnsmasq],
    tmp_path: Path,
    family: str,
    named_by: str,
    address: str,
) -> None:
    chrony(f"+{HOUR:.0f}")
    dnsmasq(
        *(RANGE, "enable-ra", "dhcp-range=fd00:99:1::100,fd00:99:1::1ff,64,2m"),
        *(f"dhcp-option=42,{SERVER}", "dhcp-option=2,00:00:0e:10"),
        f"dhcp-option=option6:ntp-server,[{SERVER6}]",
    )
    config = tmp_path / "cfg.xml"
    config.write_text(
        f"<flat-profile><IP_Mode>{family}</IP_Mode><Enable_Web_Server>No</Enable_Web_Server>"
        "<Ignore_DHCP_Time_Offset>No</Ignore_DHCP_Time_Offset></flat-profile>"
    )
    (tmp_path / "phone").mkdir()
    phone = RunningPhone(tmp_path / "phone", wire.phone, "--config", str(config))
    try:
        phone.wait_for("clock.machine_wrong")
        status = phone.status()
    finally:
        phone.stop()
    server = status["clock"]["server"]
    assert (server["address"], server["named_by"], server["stratum"]) == (address, named_by, 8)
    assert abs(server["ahead"] - HOUR) < 1
    rows = dict(status["features"]["clock"]["rows"])
    assert rows["Time Source"] == f"{address} at {address}, stratum 8 ({named_by})"
    assert re.fullmatch(r"(3599\.\d|3600\.\d)\d\d s behind", rows["Machine's Clock"])
    assert rows["Current Time"].endswith("UTC+1" if family == "IPv4 Only" else "UTC+0")


def ask(
    space: Namespace, state: Path, until: str, **texts: str
) -> tuple[Any, dict[str, str], float]:
    """Return what the clock shows once `until` was logged, and what it is set to."""

    async def scenario() -> tuple[Any, dict[str, str], float]:
        async with addressed(state, FEATURE, known=LEASE, **texts) as phone:
            await phone.until(phone.logged(until))
            host, status = phone.world.host, phone.driver.status()
            return status.data, dict(status.rows), host.time() - host.wall()

    told: tuple[Any, dict[str, str], float] = space.call(scenario)
    return told


def test_the_machines_clock_is_never_set(
    wire: Wire, chrony: Callable[..., Chrony], state: Path
) -> None:
    wire.phone.address("eth0", "10.99.1.2/24")
    chrony(f"+{HOUR:.0f}")
    before = time.time() - time.monotonic()
    _, _, ahead = ask(wire.phone, state, "clock.heard")
    assert abs(ahead - HOUR) < 1
    assert abs(time.time() - time.monotonic() - before) < 60


def test_a_server_of_the_past_moves_nothing(
    wire: Wire, chrony: Callable[..., Chrony], state: Path
) -> None:
    wire.phone.address("eth0", "10.99.1.2/24")
    chrony("@2021-01-01 00:00:00")
    data, rows, ahead = ask(wire.phone, state, "no answer in")
    assert data["server"] is None
    assert abs(ahead) < 0.01
    assert rows["Time Source"] == "the machine's clock"


def test_a_server_that_is_silent_gives_way_to_the_second_one(
    wire: Wire, chrony: Callable[..., Chrony], state: Path
) -> None:
    wire.phone.address("eth0", "10.99.1.2/24")
    wire.server.address("eth0", "10.99.1.9/24")
    chrony()
    drop = "add table inet x; add chain inet x in { type filter hook input priority 0; };"
    wire.server.run("nft", drop + " add rule inet x in ip daddr 10.99.1.9 drop")
    data, _, _ = ask(
        wire.phone,
        state,
        "clock.heard",
        Primary_NTP_Server="10.99.1.9",
        Secondary_NTP_Server=SERVER,
    )
    assert data["server"]["address"] == SERVER
    assert data["server"]["named_by"] == "parameters"


def test_of_a_crowd_of_answers_only_the_one_to_our_question_counts(
    wire: Wire, state: Path, component: list[str]
) -> None:
    component.append("own-peer")
    wire.phone.address("eth0", "10.99.1.2/24")
    process = wire.server.popen(
        sys.executable, "-m", "tests.support.time_liar", SERVER, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    try:
        data, _, ahead = ask(wire.phone, state, "clock.heard")
    finally:
        process.kill()
        process.communicate()
    assert data["server"]["stratum"] == 2
    assert 3 < ahead < 6
