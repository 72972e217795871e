"""The phone beside a real switch daemon, lldpd, as tshark sees it, and among hostile neighbours."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

import ringfence
from ringfence.features.discovery import FEATURE, driver
from ringfence.lab.namespaces import Namespace, link
from ringfence.policy.vlan import VoiceVlan
from ringfence.protocols.discovery import BATCH, Discovery, hear
from ringfence.runtime.state import Status
from tests.support import lldpd, tshark
from tests.support.discovery_frames import GOOD_CDP, GOOD_LLDP, cdp_frame, hostile, lldp_frame, med
from tests.support.lease import addressed
from tests.support.lldpd import Lldpd

MAC = "02:00:00:00:aa:01"
NAME = "SEP02000000AA01"
MED_SWITCH = ("-M", "4")
CDP_SWITCH = ("-ccc", "-ll")
SOON = {"Network_Startup_Delay": "1"}
NO_CDP, NO_LLDP = {"Enable_CDP": "No"}, {"Enable_LLDP-MED": "No"}
NOT_APPLIED = "(not applied: the phone sends untagged frames)"


class Wire(NamedTuple):
    phone: Namespace
    switch: Namespace


@pytest.fixture
def wire(namespaces: Callable[[str], Namespace], monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return a phone and a switch at the other end of its only port."""
    monkeypatch.setattr(driver, "HEAD_START", 0.0)  # here is no registrar that could go first
    made = Wire(namespaces("phone"), namespaces("switch"))
    link(made.phone, "eth0", made.switch, "eth0")
    made.phone.run("ip", "link", "set", "eth0", "address", MAC)
    made.phone.address("eth0", "10.99.1.100/24")
    made.switch.address("eth0", "10.99.1.1/24")
    return made


@pytest.fixture
def switch(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Lldpd]]:
    component.append(lldpd.version())
    started: list[Lldpd] = []

    def start(*flags: str) -> Lldpd:
        started.append(Lldpd(wire.switch, tmp_path, *flags))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def say(space: Namespace, frames: Iterable[bytes], interface: str = "eth0") -> None:
    """Put frames on the wire from a node."""

    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind((interface, 0))
            for frame in frames:
                raw.send(frame[:1514])

    space.call(send)


@contextlib.contextmanager
def watched(space: Namespace, *fields: str) -> Iterator[tshark.Capture]:
    """Have tshark watch a wire of the phone; the first field is who sent."""
    capture = tshark.Capture(space, "", "eth.src", *fields)
    quiet = {"stdout": subprocess.DEVNULL}
    try:
        # It says that it captures a little before it does.
        ping = space.popen("ping", "-i", "0.05", "10.99.1.100", **quiet)
        try:
            capture.wait_for(MAC)
        finally:
            ping.kill()
            ping.wait()
        yield capture
    finally:
        capture.stop()


class Seen(NamedTuple):
    vlan: VoiceVlan | None
    rows: dict[str, str]
    data: dict[str, Any]
    other: list[str]


def test_lldpd_tells_the_phone_its_vlan_and_shows_the_phone(
    wire: Wire, switch: Callable[..., Lldpd], tmp_path: Path
) -> None:
    peer = switch(*MED_SWITCH)
    policy = "med policy application voice tagged vlan 100 priority voice dscp 46"
    peer.configure(*policy.split())

    async def scenario() -> Seen:
        async with addressed(tmp_path, FEATURE, known=None, **SOON, **NO_CDP) as phone:
            await phone.until(lambda: phone.facts.voice_vlan)
            status = phone.status()
            shown = await asyncio.to_thread(peer.neighbour, NAME)
            return Seen(phone.facts.voice_vlan, dict(status.rows), dict(status.data), shown)

    seen: Seen = wire.phone.call(scenario)
    assert seen.vlan == VoiceVlan(100, "LLDP-MED")
    assert seen.rows["Voice VLAN"] == f"100 by LLDP-MED {NOT_APPLIED}"
    assert seen.rows["LLDP Neighbor"].startswith("labsw, port ")
    assert seen.rows["LLDP Neighbor"].endswith("10.99.1.1, voice VLAN 100")
    assert "PortID: local 02000000AA01:P1" in seen.other
    assert "Capability: Tel, on" in seen.other
    assert "Device Type: Communication Device Endpoint (Class III)" in seen.other
    assert "Power Value: 6300" in seen.other
    assert "Model: CP-8841-3PCC" in seen.other


