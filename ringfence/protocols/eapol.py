"""EAPOL frames that the phone sends itself; all other EAPOL is its supplicant's.

Source: IEEE 802.1X-2004 7.5, 7.8; RFC 3748.
"""

import struct

ETHERTYPE = 0x888E
GROUP = bytes.fromhex("0180c2000003")
"""The PAE group address: no bridge passes it on unless it is told to."""
NOTHING = struct.pack("=HBBI", 0x06, 0, 0, 0)
"""Classic BPF: no frame at all, for a socket that only sends, and knows the carrier."""
VERSION = 2
PACKET, START, LOGOFF = 0, 1, 2
"""Packet types."""
SHORTEST = 60
"""Bytes of the shortest frame, without its check sum; a bridge may drop shorter ones."""


def start(hardware: bytes) -> bytes:
    """Return the frame by which a station asks to be authenticated."""
    return _frame(hardware, START)


def logoff(hardware: bytes) -> bytes:
    """Return the frame by which a station leaves, in its name."""
    return _frame(hardware, LOGOFF)


def _frame(hardware: bytes, kind: int) -> bytes:
    header = GROUP + hardware + ETHERTYPE.to_bytes(2, "big")
    return (header + bytes((VERSION, kind, 0, 0))).ljust(SHORTEST, b"\0")
