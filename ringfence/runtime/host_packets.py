"""Whole frames on one interface, past the IP stack and its filter."""

import asyncio
import ctypes
import socket
import struct
from dataclasses import dataclass

from ringfence.errors import ComponentError

SOL_PACKET, PACKET_AUXDATA, SO_ATTACH_FILTER = 263, 8, 26
_AUXDATA = struct.Struct("=IIIHHHH")
_SUM_NOT_READY = 1 << 3
_INSTRUCTION_SIZE = 8
_LARGEST = 65536


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame that came in."""

    frame: bytes
    """From the Ethernet header on, without a VLAN tag."""
    summed: bool
    """Whether checksums are filled in; a sender on this machine leaves them to hardware."""


class Packets:
    """An open packet socket: frames for this host or for all, never those of another VLAN."""

    def __init__(self, interface: str, ethertype: int, program: bytes) -> None:
        """Open it; `program` is a classic BPF filter, empty for none.

        Raises:
            ComponentError: no such interface, or not allowed.

        """
        self._name = f"packets {interface}"
        try:
            # Without a protocol nothing arrives until bind, when the filter is in place.
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0
            )
        except OSError as error:
            raise ComponentError(self._name, error.strerror or "") from error
        try:
            if program:
                self._attach(program)
            self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self._socket.bind((interface, ethertype))
        except OSError as error:
            self._socket.close()
            raise ComponentError(self._name, error.strerror or "") from error

    def _attach(self, program: bytes) -> None:
        held = ctypes.create_string_buffer(program, len(program))
        count = len(program) // _INSTRUCTION_SIZE
        description = struct.pack("@HP", count, ctypes.addressof(held))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, description)

    def send(self, frame: bytes) -> None:
        """Put a whole frame on the wire.

        Raises:
            ComponentError: the interface is down or gone.

        """
        try:
            self._socket.send(frame)
        except OSError as error:
            raise ComponentError(self._name, error.strerror or "") from error

    def receive(self) -> Packet | None:
        """Return the next frame, None when none waits.

        Raises:
            ComponentError: the interface is down or gone.

        """
        while True:
            try:
                frame, extra, _, origin = self._socket.recvmsg(_LARGEST, _AUXDATA.size + 32)
            except BlockingIOError:
                return None
            except OSError as error:
                raise ComponentError(self._name, error.strerror or "") from error
            # A tagged frame of a VLAN that is not ours counts as one for another host.
            if origin[2] in (socket.PACKET_HOST, socket.PACKET_BROADCAST, socket.PACKET_MULTICAST):
                return Packet(frame, _is_summed(extra))

    async def arrived(self) -> None:
        """Return when a frame, or an error, waits."""
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        loop.add_reader(self._socket, _settle, waiting)
        try:
            await waiting
        finally:
            loop.remove_reader(self._socket)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def _settle(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _is_summed(extra: list[tuple[int, int, bytes]]) -> bool:
    for level, kind, data in extra:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and len(data) >= _AUXDATA.size:
            return not _AUXDATA.unpack_from(data)[0] & _SUM_NOT_READY
    return True
