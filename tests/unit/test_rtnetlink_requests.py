"""Requests over rtnetlink, compared with the bytes that ip(8) of iproute2 6.1 sends."""

import struct

import pytest

from ringfence.protocols import netlink
from ringfence.protocols import rtnetlink_requests as requests
from ringfence.protocols.rtnetlink_requests import MAIN, Rule


def attributes(message: bytes, head: int) -> dict[int, bytes]:
    found, at = {}, 16 + head
    while at < len(message):
        size, kind = struct.unpack_from("=HH", message, at)
        found[kind & 0x3FFF] = message[at + 4 : at + size]
        at += (size + 3) & ~3
    return found


def test_a_rule_names_its_table_what_it_is_for_and_when_it_is_asked() -> None:
    one = Rule(version=4, priority=5240, table=MAIN, to="10.99.1.10", protocol=6, port=443)
    message = requests.rule(one)
    assert struct.unpack_from("=IHH", message) == (len(message), 32, 0x1 | 0x4 | 0x200 | 0x400)
    assert message[16:28] == bytes((2, 32, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0))
    assert attributes(message, 12) == {
        6: struct.pack("=I", 5240),
        15: struct.pack("=I", 254),
        1: bytes((10, 99, 1, 10)),
        22: b"\x06",
        24: struct.pack("=HH", 443, 443),
    }
    assert str(one) == "5240: to 10.99.1.10 ipproto tcp dport 443 lookup main"


def test_a_rule_for_a_mark_masks_all_of_it() -> None:
    message = requests.rule(Rule(version=6, priority=7, table=100, mark=0x5246))
    assert message[16:18] == bytes((10, 0))
    found = attributes(message, 12)
    assert (found[10], found[16]) == (struct.pack("=I", 0x5246), b"\xff\xff\xff\xff")


def test_a_default_route_leads_out_of_an_interface_with_an_address() -> None:
    message = requests.default_route(4, 100, 9, "10.88.0.50", 100)
    assert struct.unpack_from("=H", message, 4) == (24,)
    assert message[16:28] == bytes((2, 0, 0, 0, 0, 4, 253, 1, 0, 0, 0, 0))
    assert attributes(message, 12) == {
        15: struct.pack("=I", 100),
        6: struct.pack("=I", 100),
        4: struct.pack("=I", 9),
        7: bytes((10, 88, 0, 50)),
    }


def test_a_route_to_nowhere_is_unreachable() -> None:
    message = requests.no_route(6, 100, 65535)
    assert message[16:24] == bytes((10, 0, 0, 0, 0, 4, 0, 7))


def test_an_address_is_near_to_itself_alone() -> None:
    message = requests.address(9, "fd88::2")
    assert struct.unpack_from("=BBBBI", message, 16) == (10, 128, 2, 0, 9)
    packed = bytes.fromhex("fd880000000000000000000000000002")
    assert attributes(message, 8) == {2: packed, 1: packed}


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (struct.pack("=IHHIIi", 36, 2, 0, 1, 0, 0), 0),
        (struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -17), 17),
        (b"", 71),
        (b"\0" * 15, 71),
        (struct.pack("=IHHIIi", 36, 3, 0, 1, 0, 0), 71),
    ],
)
def test_an_answer_is_an_errno(answer: bytes, number: int) -> None:
    assert netlink.refused(answer) == number
