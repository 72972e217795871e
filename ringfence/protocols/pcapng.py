"""Blocks of a capture file as Wireshark reads it, keys of its TLS connections included.

Source: draft-ietf-opsawg-pcapng, sections 3 and 4.
"""

import struct
from collections.abc import Iterator, Sequence

from ringfence.protocols.frames import head_length

ETHERNET = 1
"""Link type of whole Ethernet frames."""
NANOSECONDS = 9
"""Time stamps count units of ten to the power of minus nine seconds."""
TLS_KEY_LOG = 0x544C534B
"""Type of secrets: lines of the NSS Key Log Format. Source: section 4.7."""
INBOUND, OUTBOUND = 1, 2
"""Direction of a packet. Source: section 4.3.1, epb_flags."""

_SECTION, _INTERFACE, _STATISTICS = 0x0A0D0D0A, 1, 5
_PACKET, _SECRETS = 6, 10
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_UNKNOWN_LENGTH = b"\xff" * 8
_COMMENT, _APPLICATION = 1, 4
_INTERFACE_NAME, _RESOLUTION = 2, 9
_RECEIVED, _DROPPED = 4, 5
_FLAGS = 2
SECRETS_HEAD = 16
"""Bytes of a block of secrets before the secrets themselves."""

Option = tuple[int, bytes]


def section(application: str) -> bytes:
    """Return the block that begins a file, or a new part of one, and the byte order of its own."""
    head = struct.pack("<IHH", _BYTE_ORDER_MAGIC, 1, 0) + _UNKNOWN_LENGTH
    return _block(_SECTION, head + _options([(_APPLICATION, application.encode())]))


def interface(name: str, longest: int) -> bytes:
    """Return the block that describes a section's interface; `longest` is that of a packet."""
    options = [(_INTERFACE_NAME, name.encode()), (_RESOLUTION, bytes([NANOSECONDS]))]
    return _block(_INTERFACE, struct.pack("<HHI", ETHERNET, 0, longest) + _options(options))


def packet(frame: bytes, nanoseconds: int, direction: int) -> bytes:
    """Return the block of a whole packet of the section's first interface.

    `nanoseconds` count from 1970-01-01; `direction` is `INBOUND`, `OUTBOUND`, or 0 for neither.
    """
    head = struct.pack(
        "<IIIII", 0, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF, len(frame), len(frame)
    )
    return _block(
        _PACKET, head + _padded(frame) + _options([(_FLAGS, struct.pack("<I", direction))])
    )


def secrets(room: int) -> bytes:
    """Return a block with room for so many bytes of TLS keys, from `SECRETS_HEAD` on.

    Who reads the file needs a key before the packets that it opens, and the phone knows it only
    after the first of them. So the room is made before the packets, and filled in later: spaces
    are lines without a meaning in the NSS Key Log Format.
    """
    return _block(_SECRETS, struct.pack("<II", TLS_KEY_LOG, room) + _padded(b" " * room))


def statistics(nanoseconds: int, received: int, dropped: int, comment: str) -> bytes:
    """Return the block that ends a section: packets in all, those that got lost, and a remark."""
    options = [
        (_COMMENT, comment.encode()),
        (_RECEIVED, struct.pack("<Q", received)),
        (_DROPPED, struct.pack("<Q", dropped)),
    ]
    head = struct.pack("<III", 0, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF)
    return _block(_STATISTICS, head + _options(options))


def heads(data: bytes, most: int) -> bytes:
    """Return a file of ours without keys and without what packets carried: their heads alone.

    The newest of its blocks that come to `most` bytes; each packet keeps its length and time.

    Raises:
        ValueError: it is no whole file of ours.

    """
    first = _whole(data, 0)
    begin = first + _whole(data, first)
    kept: list[bytes] = []
    size = begin
    for block in _backwards(data, begin):
        (kind,) = struct.unpack_from("<I", block)
        if kind == _SECRETS:
            continue
        kept.append(_head(block) if kind == _PACKET else block)
        size += len(kept[-1])
        if size > most:
            kept.pop()
            break
    return data[:begin] + b"".join(reversed(kept))


def _whole(data: bytes, at: int) -> int:
    """Return the length of the block at a place."""
    if at + 12 > len(data):
        raise ValueError("the file is cut off")
    length = int(struct.unpack_from("<I", data, at + 4)[0])
    if length < 12 or length % 4 or at + length > len(data):
        raise ValueError("a block has an impossible length")
    return length


def _backwards(data: bytes, begin: int) -> Iterator[bytes]:
    """Yield the blocks behind `begin`, the last one first."""
    end = len(data)
    while end > begin:
        at = end - int(struct.unpack_from("<I", data, end - 4)[0])
        if at < begin or at + _whole(data, at) != end:
            raise ValueError("a block has an impossible length")
        yield data[at:end]
        end = at


def _head(block: bytes) -> bytes:
    """Return the block of a packet without what the packet carried."""
    taken = int(struct.unpack_from("<I", block, 20)[0])
    frame = block[28 : 28 + taken]
    if len(frame) != taken:
        raise ValueError("a packet is longer than its block")
    frame = frame[: head_length(frame)]
    return _block(
        _PACKET, block[8:20] + struct.pack("<I", len(frame)) + block[24:28] + _padded(frame)
    )


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _options(options: Sequence[Option]) -> bytes:
    """Return options with their end. Source: section 3.5."""
    parts = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
    return b"".join(parts) + bytes(4)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
