"""Everything that goes over one interface, in both directions, as the kernel saw it."""

import socket
import struct

from msgspec import Struct

from ringfence.errors import ComponentError

LONGEST = 262144
"""Bytes of the longest frame that is read; offloading makes frames of 64 KiB and a little more."""

_ETH_P_ALL, _SOL_PACKET, _PACKET_STATISTICS = 3, 263, 6
_SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 33, 35
_BUFFER = 8 << 20
"""Bytes that the kernel keeps while the phone is busy."""
_TIME = struct.Struct("@qq")
_COUNTS = struct.Struct("@II")


class Frame(Struct, frozen=True):
    """A frame, and when and whither it went."""

    data: bytes
    """From the Ethernet header on."""
    nanoseconds: int
    """Since 1970-01-01, by the kernel."""
    outgoing: bool


class Capture:
    """A packet socket that sees what others send and receive; the firewall plays no part."""

    def __init__(self, interface: str) -> None:
        """Open it.

        Raises:
            ComponentError: no such interface, or not allowed.

        """
        self._dropped = 0
        # Without a protocol nothing arrives until bind.
        try:
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            raise ComponentError("capture", error.strerror or "") from error
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            opened.bind((interface, _ETH_P_ALL))
        except OSError as error:
            opened.close()
            raise ComponentError(f"capture {interface}", error.strerror or "") from error
        self._socket = opened

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._socket.fileno()

    def receive(self) -> Frame | None:
        """Return the next frame; None where none waits, or the interface is down."""
        try:
            data, extra, _, origin = self._socket.recvmsg(LONGEST, 128)
        except OSError:  # none waits, or the interface went down or away
            return None
        outgoing = origin[2] == socket.PACKET_OUTGOING
        return Frame(data, _stamp(extra), outgoing)

    def dropped(self) -> int:
        """Return how many frames the kernel had no room for, so far."""
        counts = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _COUNTS.size)
        self._dropped += _COUNTS.unpack(counts)[1]  # the kernel starts over at each look
        return self._dropped

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def _stamp(extra: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) >= _TIME.size:
            seconds, nanoseconds = _TIME.unpack_from(data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return 0
