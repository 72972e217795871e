"""DHCP datagrams inside Ethernet frames, for a phone that has no address yet."""

import struct

from msgspec import Struct

from ringfence.protocols.dhcp.options import address, packed

ETHERTYPE = 0x0800
SERVER_PORT, CLIENT_PORT = 67, 68
_ETHERNET = struct.Struct("!6s6sH")
_IP = struct.Struct("!BBHHHBBH4s4s")
_UDP = struct.Struct("!HHHH")
_EVERYONE = b"\xff" * 6
_UDP_PROTOCOL = 17
_FRAGMENT = 0x3FFF
"""More-fragments bit and offset."""

_LOAD_BYTE, _LOAD_HALF, _LOAD_HALF_INDEXED, _LOAD_IP_LENGTH = 0x30, 0x28, 0x48, 0xB1
_JUMP_EQUAL, _JUMP_SET, _RETURN = 0x15, 0x45, 0x06
FILTER = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (_LOAD_HALF, 0, 0, 12),
        (_JUMP_EQUAL, 0, 8, ETHERTYPE),
        (_LOAD_BYTE, 0, 0, 23),
        (_JUMP_EQUAL, 0, 6, _UDP_PROTOCOL),
        (_LOAD_HALF, 0, 0, 20),
        (_JUMP_SET, 4, 0, _FRAGMENT),
        (_LOAD_IP_LENGTH, 0, 0, 14),
        (_LOAD_HALF_INDEXED, 0, 0, 16),
        (_JUMP_EQUAL, 0, 1, CLIENT_PORT),
        (_RETURN, 0, 0, 0x40000),
        (_RETURN, 0, 0, 0),
    )
)
"""Classic BPF program: whole UDP datagrams to port 68. The kernel runs it, so that the phone
does not wake for each RTP packet."""


class Datagram(Struct, frozen=True):
    """What a frame carried."""

    source: str
    """IPv4 address."""
    payload: bytes


def build_frame(hardware: bytes, source: str, payload: bytes) -> bytes:
    """Return a broadcast frame from the client's port to the server's, with checksums."""
    size = _UDP.size + len(payload)
    ends = packed(source) + _EVERYONE[:4]
    udp = _UDP.pack(CLIENT_PORT, SERVER_PORT, size, 0) + payload
    # A sum of zero is sent as all ones: zero would mean that there is none (RFC 768).
    udp_sum = _checksum(_pseudo(ends, size) + udp) or 0xFFFF
    header = _IP.pack(0x45, 0, _IP.size + size, 0, 0, 64, 17, 0, ends[:4], ends[4:])
    header = header[:10] + _checksum(header).to_bytes(2, "big") + header[12:]
    return (
        _ETHERNET.pack(_EVERYONE, hardware, ETHERTYPE)
        + header
        + _UDP.pack(CLIENT_PORT, SERVER_PORT, size, udp_sum)
        + payload
    )


def parse_frame(frame: bytes, *, summed: bool = True) -> Datagram | None:
    """Return the datagram to the client's port in a frame; None for anything else.

    `summed` False skips the UDP checksum: a sender on this machine leaves it to hardware.
    """
    at = _ETHERNET.size
    if len(frame) < at + _IP.size or frame[12:14] != ETHERTYPE.to_bytes(2, "big"):
        return None
    first, _, total, _, fragment, _, protocol, *_ = _IP.unpack_from(frame, at)
    length = (first & 15) * 4
    packet = frame[at : at + total]
    if first >> 4 != 4 or length < _IP.size or len(packet) < max(total, length + _UDP.size):
        return None
    if protocol != _UDP_PROTOCOL or fragment & _FRAGMENT or _checksum(packet[:length]):
        return None
    _, port, size, udp_sum = _UDP.unpack_from(packet, length)
    udp = packet[length : length + size]
    if port != CLIENT_PORT or size < _UDP.size or len(udp) < size:
        return None
    if summed and udp_sum and _checksum(_pseudo(packet[12:20], size) + udp):
        return None
    return Datagram(address(packet[12:16]), udp[_UDP.size :])


def _pseudo(ends: bytes, size: int) -> bytes:
    return ends + bytes((0, _UDP_PROTOCOL)) + size.to_bytes(2, "big")


def _checksum(data: bytes) -> int:
    """Return the Internet checksum; 0 over data that holds a right one. Source: RFC 1071."""
    padded = data + b"\0" if len(data) % 2 else data
    # 2^16 is 1 modulo 65535, so the remainder is the folded sum of the words.
    total = int.from_bytes(padded, "big") % 0xFFFF
    return 0xFFFF - (total or (0xFFFF if any(padded) else 0))
