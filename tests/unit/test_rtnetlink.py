"""What the kernel tells of an interface's IPv6: bytes typed from linux/rtnetlink.h."""

import struct
from ipaddress import IPv6Address

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.protocols.rtnetlink import Held, Link6, fold, is_over, questions

EMPTY = Link6(7)
LENT = IPv6Address("fd00:99:1::100").packed


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    padded = value + bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + padded


def address(
    packed: bytes = LENT, *, kind: int = 20, flags: int = 0, index: int = 7, scope: int = 0
) -> bytes:
    body = struct.pack("=BBBBI", 10, 64, 0, scope, index)
    return message(kind, body + attribute(1, packed) + attribute(8, struct.pack("=I", flags)))


def link(flags: int, state: int, *, index: int = 7) -> bytes:
    nested = attribute(12, attribute(1, struct.pack("=I", state)))
    return message(16, struct.pack("=BxHiII", 10, 1, index, flags, 0) + nested)


def resolvers(lifetime: int, *addresses: str) -> bytes:
    packed = b"".join(IPv6Address(one).packed for one in addresses)
    option = bytes((25, 1 + 2 * len(addresses), 0, 0)) + lifetime.to_bytes(4, "big") + packed
    return message(68, struct.pack("=BBHiBBHI", 10, 0, len(option), 7, 134, 0, 0, 0) + option)


def route(router: str, *, kind: int = 24, index: int = 7, to: int = 0) -> bytes:
    body = struct.pack("=BBBBBBBBI", 10, to, 0, 0, 254, 9, 0, 1, 0)
    gateway = attribute(5, IPv6Address(router).packed)
    return message(kind, body + gateway + attribute(4, struct.pack("=I", index)))


def test_addresses_come_and_go() -> None:
    held = fold(EMPTY, address(flags=0x40) + address(IPv6Address("fe80::1").packed, scope=253))
    assert held.addresses["fd00:99:1::100"] == Held(64, 0, 0x40)
    assert not held.addresses["fd00:99:1::100"].usable
    assert held.local == "fe80::1"
    there = fold(held, address())
    assert there.addresses["fd00:99:1::100"].usable
    assert there.addresses["fd00:99:1::100"].ends
    gone = fold(there, address(kind=21))
    assert set(gone.addresses) == {"fe80::1"}
    assert fold(EMPTY, address(index=8)) == EMPTY


def test_an_address_that_somebody_else_has_is_a_duplicate_until_it_is_tried_again() -> None:
    twice = fold(EMPTY, address(flags=0x48) + address(kind=21, flags=0x48))
    assert (twice.duplicates, twice.addresses) == (frozenset({"fd00:99:1::100"}), {})
    assert fold(twice, address(flags=0x40)).duplicates == frozenset()


def test_the_flags_of_a_router_advertisement() -> None:
    told = fold(EMPTY, link(0x41, 0x20 | 0x40))
    assert (told.connected, told.heard, told.managed, told.other) == (True, True, True, False)
    assert fold(told, link(0x41, 0x20 | 0x80)).other
    assert fold(EMPTY, link(0x41, 0x60, index=8)) == EMPTY


def test_a_wire_that_was_away_for_a_moment_was_connected_once_more() -> None:
    first = fold(EMPTY, link(0x41, 0))
    assert first.connections == 1
    assert fold(first, link(0x41, 0)).connections == 1
    again = fold(first, resolvers(60, "fd00::53") + link(0x1, 0) + link(0x41, 0))
    assert (again.connected, again.connections, again.resolvers) == (True, 2, ())


def test_dns_servers_of_an_advertisement_live_until_it_says_zero() -> None:
    told = fold(EMPTY, resolvers(60, "fd00::53", "fe80::53"))
    assert told.resolvers == ("fd00::53", "fe80::53")
    assert fold(told, resolvers(60, "fd00::54")).resolvers == ("fd00::54", "fd00::53", "fe80::53")
    assert fold(told, resolvers(0, "fd00::53")).resolvers == ("fe80::53",)


def test_default_routers_come_and_go() -> None:
    told = fold(EMPTY, route("fe80::1") + route("fe80::2") + route("fe80::3", index=8))
    assert told.routers == ("fe80::1", "fe80::2")
    assert fold(told, route("fe80::1", kind=25)).routers == ("fe80::2",)
    assert fold(EMPTY, route("fe80::1", to=64)) == EMPTY


def test_the_present_state_is_asked_for_in_three_dumps() -> None:
    asked = list(questions())
    assert [struct.unpack_from("=IHH", one) for one in asked] == [
        (32, 18, 0x301),
        (32, 22, 0x301),
        (32, 26, 0x301),
    ]
    assert is_over(address() + message(3, bytes(4)))
    assert not is_over(address())


@settings(max_examples=300)
@given(st.sampled_from([16, 20, 21, 24, 25, 68]), st.binary(max_size=120))
def test_noise_changes_nothing_but_what_it_says(kind: int, body: bytes) -> None:
    told = fold(EMPTY, message(kind, body))
    assert told.index == 7
    fold(EMPTY, body)


def test_the_carrier_is_that_of_the_port_where_the_interface_is_a_bridge() -> None:
    bridge = Link6(7, wire=3)
    awake = fold(bridge, link(0x40, 0x40))
    assert (awake.connected, awake.managed) == (False, True)
    there = fold(awake, link(0x40, 0, index=3))
    assert (there.connected, there.connections, there.managed) == (True, 1, True)
    assert not fold(there, link(0, 0, index=3)).connected
    assert fold(there, link(0, 0x40)).connected
