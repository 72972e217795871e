"""Requests to the kernel over netlink, and what it says to them, as bytes.

Source: netlink(7); linux/netlink.h.
"""

import errno
import struct

_HEADER = struct.Struct("=IHHII")
_ERROR = 2
_REQUEST, _ACK = 0x1, 0x4
REPLACE, EXCLUSIVE, CREATE = 0x100, 0x200, 0x400


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a request that wants to be acknowledged."""
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute, filled up to four bytes."""
    return struct.pack("=HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def u32(number: int) -> bytes:
    """Return a number as the kernel of this machine has it."""
    return struct.pack("=I", number)


def refused(answer: bytes) -> int:
    """Return the errno of an answer, 0 where the request was carried out."""
    if len(answer) < _HEADER.size + 4 or _HEADER.unpack_from(answer)[1] != _ERROR:
        return errno.EPROTO
    return -int(struct.unpack_from("=i", answer, _HEADER.size)[0])
