"""The requests for an address and a route, byte by byte as rtnetlink(7) has them."""

import errno
import math
import struct

import pytest

from ringfence.protocols.rtnetlink_change import (
    Change,
    PutAddress,
    PutRouter,
    TakeAddress,
    TakeRouter,
    encode,
    refused,
)

LOCAL, ROUTER = bytes((10, 99, 1, 100)), bytes((10, 99, 1, 1))


def option(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data


def message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


@pytest.mark.parametrize(("seconds", "life"), [(3599.9, 3599), (0.2, 1), (math.inf, 0xFFFFFFFF)])
def test_an_address_is_created_or_replaced_with_its_life(seconds: float, life: int) -> None:
    body = struct.pack("=BBBBI", 2, 24, 0, 0, 7)
    body += option(2, LOCAL) + option(1, LOCAL) + option(4, bytes((10, 99, 1, 255)))
    body += option(6, struct.pack("=IIII", life, life, 0, 0))
    assert encode(PutAddress("10.99.1.100", 24, seconds), 7) == message(20, 0x505, body)


@pytest.mark.parametrize("prefix", [31, 32])
def test_a_point_to_point_address_has_no_broadcast(prefix: int) -> None:
    assert option(2, LOCAL) + option(1, LOCAL) + struct.pack("=HH", 20, 6) in encode(
        PutAddress("10.99.1.100", prefix, 60), 7
    )


def test_a_router_is_on_the_link_and_names_the_source() -> None:
    body = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 16, 0, 1, 4)
    body += option(4, struct.pack("=I", 7)) + option(5, ROUTER) + option(7, LOCAL)
    assert encode(PutRouter("10.99.1.1", "10.99.1.100"), 7) == message(24, 0x505, body)


def test_an_address_and_a_route_are_taken_by_what_names_them() -> None:
    body = struct.pack("=BBBBI", 2, 32, 0, 0, 7) + option(2, LOCAL)
    assert encode(TakeAddress("10.99.1.100"), 7) == message(21, 5, body)
    body = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 16, 0, 1, 0)
    assert encode(TakeRouter(), 7) == message(25, 5, body + option(4, struct.pack("=I", 7)))


@pytest.mark.parametrize(
    ("change", "number", "told"),
    [
        (PutAddress("10.99.1.100", 24, 60), 0, 0),
        (PutAddress("10.99.1.100", 24, 60), errno.EPERM, errno.EPERM),
        (TakeAddress("10.99.1.100"), errno.EADDRNOTAVAIL, 0),
        (TakeRouter(), errno.ESRCH, 0),
        (TakeRouter(), errno.EPERM, errno.EPERM),
        (PutRouter("10.99.1.1", "10.99.1.100"), errno.ESRCH, errno.ESRCH),
    ],
)
def test_what_is_gone_already_counts_as_taken(change: Change, number: int, told: int) -> None:
    reply = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -number) + encode(change, 7)[:16]
    assert refused(change, reply) == told


@pytest.mark.parametrize("reply", [b"", bytes(16), struct.pack("=IHHIIi", 20, 3, 0, 1, 0, 0)])
def test_what_is_no_answer_is_a_refusal(reply: bytes) -> None:
    assert refused(TakeRouter(), reply) == errno.EPROTO
