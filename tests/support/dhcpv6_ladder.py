"""A DHCPv6 client, a clock that is set by hand, and the servers' side of the ladder."""

from ipaddress import IPv6Address

import pytest

from ringfence.protocols.dhcpv6.ask import Client6
from ringfence.protocols.dhcpv6.client import Bound, Event, Exchange6

MAC = bytes.fromhex("02000000aa01")


CLIENT_ID = bytes.fromhex("0001000a0003000102000000aa01")


SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE = range(1, 10)


INFORMATION_REQUEST = 11


NO_ADDRESS, NO_BINDING, NOT_ON_LINK = (
    b"\x00\x0d\x00\x02\x00\x02",
    b"\x00\x0d\x00\x02\x00\x03",
    b"\x00\x0d\x00\x02\x00\x04",
)


MIDDLE = b"\x80\x00"
"""Entropy in the middle: a spread of almost nothing."""


class Wire:
    """A client, and servers who answer its last message."""

    def __init__(self, spread: bytes = MIDDLE) -> None:
        self.now = 1000.0
        self._drawn = 0
        self._spread = spread
        self.exchange = Exchange6(Client6(MAC, "CP-8841-3PCC"), self._entropy)
        self.sent: list[bytes] = []

    def _entropy(self, size: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(3, "big") if size == 3 else self._spread

    @property
    def state(self) -> str:
        return self.exchange.state.value

    def take(self) -> list[int]:
        """Return the types of what was sent since the last call."""
        new = self.exchange.messages_to_send()
        self.sent += new
        return [one[0] for one in new]

    def to_timer(self) -> float:
        """Wait for the timer; return for how long."""
        due = self.exchange.get_timer()
        assert due is not None
        waited, self.now = due - self.now, due
        self.exchange.handle_timer(self.now)
        return waited

    def wait_until(self, at: float) -> None:
        while (due := self.exchange.get_timer()) is not None and due <= at:
            self.to_timer()
            self.take()
        self.now = at

    def answer(self, kind: int, *parts: bytes, server: int = 1, client: bytes = CLIENT_ID) -> None:
        """Have a server answer the last message."""
        self.exchange.receive_message(
            bytes((kind,)) + self.sent[-1][1:4] + client + identifier(server) + b"".join(parts),
            "fe80::1",
            self.now,
        )

    def events(self) -> list[Event]:
        return list(iter(self.exchange.next_event, None))

    def bind(self, **times: int) -> None:
        """Go the whole way to a lease."""
        self.exchange.start(self.now, address=True)
        self.to_timer()
        self.take()
        self.answer(ADVERTISE, association(**times), b"\x00\x07\x00\x01\xff")
        assert self.take() == [REQUEST]
        self.answer(REPLY, association(**times))
        (event,) = self.events()
        assert isinstance(event, Bound)


def identifier(server: int) -> bytes:
    return bytes.fromhex("0002000a00030001020000000000")[:-1] + bytes((server,))


def association(
    host: int = 0x100, t1: int = 1000, t2: int = 2000, preferred: int = 3000, valid: int = 4000
) -> bytes:
    address = IPv6Address(f"fd00:99:1::{host:x}").packed
    body = MAC[2:] + t1.to_bytes(4, "big") + t2.to_bytes(4, "big") + b"\x00\x05\x00\x18" + address
    body += preferred.to_bytes(4, "big") + valid.to_bytes(4, "big")
    return b"\x00\x03" + len(body).to_bytes(2, "big") + body


def with_status(status: bytes) -> bytes:
    return b"\x00\x03\x00\x12" + MAC[2:] + bytes(8) + status


@pytest.fixture
def wire() -> Wire:
    return Wire()
