"""DHCPv6 messages: bytes to value and back."""

import enum
from collections.abc import Mapping

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.options import text
from ringfence.protocols.dhcpv6.options import Option6, StatusCode, option, options

MESSAGE_LIMIT = 4096
"""Bytes of a message that are taken."""


class MessageType(enum.IntEnum):
    """Source: RFC 8415 7.3."""

    SOLICIT = 1
    ADVERTISE = 2
    REQUEST = 3
    CONFIRM = 4
    RENEW = 5
    REBIND = 6
    REPLY = 7
    RELEASE = 8
    DECLINE = 9
    INFORMATION_REQUEST = 11


_KNOWN = frozenset(map(int, MessageType))


class Message6(Struct, frozen=True):
    """One message between client and server. Source: RFC 8415 8."""

    type: MessageType
    xid: int
    """24 bits."""
    options: Mapping[int, tuple[bytes, ...]] = {}
    """Every instance of each option, in the order met."""

    def first(self, code: int) -> bytes | None:
        """Return the first instance of an option; None where there is none."""
        return next(iter(self.options.get(code, ())), None)


def parse(data: bytes) -> Message6:
    """Return the message in a datagram.

    Raises:
        RemoteProtocolError: it breaks RFC 8415, or is longer than `MESSAGE_LIMIT`.

    """
    if len(data) > MESSAGE_LIMIT:
        raise RemoteProtocolError(f"{len(data)} bytes, at most {MESSAGE_LIMIT} are taken")
    if len(data) < 4 or data[0] not in _KNOWN:
        raise RemoteProtocolError("no DHCPv6 message between client and server")
    found: dict[int, tuple[bytes, ...]] = {}
    for code, value in options(data[4:]):
        found[code] = (*found.get(code, ()), value)
    return Message6(MessageType(data[0]), int.from_bytes(data[1:4], "big"), found)


def build(message: Message6) -> bytes:
    """Return the bytes of a message."""
    return bytes((message.type, *message.xid.to_bytes(3, "big"))) + b"".join(
        option(code, value) for code, each in message.options.items() for value in each
    )


def status_of(found: Mapping[int, tuple[bytes, ...]]) -> tuple[int, str]:
    """Return status code and text among options; success where none is there.

    Raises:
        RemoteProtocolError: the status is cut off.

    """
    value = next(iter(found.get(Option6.STATUS, ())), None)
    if value is None:
        return StatusCode.SUCCESS, ""
    if len(value) < 2:
        raise RemoteProtocolError("a status of less than two bytes")
    try:
        said = text(value[2:])[:120]
    except RemoteProtocolError:
        said = ""
    return int.from_bytes(value[:2], "big"), said
