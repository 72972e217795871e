"""Packet sockets: what the kernel hands over, and what it keeps away."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ringfence.errors import ComponentError
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dhcp.frame import ETHERTYPE, FILTER, build_frame, parse_frame
from ringfence.runtime.host import Host

Pair = tuple[Namespace, Namespace]
TO_US = b"\x43\x00"
VLAN_7 = b"\x81\x00\x00\x07"


@pytest.fixture(autouse=True)
def kernel(component: list[str]) -> None:
    component.append("Linux " + Path("/proc/sys/kernel/osrelease").read_text().strip())


def answer(payload: bytes) -> bytes:
    """Return a frame to port 68 that says `payload`."""
    frame = bytearray(build_frame(bytes(6), "0.0.0.0", payload))
    frame[34:38] = b"\0\x43\0\x44"
    return bytes(frame)


def test_only_whole_datagrams_to_port_68_wake_the_phone(pair: Pair) -> None:
    phone, stranger = pair
    fragment = bytearray(answer(b"fragment"))
    fragment[20] = 0x20
    tagged = answer(b"tagged")
    frames = [
        answer(b"first"),
        bytes(fragment),
        tagged[:12] + VLAN_7 + tagged[12:],
        b"\x02\x00\x00\x00\x00\x01" + answer(b"other host")[6:],
        answer(b"last"),
    ]

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
            rtp.sendto(b"rtp", ("10.99.0.2", 16384))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind(("eth0", ETHERTYPE))
            for frame in frames:
                raw.send(frame)

    async def receive() -> list[bytes]:
        packets = Host(Path()).packets("eth0", ETHERTYPE, FILTER)
        await asyncio.to_thread(stranger.call, send)
        heard: list[bytes] = []
        async with asyncio.timeout(10):
            while heard[-1:] != [b"last"]:
                await packets.arrived()
                while (packet := packets.receive()) is not None:
                    datagram = parse_frame(packet.frame, summed=False)
                    heard.append(datagram.payload if datagram else packet.frame)
        packets.close()
        return heard

    assert phone.call(receive) == [b"first", b"last"]


def test_without_a_filter_everything_of_the_ethertype_comes(pair: Pair) -> None:
    phone, stranger = pair

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
            rtp.sendto(b"rtp", ("10.99.0.2", 16384))

    async def receive() -> bytes:
        packets = Host(Path()).packets("eth0", ETHERTYPE)
        await asyncio.to_thread(stranger.call, send)
        async with asyncio.timeout(10):
            while (packet := packets.receive()) is None:
                await packets.arrived()
        packets.close()
        return packet.frame[-3:]

    assert phone.call(receive) == b"rtp"


def test_a_sum_that_the_sender_left_to_hardware_is_told(pair: Pair) -> None:
    phone, stranger = pair

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.sendto(b"offer", ("10.99.0.2", 68))

    async def receive() -> tuple[bool, bool, bool]:
        packets = Host(Path()).packets("eth0", ETHERTYPE, FILTER)
        await asyncio.to_thread(stranger.call, send)
        async with asyncio.timeout(10):
            while (packet := packets.receive()) is None:
                await packets.arrived()
        packets.close()
        strict, lenient = (parse_frame(packet.frame, summed=each) for each in (True, False))
        return packet.summed, strict is None, lenient is not None

    assert phone.call(receive) == (False, True, True)


def test_a_wire_that_was_away_is_noticed_once(pair: Pair) -> None:
    phone, stranger = pair

    async def scenario() -> list[bool]:
        packets = Host(Path()).packets("eth0", ETHERTYPE, FILTER)
        told = [packets.reconnected()]
        stranger.run("ip", "link", "set", "eth0", "down")
        async with asyncio.timeout(10):
            await packets.arrived()
        told.append(packets.reconnected())
        stranger.run("ip", "link", "set", "eth0", "up")
        async with asyncio.timeout(10):
            while not packets.reconnected():
                await packets.arrived()
        told.append(packets.reconnected())
        packets.close()
        return told

    assert phone.call(scenario) == [False, False, False]


def test_an_interface_says_what_it_is(pair: Pair) -> None:
    phone, _ = pair
    phone.run("ip", "link", "set", "eth0", "address", "02:00:00:00:aa:01")

    def scenario() -> tuple[bytes, bool]:
        host = Host(Path())
        return host.hardware_address("eth0"), host.is_up("eth0")

    assert phone.call(scenario) == (bytes.fromhex("02000000aa01"), True)
    phone.run("ip", "link", "set", "eth0", "down")
    assert phone.call(scenario)[1] is False


@pytest.mark.parametrize("ask", ["packets", "is_up", "hardware_address"])
def test_a_missing_interface_is_named(pair: Pair, ask: str) -> None:
    def scenario() -> str:
        host = Host(Path())
        calls: dict[str, Callable[[], object]] = {
            "packets": lambda: host.packets("eth9", ETHERTYPE),
            "is_up": lambda: host.is_up("eth9"),
            "hardware_address": lambda: host.hardware_address("eth9"),
        }
        try:
            calls[ask]()
        except ComponentError as error:
            return error.component
        return ""

    assert pair[0].call(scenario).endswith("eth9")
