"""Whole frames on one interface, past the IP stack and its filter, and the state of its wire."""

import contextlib
import ctypes
import socket
import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.runtime import host_interface
from ringfence.runtime.host_interface import IFF_RUNNING
from ringfence.runtime.host_ready import arrived

SOL_PACKET, PACKET_AUXDATA, SO_ATTACH_FILTER = 263, 8, 26
PACKET_ADD_MEMBERSHIP, PACKET_MR_MULTICAST = 1, 0
PACKET_IGNORE_OUTGOING, SO_LOCK_FILTER = 23, 44
RTMGRP_LINK, RTM_NEWLINK = 1, 16
_AUXDATA = struct.Struct("=IIIHHHH")
_NOTICE = struct.Struct("=IH14xiI4x")
_SUM_NOT_READY = 1 << 3
_INSTRUCTION_SIZE = 8
_LARGEST = 65536


class Packet(Struct, frozen=True):
    """A frame that came in."""

    frame: bytes
    """From the Ethernet header on, without a VLAN tag."""
    summed: bool
    """Whether checksums are filled in; a sender on this machine leaves them to hardware."""


class Packets:
    """An open packet socket: frames for this host or for all, never those of another VLAN."""

    def __init__(
        self,
        interface: str,
        ethertype: int,
        program: bytes,
        groups: Sequence[bytes] = (),
        wire: str = "",
    ) -> None:
        """Open it; `program` is a classic BPF filter, empty for none.

        `groups` are multicast addresses that the hardware shall let in. `wire` is the port whose
        carrier counts, where that is not `interface`.

        Raises:
            ComponentError: no such interface, or not allowed.

        """
        self._name = f"packets {interface}"
        self._wire = wire or interface
        with contextlib.ExitStack() as undo:
            try:
                self._links = undo.enter_context(
                    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
                )
                self._links.bind((0, RTMGRP_LINK))
                # Without a protocol nothing arrives until bind, when the filter is in place.
                self._socket = undo.enter_context(
                    socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
                )
                if program:
                    attach(self._socket, program)
                self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
                self._socket.bind((interface, ethertype))
                self._index = socket.if_nametoindex(self._wire)
                for group in groups:
                    self._join(interface, group)
            except OSError as error:
                raise ComponentError(self._name, error.strerror or "") from error
            self._connected = bool(host_interface.flags(self._wire) & IFF_RUNNING)
            undo.pop_all()

    def _join(self, interface: str, group: bytes) -> None:
        index = socket.if_nametoindex(interface)
        member = struct.pack("=iHH8s", index, PACKET_MR_MULTICAST, len(group), group)
        self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)

    @property
    def connected(self) -> bool:
        """Whether the wire had a carrier at the last call of `reconnected`."""
        return self._connected

    def send(self, frame: bytes) -> None:
        """Put a whole frame on the wire.

        Raises:
            ComponentError: the interface is down or gone.

        """
        try:
            self._socket.send(frame, socket.MSG_DONTWAIT)
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

    def lend(self) -> int:
        """Return the descriptor of the socket for another process, which reads it from now on.

        It waits there for frames of others, and nobody can change the filter any more.

        Raises:
            ComponentError: the kernel refused.

        """
        try:
            self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
            self._socket.setblocking(True)
        except OSError as error:
            raise ComponentError(self._name, error.strerror or "") from error
        return self._socket.fileno()

    async def arrived(self) -> None:
        """Return when a frame, an error, or a change of some wire waits."""
        await arrived(self._socket, self._links)

    async def rewired(self) -> None:
        """Return when a change of some wire waits."""
        await arrived(self._links)

    def reconnected(self) -> bool:
        """Return whether the wire was away and came back since the last call.

        Raises:
            ComponentError: the interface is gone.

        """
        returned = False
        while True:
            try:
                notices = self._links.recv(_LARGEST)
            except BlockingIOError:
                return returned
            except OSError:  # more notices than the socket holds: it may have been away
                self._connected = bool(host_interface.flags(self._wire) & IFF_RUNNING)
                return self._connected
            for connected in carriers(notices, self._index):
                returned |= connected and not self._connected
                self._connected = connected

    def close(self) -> None:
        """Give the sockets back."""
        self._socket.close()
        self._links.close()


def attach(packets: socket.socket, program: bytes) -> None:
    """Have the kernel filter what a packet socket hears, by classic BPF. Raises `OSError`."""
    held = ctypes.create_string_buffer(program, len(program))
    description = struct.pack("@HP", len(program) // _INSTRUCTION_SIZE, ctypes.addressof(held))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, description)


def carriers(notices: bytes, index: int) -> Iterator[bool]:
    """Yield whether the interface has a carrier, for each notice about it. Source: rtnetlink(7)."""
    at = 0
    while at + _NOTICE.size <= len(notices):
        size, kind, about, flags = _NOTICE.unpack_from(notices, at)
        if kind == RTM_NEWLINK and about == index:
            yield bool(flags & IFF_RUNNING)
        at += max(_NOTICE.size, (size + 3) & ~3)


def _is_summed(extra: list[tuple[int, int, bytes]]) -> bool:
    for level, kind, data in extra:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and len(data) >= _AUXDATA.size:
            return not _AUXDATA.unpack_from(data)[0] & _SUM_NOT_READY
    return True
