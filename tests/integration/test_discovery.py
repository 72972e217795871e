"""The phone beside a real switch daemon, lldpd, as tshark sees it, and among hostile neighbours."""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ringfence.features.discovery import FEATURE, driver
from ringfence.lab.namespaces import Namespace, link
from ringfence.policy.vlan import VoiceVlan
from tests.support import lldpd, tshark
from tests.support.discovery_frames import GOOD_CDP, GOOD_LLDP, cdp_frame, lldp_frame, med
from tests.support.discovery_wire import MAC, NAME, NO_CDP, NO_LLDP, SOON, Wire, say, wire
from tests.support.lease import addressed
from tests.support.lldpd import Lldpd

__all__ = ["wire"]


MED_SWITCH = ("-M", "4")
CDP_SWITCH = ("-ccc", "-ll")
NOT_APPLIED = "(not applied: the phone sends untagged frames)"


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
