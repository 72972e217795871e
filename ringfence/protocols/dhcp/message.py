"""DHCP messages: bytes to value and back."""

import enum
import struct
from collections.abc import Mapping

from msgspec import Struct

from ringfence.errors import LocalProtocolError, RemoteProtocolError
from ringfence.protocols.dhcp.options import Option, address, packed

REQUEST, REPLY = 1, 2
"""The `op` field."""
MESSAGE_LIMIT = 1472
"""Bytes of a message that fit an Ethernet frame unfragmented; sent as option 57."""
_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
_COOKIE = b"\x63\x82\x53\x63"
_FIXED = _HEADER.size + len(_COOKIE)
_SHORTEST = 300
"""Bytes that old relays expect at least. Source: RFC 1542 2.1."""
_BROADCAST = 0x8000
_PAD, _END = 0, 255
_NOWHERE = "0.0.0.0"  # noqa: S104 - the unspecified address, nothing is bound


class MessageType(enum.IntEnum):
    """Option 53. Source: RFC 2132 9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class Message(Struct, frozen=True, kw_only=True):
    """One DHCP message. Source: RFC 2131 2."""

    op: int
    type: MessageType
    xid: int
    chaddr: bytes
    """Six bytes."""
    secs: int = 0
    broadcast: bool = False
    ciaddr: str = _NOWHERE
    yiaddr: str = _NOWHERE
    siaddr: str = _NOWHERE
    giaddr: str = _NOWHERE
    options: Mapping[int, bytes] = {}
    """Every option but 53 and 52, parts joined (RFC 3396), in the order met."""


def is_reply(data: bytes, xid: int, chaddr: bytes) -> bool:
    """Return whether bytes look like a reply to this client's transaction."""
    return (
        len(data) >= _HEADER.size
        and data[0] == REPLY
        and int.from_bytes(data[4:8], "big") == xid
        and data[28 : 28 + len(chaddr)] == chaddr
    )


def parse(data: bytes) -> Message:
    """Return the message in a datagram.

    Options of the `file` and `sname` fields are read where option 52 says so; parts of one
    option are joined in the order options, file, sname (RFC 3396 7).

    Raises:
        RemoteProtocolError: it breaks RFC 2131 or 2132, or is longer than `MESSAGE_LIMIT`.

    """
    if len(data) > MESSAGE_LIMIT:
        raise RemoteProtocolError(f"{len(data)} bytes, at most {MESSAGE_LIMIT} are taken")
    if len(data) < _FIXED or data[_HEADER.size : _FIXED] != _COOKIE:
        raise RemoteProtocolError("no DHCP message")
    op, htype, hlen, _, xid, secs, flags, *addresses, chaddr, sname, file = _HEADER.unpack_from(
        data
    )
    if op not in (REQUEST, REPLY) or htype != 1 or hlen != 6:
        raise RemoteProtocolError("no message of an Ethernet network")
    parts = _parts(data[_FIXED:], file, sname)
    kind = bytes(parts.pop(Option.MESSAGE_TYPE, b""))
    if len(kind) != 1 or not MessageType.DISCOVER <= kind[0] <= MessageType.INFORM:
        raise RemoteProtocolError("no message type")
    ciaddr, yiaddr, siaddr, giaddr = map(address, addresses)
    return Message(
        op=op,
        type=MessageType(kind[0]),
        xid=xid,
        chaddr=chaddr[:6],
        secs=secs,
        broadcast=bool(flags & _BROADCAST),
        ciaddr=ciaddr,
        yiaddr=yiaddr,
        siaddr=siaddr,
        giaddr=giaddr,
        options={code: bytes(value) for code, value in parts.items()},
    )


def _parts(options: bytes, file: bytes, sname: bytes) -> dict[int, bytearray]:
    """Return the values of all options, those of the other two fields where option 52 says so."""
    parts: dict[int, bytearray] = {}
    _read_options(options, parts)
    overload = bytes(parts.pop(Option.OVERLOAD, b"\0"))
    if len(overload) != 1 or overload[0] > 3:
        raise RemoteProtocolError("option 52 is neither 1, 2 nor 3")
    if overload[0] & 1:
        _read_options(file, parts)
    if overload[0] & 2:
        _read_options(sname, parts)
    return parts


def _read_options(area: bytes, parts: dict[int, bytearray]) -> None:
    at = 0
    while at < len(area) and (code := area[at]) != _END:
        at += 1
        if code == _PAD:
            continue
        if at == len(area):
            raise RemoteProtocolError(f"option {code} is cut off")
        size = area[at]
        at += 1
        if at + size > len(area):
            raise RemoteProtocolError(
                f"option {code} claims {size} bytes, {len(area) - at} are left"
            )
        parts.setdefault(code, bytearray()).extend(area[at : at + size])
        at += size


def build(message: Message) -> bytes:
    """Return the bytes of a message; a value of more than 255 bytes is split (RFC 3396 5).

    Raises:
        LocalProtocolError: it would be longer than `MESSAGE_LIMIT`, or a field is wrong.

    """
    try:
        four = [
            packed(text)
            for text in (message.ciaddr, message.yiaddr, message.siaddr, message.giaddr)
        ]
    except ValueError as error:
        raise LocalProtocolError(str(error)) from error
    out = bytearray(
        _HEADER.pack(
            message.op,
            1,
            6,
            0,
            message.xid,
            min(message.secs, 0xFFFF),
            _BROADCAST if message.broadcast else 0,
            *four,
            message.chaddr,
            b"",
            b"",
        )
    )
    out += _COOKIE + bytes((Option.MESSAGE_TYPE, 1, message.type))
    for code, value in message.options.items():
        for at in range(0, max(len(value), 1), 255):
            part = value[at : at + 255]
            out += bytes((code, len(part))) + part
    out.append(_END)
    if len(out) > MESSAGE_LIMIT:
        raise LocalProtocolError(f"a message of {len(out)} bytes")
    return bytes(out.ljust(_SHORTEST, b"\0"))
