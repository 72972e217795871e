"""The port to the computer: real supplicants, a real authenticator, and a computer that attacks."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.features import dhcp
from ringfence.features.dot1x import FEATURE as DOT1X
from ringfence.features.pc_port import FEATURE
from ringfence.features.pc_port.plan import PcPortPlan
from ringfence.features.pc_port.ruleset import TABLE, table
from ringfence.lab.dot1x import User
from ringfence.lab.namespaces import Namespace
from ringfence.policy.vlan import VoiceVlan
from ringfence.protocols.nft_table import text
from tests.support import dot1x, tshark
from tests.support.lease import RANGE, Addressed, Dnsmasq, addressed
from tests.support.office import MAC, PHONE, Office, Raw, build

PLAN = PcPortPlan("br0", True, MAC)
BROADCAST = b"\xff" * 6
GROUP = bytes.fromhex("0180c2000003")
PC = bytes.fromhex("0200000000cc")
SWITCH = bytes.fromhex("0200000000bb")
END = BROADCAST + PC + b"\x88\xb5end"
"""An experimental frame that passes everywhere, sent last."""


@pytest.fixture
def office(namespaces: Callable[[str], Namespace]) -> Office:
    return build(*map(namespaces, ("phone", "switch", "pc", "server")))


@contextlib.asynccontextmanager
async def guarded(folder: Path, vlan: int | None = None, **texts: str) -> AsyncIterator[Addressed]:
    """Run the feature alone, told of a voice VLAN or not."""
    async with addressed(folder, FEATURE, known=None, **texts) as phone:
        if vlan is not None:
            phone.facts = replace(phone.facts, voice_vlan=VoiceVlan(vlan, "CDP"))
            await phone.start()
        yield phone


@pytest.fixture
def hold(office: Office, tmp_path: Path, component: list[str]) -> Callable[..., None]:
    """Have a phone put its rules into the kernel and end: they stay."""

    async def scenario(vlan: int | None) -> None:
        async with guarded(tmp_path, vlan) as phone:
            await phone.until(phone.logged("watched"))

    component.append(office.phone.run("nft", "--version").stdout.split("(")[0].strip())

    def held(vlan: int | None = None) -> None:
        office.phone.call(scenario, vlan)

    return held


@pytest.fixture
def ends(office: Office) -> Iterator[tuple[Raw, Raw, Raw]]:
    """Return raw frames at computer, phone (behind its bridge) and switch."""
    made = (Raw(office.pc, "eth0"), Raw(office.phone, "br0"), Raw(office.switch, "p1"))
    yield made
    for one in made:
        one.close()


def udp(source: int, target: int, *, to: bytes = BROADCAST, of: bytes = PC) -> bytes:
    """Return an IPv4 datagram, without a checksum of UDP."""
    body = struct.pack("!HHHH", source, target, 12, 0) + b"DHCP"
    head = bytes.fromhex("45000020000000004011000000000000ffffffff")
    total = sum(struct.unpack("!10H", head))
    total = (total >> 16) + (total & 0xFFFF)
    head = head[:10] + struct.pack("!H", ~total & 0xFFFF) + head[12:]
    return to + of + b"\x08\x00" + head + body


def ipv6(protocol: int, body: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 255)
    addresses = socket.inet_pton(socket.AF_INET6, "fe80::cc")
    addresses += socket.inet_pton(socket.AF_INET6, "ff02::1")
    return bytes.fromhex("333300000001") + PC + b"\x86\xdd" + head + addresses + body


def tagged(vlan: int, frame: bytes, kind: int = 0x8100) -> bytes:
    return frame[:12] + struct.pack("!HH", kind, vlan) + frame[12:]


START = GROUP + PC + bytes.fromhex("888e01010000")
SUCCESS = PHONE + PC + bytes.fromhex("888e0100000403070004")
ROUTER = bytes((134, 0, 0, 0, 64, 0, 7, 8)) + bytes(8)
REDIRECT = bytes((137, 0)) + bytes(38)
HOP_BY_HOP = bytes((58, 0, 1, 4, 0, 0, 0, 0))
CDP = (
    bytes.fromhex("01000ccccccc") + PC + b"\x00\x20" + bytes.fromhex("aaaa0300000c2000") + bytes(24)
)
OTHER = BROADCAST + PC + b"\x88\xb6plain"


def test_the_kernel_holds_the_table_that_is_shown(
    office: Office, hold: Callable[..., None]
) -> None:
    hold(100)
    held = office.phone.run("nft", "-s", "list", "table", *TABLE.split()).stdout
    assert held == text(table(replace(PLAN, voice_vlan=100)))


def test_a_foreign_change_is_put_right(
    office: Office, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")

    async def scenario() -> bool:
        async with guarded(tmp_path) as phone:
            for words in (("flush", "table"), ("delete", "table")):
                phone.log.clear()
                await asyncio.to_thread(office.phone.run, "nft", *words, *TABLE.split())
                await phone.until(phone.logged("put_right"))
            return bool(phone.status().data["held"])

    assert office.phone.call(scenario)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(udp(67, 68), id="dhcp"),
        pytest.param(udp(4711, 68, to=PHONE), id="dhcp from another port"),
        pytest.param(tagged(0, udp(67, 68)), id="dhcp with a priority tag"),
        pytest.param(tagged(0, tagged(0, udp(67, 68)), 0x88A8), id="dhcp below two tags"),
        pytest.param(ipv6(17, struct.pack("!HHHH", 547, 546, 12, 0) + bytes(4)), id="dhcpv6"),
        pytest.param(ipv6(58, ROUTER), id="router advertisement"),
        pytest.param(ipv6(0, HOP_BY_HOP + ROUTER), id="router advertisement behind options"),
        pytest.param(ipv6(58, REDIRECT), id="redirect"),
        pytest.param(BROADCAST + PHONE + b"\x88\xb6in its name", id="the phone's name"),
        pytest.param(GROUP + PHONE + bytes.fromhex("888e01020000"), id="logoff in its name"),
        pytest.param(tagged(100, OTHER), id="voice VLAN"),
    ],
)
def test_what_no_computer_may_send_reaches_neither_phone_nor_switch(
    hold: Callable[..., None], ends: tuple[Raw, Raw, Raw], frame: bytes
) -> None:
    hold(100)
    pc, phone, switch = ends
    pc.send(OTHER, frame, END)
    for seen in (phone.until(END), switch.until(END)):
        assert [one for one in seen if one.startswith(OTHER)]
        assert not [one for one in seen if one.startswith(frame)]


def test_supplicants_of_phone_and_computer_do_not_hear_one_another(
    hold: Callable[..., None], ends: tuple[Raw, Raw, Raw]
) -> None:
    hold()
    pc, phone, switch = ends
    ours = GROUP + PHONE + bytes.fromhex("888e01010000")
    pc.send(START, SUCCESS, tagged(0, SUCCESS), END)
    phone.send(ours, BROADCAST + PHONE + END[12:])
    eapol = b"\x88\x8e"
    assert not [one for one in phone.until(END) if eapol in one[12:18]]
    assert not [one for one in pc.until(BROADCAST + PHONE + END[12:]) if eapol in one[12:18]]
    seen = switch.until(BROADCAST + PHONE + END[12:])
    assert [one[6:12] for one in seen if one[12:14] == eapol] == [PC, PHONE]
    switch.send(GROUP + SWITCH + bytes.fromhex("888e01000000"), BROADCAST + SWITCH + END[12:])
    assert [one for one in pc.until(BROADCAST + SWITCH + END[12:]) if one[12:14] == eapol]


def test_neither_cdp_nor_the_voice_vlan_is_passed_on(
    hold: Callable[..., None], ends: tuple[Raw, Raw, Raw]
) -> None:
    hold(100)
    pc, _, switch = ends
    end = BROADCAST + SWITCH + END[12:]
    data = tagged(200, OTHER[:6] + SWITCH + OTHER[12:])
    switch.send(
        CDP[:6] + SWITCH + CDP[12:], tagged(100, OTHER[:6] + SWITCH + OTHER[12:]), data, end
    )
    pc.send(CDP, END)
    assert [one[:17] for one in pc.until(end) if one[6:12] == SWITCH] == [data[:17], end[:17]]
    assert [one[:17] for one in switch.until(END) if one[6:12] == PC] == [END]


@pytest.mark.proves("DOT-12")
def test_a_port_that_is_off_gives_the_computer_no_link(
    office: Office, tmp_path: Path, component: list[str]
) -> None:
    component.append("the computer's kernel")

    def link_of(space: Namespace, interface: str) -> str:
        return space.run("ip", "-o", "link", "show", interface).stdout

    async def scenario(enabled: str) -> list[str]:
        async with guarded(tmp_path, PC_PORT_Enable=enabled) as phone:
            shown = [link_of(office.pc, "eth0")]
            if enabled == "No":
                await asyncio.to_thread(office.phone.run, "ip", "link", "set", "pcp", "up")
                await phone.until(phone.logged("switched: off"))
                shown += [link_of(office.pc, "eth0"), link_of(office.phone, "net")]
            return shown

    off, still_off, net = office.phone.call(scenario, "No")
    assert "NO-CARRIER" in off
    assert "NO-CARRIER" in still_off
    assert "NO-CARRIER" not in net
    assert "NO-CARRIER" not in office.phone.call(scenario, "Yes")[0]


@pytest.mark.proves("DOT-08", "DOT-09")
def test_computer_and_phone_are_admitted_and_the_computer_alone_is_logged_off(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> None:
    programs = [dot1x.version(name) for name in ("hostapd", "wpa_supplicant")]
    component.extend([*programs, tshark.version()])
    nodes, authority = dot1x.wire(namespaces), dot1x.Authority.create(tmp_path / "authority")
    everyone = authority.server(User("*", "TLS"))
    switch = dot1x.Port.guard(nodes.switch, tmp_path / "port", everyone)
    at_pc = tmp_path / "pc.pcapng"
    pc = nodes.pc.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    supplicants: list[dot1x.Supplicant] = []

    about = ("eapol.type", "eth.src", "eth.dst", "frame.len", "frame.time_epoch")
    at_switch = tshark.Capture(nodes.switch, "ether proto 0x888e", *about, interface=dot1x.PORT)

    async def scenario() -> tuple[set[str], set[str], float]:
        own = dot1x.facts(authority)
        async with (
            guarded(tmp_path / "port") as port,
            addressed(tmp_path / "phone", DOT1X, known=own, **dot1x.ON),
        ):
            await port.until(port.logged("watched"))
            with tshark.captured(nodes.pc, "eth0", at_pc):
                supplicants.append(
                    dot1x.Supplicant(nodes.pc, tmp_path / "pc", authority, "pc", "eth0")
                )
                await asyncio.to_thread(switch.opened, dot1x.PHONE)
                await asyncio.to_thread(switch.opened, pc)
                both = switch.gate.authorised()
            await asyncio.to_thread(nodes.pc.run, "ip", "link", "set", "eth0", "down")
            gone = time.time()
            await asyncio.to_thread(switch.shut, pc)
            supplicants[0].stop()
            return both, switch.gate.authorised(), gone

    (tmp_path / "phone").mkdir()
    try:
        both, left, gone = nodes.phone.call(scenario)
        frames = [line.split("\t") for line in at_switch.wait_for(f"\n2\t{pc}")]
    finally:
        switch.stop()
        at_switch.stop()
    assert both == {dot1x.PHONE, pc}
    assert left == {dot1x.PHONE}
    heard = tshark.fields(at_pc, "eapol", "eth.src", "eth.dst")
    assert heard  # those of the computer itself
    assert not [frame for frame in heard if dot1x.PHONE in frame]
    ((*logoff, at),) = [rest for kind, *rest in frames if kind == "2"]
    assert logoff == [pc, "01:80:c2:00:00:03", "60"]
    assert float(at) - gone < 1.0


def test_a_dhcp_server_behind_the_phone_is_not_believed(
    office: Office, tmp_path: Path, component: list[str]
) -> None:
    """The computer's server answers at once; the network's comes later, and is asked again."""
    folders = [tmp_path / name for name in ("rogue", "good", "guard", "address")]
    for folder in folders:
        folder.mkdir()
    office.pc.address("eth0", "10.99.1.66/24")
    office.server.address("eth0", "10.99.1.10/24")
    rogue = Dnsmasq(office.pc, folders[0], "dhcp-range=10.99.1.60,10.99.1.65,2m")
    version = office.pc.run("dnsmasq", "--version").stdout.split()
    component.append(f"dnsmasq {version[2]}")
    good: list[Dnsmasq] = []

    async def scenario() -> tuple[str, Any]:
        async with guarded(folders[2]) as port, addressed(folders[3], dhcp.FEATURE) as phone:
            await asyncio.to_thread(rogue.wait_for, "DHCPOFFER")
            good.append(Dnsmasq(office.server, folders[1], RANGE))
            lease = await phone.bound()
            for state in ("down", "up"):  # of the phone's wire alone: the computer's stays
                await asyncio.to_thread(office.switch.run, "ip", "link", "set", "p1", state)
            await asyncio.to_thread(good[0].wait_for, "DHCPACK", 2)
            good[0].stop()
            return lease.server, port.status().data["counters"]

    try:
        server, dropped = office.phone.call(scenario)
    finally:
        rogue.stop()
    assert server == "10.99.1.10"
    assert dropped["dhcp"] >= 1