def test_lldpd_and_the_phone_see_each_other_by_cdp(
    wire: Wire, switch: Callable[..., Lldpd], tmp_path: Path
) -> None:
    peer = switch(*CDP_SWITCH)

    async def scenario() -> Seen:
        async with addressed(tmp_path, FEATURE, known=None, **NO_LLDP) as phone:
            await phone.until(phone.logged("heard: 1"))
            status = phone.status()
            shown = await asyncio.to_thread(peer.neighbour, NAME)
            return Seen(phone.facts.voice_vlan, dict(status.rows), dict(status.data), shown)

    seen: Seen = wire.phone.call(scenario)
    assert seen.rows["CDP Neighbor"] == "labsw, port eth0, 10.99.1.1"
    assert seen.rows["Voice VLAN"] == "None"
    assert any(line.startswith("Interface: eth0, via: CDPv2") for line in seen.other)
    assert "PortID: ifname Port 1" in seen.other
    assert "SysDescr: CP-8841-3PCC running on" in seen.other


def test_a_cdp_switch_allocates_the_vlan_and_the_power_and_is_told_what_the_phone_needs(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.extend([tshark.version(), "own-peer"])
    reply = cdp_frame(
        (1, b"labsw"),
        (3, b"GigabitEthernet0/1"),
        (10, b"\0\1"),
        (14, b"\1\0\x64"),
        (26, bytes.fromhex("000100000000 3c28 00003c28")),
    )

    async def scenario() -> Seen:
        async with addressed(tmp_path, FEATURE) as phone:
            await phone.until(phone.logged("sent"))
            await asyncio.to_thread(say, wire.switch, [reply])
            await phone.until(lambda: phone.facts.voice_vlan)
            status = phone.status()
            return Seen(phone.facts.voice_vlan, dict(status.rows), dict(status.data), [])

    asked = ("cdp.power_consumption", "cdp.power_requested", "cdp.tlv.type")
    given = ("cdp.voice_vlan", "cdp.power_available")
    with watched(wire.switch, "cdp.deviceid", *given, *asked) as capture:
        seen: Seen = wire.phone.call(scenario)
        lines = [line.split("\t") for line in capture.wait_for("labsw")]
    assert seen.vlan == VoiceVlan(100, "CDP")
    words = "labsw, port GigabitEthernet0/1, voice VLAN 100, native VLAN 1, 15.4 W"
    assert seen.rows["CDP Neighbor"] == words
    ((_, _, _, _, drawn, requested, kinds),) = [line for line in lines if line[:2] == [MAC, NAME]]
    assert (drawn, requested) == ("6300", "6300")
    assert "0x000f" in kinds.split(",")  # VoIP VLAN Query
    # tshark reads what our switch said as a switch would have said it.
    assert [line[2:4] for line in lines if line[1] == "labsw"] == [["100", "15400,15400"]]


def test_tshark_finds_nothing_malformed_in_what_the_phone_sends(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append(tshark.version())

    async def scenario() -> None:
        async with addressed(tmp_path, FEATURE, known=None, **SOON) as phone:
            await phone.until(lambda: sum("sent" in line for line in phone.log) == 3)

    said = ("cdp.deviceid", "cdp.checksum.status", "lldp.tlv.system.name", "lldp.time_to_live")
    wrong = ("_ws.malformed", "_ws.expert.message")
    with watched(wire.switch, *said, *wrong) as capture:
        wire.phone.call(scenario)
        lines = capture.wait_for(f"{MAC}\t\t\t\t0")
    about = ["", "", NAME, "180"]
    sent = [line.split("\t")[1:] for line in lines if line.startswith(MAC)]
    frames = [each for each in sent if any(each[:4])]  # the kernel of the phone speaks IPv6
    assert frames == [
        [NAME, "1", "", "", "", ""],
        [*about, "", ""],
        [*about, "", ""],
        ["", "", "", "0", "", ""],
    ]


@pytest.fixture
def office(namespaces: Callable[[str], Namespace], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a phone whose bridge joins the port to the switch and that of a computer."""
    monkeypatch.setattr(driver, "HEAD_START", 0.0)
    phone, switch, pc = namespaces("phone"), namespaces("switch"), namespaces("pc")
    link(phone, "net", switch, "eth0")
    link(phone, "pcp", pc, "eth0")
    phone.run("ip", "link", "add", "br0", "address", MAC, "type", "bridge")
    for port in ("net", "pcp"):
        phone.run("ip", "link", "set", port, "master", "br0", "up")
    phone.address("br0", "10.99.1.100/24")
    pc.address("eth0", "10.99.1.50/24")
    switch.address("eth0", "10.99.1.1/24")
    return phone, switch, pc


@pytest.mark.proves("DOT-11")
def test_the_switch_is_told_of_the_phone_alone_and_the_computer_of_nothing(
    office: tuple[Namespace, Namespace, Namespace], tmp_path: Path, component: list[str]
) -> None:
    component.append(tshark.version())
    phone_space, switch, pc = office
    pc.run("ping", "-c", "1", "10.99.1.1")  # the bridge knows that it is there
    pc_mac = pc.run("cat", "/sys/class/net/eth0/address").stdout.strip()

    async def scenario() -> None:
        async with addressed(tmp_path, FEATURE, known=None, **SOON) as phone:
            await phone.until(lambda: sum("sent" in line for line in phone.log) == 3)

    told = ("cdp.deviceid", "lldp.chassis.id.mac", "lldp.port.id", "frame.len")
    with watched(switch, *told) as of_switch, watched(pc, *told) as of_pc:
        phone_space.call(scenario)
        pc.run("ping", "-c", "1", "-s", "777", "10.99.1.1")
        at_switch, at_pc = of_switch.wait_for("\t819"), of_pc.wait_for("\t819")
    named = [line.split("\t")[:4] for line in at_switch if any(line.split("\t")[1:4])]
    by_lldp = [MAC, "", MAC, "02000000AA01:P1"]
    assert named == [[MAC, NAME, "", ""], by_lldp, by_lldp, by_lldp]
    assert any(line.startswith(pc_mac) for line in at_switch)
    assert [line for line in at_pc if any(line.split("\t")[1:4])] == []


def test_a_switch_is_heard_on_a_port_of_the_bridge(
    office: tuple[Namespace, Namespace, Namespace], tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    phone_space, switch, pc = office

    async def scenario() -> Any:
        async with addressed(tmp_path, FEATURE) as phone:
            await phone.until(phone.logged("sent"))
            lie = lldp_frame(med(1, "000f04"), med(2, "01453b6e"))
            await asyncio.to_thread(say, pc, [lie])
            await asyncio.to_thread(say, switch, [GOOD_LLDP, GOOD_CDP])
            await phone.until(phone.logged("heard: 2"))
            return phone.facts.voice_vlan, phone.status().data["neighbours"]

    vlan, neighbours = phone_space.call(scenario)
    assert vlan == VoiceVlan(100, "LLDP-MED")
    assert [one["protocol"] for one in neighbours] == ["LLDP", "CDP"]


def test_a_wire_without_a_carrier_hears_nothing_and_a_new_one_begins_anew(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")

    async def scenario() -> list[Any]:
        async with addressed(tmp_path, FEATURE, known=None, **NO_LLDP) as phone:
            await phone.until(phone.logged("sent"))
            await asyncio.to_thread(say, wire.switch, [GOOD_CDP])
            await phone.until(lambda: phone.facts.voice_vlan)
            down = ("ip", "link", "set", "eth0")
            await asyncio.to_thread(wire.switch.run, *down, "down")
            await phone.until(lambda: not phone.status().data["neighbours"])
            gone = phone.facts.voice_vlan
            before = sum("sent" in line for line in phone.log)
            await asyncio.to_thread(wire.switch.run, *down, "up")
            await phone.until(lambda: sum("sent" in line for line in phone.log) > before)
            return [gone, before]

    assert wire.phone.call(scenario) == [VoiceVlan(100, "CDP"), 1]


def reader(parent: int) -> int:
    """Return the process that reads frames for another."""
    (pid,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(pid)


async def _flooded(
    wire: Wire, folder: Path, count: int, seed: int
) -> tuple[VoiceVlan | None, Status, int]:
    async with addressed(folder, FEATURE) as phone:
        await phone.until(phone.logged("sent"))
        await asyncio.to_thread(say, wire.switch, [GOOD_LLDP])
        await phone.until(lambda: phone.facts.voice_vlan)
        own, child = os.getpid(), reader(os.getpid())
        before = resident(own), resident(child)
        await asyncio.to_thread(say, wire.switch, hostile(count, seed))
        # A full socket loses frames, so that the last one is said until it is heard.
        while "last" not in dict(phone.status().rows).get("CDP Neighbor", ""):
            seen = len(phone.log)
            await asyncio.to_thread(say, wire.switch, [cdp_frame((1, b"last"))])
            await phone.until(partial(_grown, phone.log, seen))
        assert reader(own) == child  # it read everything, and was never started anew
        grown = max(resident(own) - before[0], resident(child) - before[1])
        return phone.facts.voice_vlan, phone.status(), grown


def resident(process: int) -> int:
    """Return the memory of a process, in KiB."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def _grown(log: list[str], before: int) -> bool:
    return len(log) > before


def test_hostile_frames_change_no_vlan_and_stop_nobody(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    vlan, status, _ = wire.phone.call(_flooded, wire, tmp_path, 3000, 34)
    assert vlan == VoiceVlan(100, "LLDP-MED")
    assert status.data["refused"] > 100
    assert len(status.data["neighbours"]) <= 64


def test_frames_are_read_by_a_process_that_can_do_nothing_else(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("the kernel")

    async def scenario() -> tuple[dict[str, str], list[str], list[str]]:
        async with addressed(tmp_path, FEATURE) as phone:
            await phone.until(phone.logged("sent"))
            await asyncio.to_thread(say, wire.switch, [GOOD_CDP])
            await phone.until(phone.logged("heard: 1"))
            process = Path(f"/proc/{reader(os.getpid())}")
            lines = (process / "status").read_text().splitlines()
            limits = (process / "limits").read_text().splitlines()
            environment = (process / "environ").read_text().split("\0")
            return dict(line.split(":\t", 1) for line in lines), limits, environment

    status, limits, environment = wire.phone.call(scenario)
    assert environment == [""]
    assert {status[name].strip("0") for name in ("CapEff", "CapPrm", "CapAmb")} == {""}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert [line.split()[3:5] for line in limits if line.startswith("Max open files")] == [
        ["0", "0"]
    ]


CONFINED = """
import ctypes, os, signal, socket, sys
sys.path += sys.argv[1:2]
from ringfence.runtime.confine import confine
confine(os.getppid(), "read", "write", "recvfrom", "sleep")
tries = {
    "open": lambda: os.open("/dev/null", os.O_RDONLY),
    "create": lambda: os.mkdir("/tmp/confined"),
    "socket": lambda: socket.socket(),
    "fork": lambda: os.fork(),
    "run": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "send": lambda: socket.socket(fileno=0).send(b"frame"),
}
for name, attempt in tries.items():
    try:
        attempt()
        said = name + " worked\\n"
    except PermissionError:
        said = name + " refused\\n"
    os.write(1, said.encode())
"""


def test_the_kernel_refuses_such_a_process_everything_else() -> None:
    ours, theirs = socket.socketpair()
    root = str(Path(ringfence.__file__).parent.parent)
    with ours, theirs:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", CONFINED, root],
            stdin=theirs.fileno(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    words = ("open", "create", "socket", "fork", "run", "kill", "send")
    assert done.stdout.splitlines() == [f"{word} refused" for word in words], done.stderr


def test_a_killed_reader_comes_back_and_the_vlan_stays_meanwhile(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")

    async def scenario() -> tuple[list[VoiceVlan | None], str]:
        async with addressed(tmp_path, FEATURE) as phone:
            await phone.until(phone.logged("sent"))
            await asyncio.to_thread(say, wire.switch, [GOOD_LLDP])
            await phone.until(lambda: phone.facts.voice_vlan)
            told = [phone.facts.voice_vlan]
            driven: Any = phone.driver
            driven._world = replace(  # to see every VLAN that is told
                phone.world, publish=lambda **facts: told.append(facts["voice_vlan"])
            )
            os.kill(reader(os.getpid()), signal.SIGKILL)
            await phone.until(phone.logged("failed: discovery process: ended"))
            await phone.until(lambda: sum("listening" in line for line in phone.log) == 2)
            await asyncio.to_thread(say, wire.switch, [GOOD_CDP])
            await phone.until(phone.logged("heard: 2"))
            return told, dict(phone.status().rows).get("Error", "")

    assert wire.phone.call(scenario) == ([VoiceVlan(100, "LLDP-MED")], "")


@pytest.mark.soak
def test_a_million_hostile_frames_change_no_vlan_and_cost_no_memory(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    vlan, status, grown = wire.phone.call(_flooded, wire, tmp_path, 1_000_000, 35)
    assert vlan == VoiceVlan(100, "LLDP-MED")
    assert status.data["refused"] > 1000  # the socket loses most; see REST of the process
    assert len(status.data["neighbours"]) <= 64
    assert grown < 16 << 10  # KiB, the log of this test included


@pytest.mark.soak
def test_a_million_hostile_frames_that_are_all_read_lead_to_no_wrong_value() -> None:
    discovery, own = Discovery(cdp=True, lldp_med=True, delay=3), bytes(6)
    discovery.receive_carrier(True, 0)
    discovery.receive_heard(hear([GOOD_LLDP], own, ("CDP", "LLDP")), 0)
    before, frames, read = resident(os.getpid()), hostile(1_000_000, 36), 0
    while batch := list(itertools.islice(frames, BATCH)):
        discovery.receive_heard(hear(batch, own, ("CDP", "LLDP")), 1)
        read += len(batch)
    assert (read, discovery.voice_vlan("LLDP")) == (1_000_000, 100)
    assert len(discovery.neighbours) <= 64
    assert resident(os.getpid()) - before < 16 << 10
