"""Ethernet frames: where the heads of a packet end and what it carries begins.

Source: IEEE 802.3, 802.1Q; RFC 791, 8200, 9293, 768.
"""

import struct

ETHERNET, TAG = 14, 4
"""Bytes of a head, and of one VLAN tag in it."""
_VLAN, _IPV4, _IPV6, _ARP = (0x8100, 0x88A8), 0x0800, 0x86DD, 0x0806
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_FIXED = {_ICMP: 8, _UDP: 8, _ICMPV6: 8}
"""`{protocol: bytes of its head}`, where they are always as many."""


def head_length(frame: bytes) -> int:
    """Return how many bytes at the beginning of a frame are heads; of what is unknown, few.

    IPv6 extension heads and fragments end it: what follows may be anything.
    """
    at, kind = ETHERNET, _number(frame, ETHERNET - 2)
    while kind in _VLAN:
        kind, at = _number(frame, at + 2), at + TAG
    if kind == _ARP:
        return at + 28
    if kind == _IPV4 and len(frame) > at + 20:
        size = (frame[at] & 15) * 4
        later = _number(frame, at + 6) & 0x1FFF
        return at + size + (0 if later else _transport(frame, at + size, frame[at + 9]))
    if kind == _IPV6 and len(frame) > at + 40:
        return at + 40 + _transport(frame, at + 40, frame[at + 6])
    return at


def _transport(frame: bytes, at: int, protocol: int) -> int:
    if protocol == _TCP:
        return (frame[at + 12] >> 4) * 4 if len(frame) > at + 12 else 0
    return _FIXED.get(protocol, 0)


def _number(frame: bytes, at: int) -> int:
    """Return two bytes as a number; 0 where the frame is too short."""
    return int(struct.unpack_from("!H", frame, at)[0]) if len(frame) >= at + 2 else 0
