"""RTP packets: bytes to values and back. Source: RFC 3550 section 5.1."""

import struct
from typing import NamedTuple

from ringfence.errors import RemoteProtocolError

HEADER = 12
LARGEST = 2048
"""Most bytes of a packet that is read."""
_FIXED = struct.Struct("!BBHII")


class Packet(NamedTuple):
    """One RTP packet."""

    payload_type: int
    sequence: int
    timestamp: int
    source: int
    """SSRC."""
    payload: bytes
    marker: bool = False


def read_packet(data: bytes) -> Packet:
    """Return the packet in a datagram; header extensions and CSRCs are passed over.

    Raises:
        RemoteProtocolError: it is no RTP packet.

    """
    if not HEADER <= len(data) <= LARGEST:
        raise RemoteProtocolError("not the size of an RTP packet")
    first, second, sequence, timestamp, source = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise RemoteProtocolError("not RTP version 2")
    start, end = HEADER + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if len(data) < start + 4:
            raise RemoteProtocolError("truncated header extension")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:
        end -= data[-1]
        if not data[-1]:
            raise RemoteProtocolError("padding without a length")
    if start > end:
        raise RemoteProtocolError("truncated packet")
    return Packet(second & 0x7F, sequence, timestamp, source, data[start:end], second >> 7 == 1)


def build_packet(packet: Packet) -> bytes:
    """Return a packet without CSRC, extension or padding."""
    second = packet.payload_type | packet.marker << 7
    head = _FIXED.pack(0x80, second, packet.sequence, packet.timestamp, packet.source)
    return head + packet.payload
