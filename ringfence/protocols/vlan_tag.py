"""Frames of one VLAN on a port that carries others, too. Source: IEEE 802.1Q 9; packet(7)."""

import struct

ETHERTYPE = 0x8100
VOICE = 5
"""Priority of everything that the phone sends. Source: phone-facts 6; IEEE 802.1Q annex I."""
_PRESENT, _TAG = 0xFFFFF030, 0xFFFFF02C
"""Where classic BPF finds the tag that the kernel took off. Source: linux/filter.h."""
_BYTE, _HALF, _WORD, _AND = 0x30, 0x28, 0x20, 0x54
_EQUAL, _ANY_BIT, _END = 0x15, 0x45, 0x06
_WHOLE = 0x40000


def tag(number: int) -> bytes:
    """Return the four bytes that stand behind both addresses of a frame."""
    return struct.pack("!HH", ETHERTYPE, VOICE << 13 | number)


def only(number: int, own: bytes) -> bytes:
    """Return a filter that lets in what the VLAN has for `own`, for groups and for all."""
    first, last = int.from_bytes(own[:4], "big"), int.from_bytes(own[4:], "big")
    code = (
        (_HALF, 0, 0, _PRESENT),
        (_EQUAL, 10, 0, 0),
        (_HALF, 0, 0, _TAG),
        (_AND, 0, 0, 0xFFF),
        (_EQUAL, 0, 7, number),
        (_BYTE, 0, 0, 0),
        (_ANY_BIT, 4, 0, 1),
        (_WORD, 0, 0, 0),
        (_EQUAL, 0, 3, first),
        (_HALF, 0, 0, 4),
        (_EQUAL, 0, 1, last),
        (_END, 0, 0, _WHOLE),
        (_END, 0, 0, 0),
    )
    return b"".join(struct.pack("=HBBI", *one) for one in code)
