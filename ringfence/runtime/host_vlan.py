"""An interface of one VLAN: the kernel's, or one of our own where the kernel has none.

Source: ip-link(8), vlan; Linux, Documentation/networking/tuntap.rst; packet(7).
"""

import contextlib
import fcntl
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Protocol

from ringfence.errors import ComponentError
from ringfence.protocols.vlan_tag import VOICE, only, tag
from ringfence.runtime.host_child import Child, dependent
from ringfence.runtime.host_packets import (
    PACKET_IGNORE_OUTGOING,
    SO_LOCK_FILTER,
    SOL_PACKET,
    attach,
)

_DEVICE = "/dev/net/tun"
_SET_INTERFACE = 0x400454CA
_TAP, _NO_INFORMATION, _VIRTIO = 0x0002, 0x1000, 0x4000
_PACKET_VIRTIO, _ALL = 15, 3
_UNKNOWN = re.compile("unknown device type|not supported", re.IGNORECASE)

Run = Callable[[str], Awaitable[object]]
"""Carries out commands of `ip -batch`."""


class Vlan(Protocol):
    """An interface that is there until it is closed."""

    kind: str
    """Who tags: `the kernel`, or `a process`."""

    async def serve(self) -> bool:
        """Do what has to be done while it is there; return whether that ended and must go on.

        Raises:
            ComponentError: it cannot be done.

        """
        ...

    async def close(self) -> None:
        """Take it away."""
        ...


async def make(name: str, port: str, number: int, hardware: bytes, run: Run) -> Vlan:
    """Make an interface of one VLAN on a port: the kernel's where it has such, else our own.

    Raises:
        ComponentError: neither can be made.

    """
    try:
        return await KernelVlan.make(name, port, number, hardware.hex(":"), run)
    except ComponentError as error:
        if not _UNKNOWN.search(error.detail):
            raise
    return await ProcessVlan.make(name, port, number, hardware, run)


class KernelVlan:
    """A VLAN interface of the kernel's."""

    kind = "the kernel"

    def __init__(self, name: str, run: Run) -> None:
        self._name, self._run = name, run

    @classmethod
    async def make(cls, name: str, port: str, number: int, hardware: str, run: Run) -> "KernelVlan":
        """Make one on a port.

        Raises:
            ComponentError: the kernel refused, or has no VLANs at all.

        """
        if name in {one for _, one in socket.if_nameindex()}:  # of an earlier life
            await run(f"link del dev {name}\n")
        priorities = " ".join(f"{n}:{VOICE}" for n in range(8))
        await run(
            f"link add link {port} name {name} address {hardware} type vlan id {number}"
            f" egress-qos-map {priorities}\nlink set dev {name} up\n"
        )
        return cls(name, run)

    async def serve(self) -> bool:
        """Return at once: the kernel does it all."""
        return False

    async def close(self) -> None:
        """Take it away. Raises `ComponentError`."""
        await self._run(f"link del dev {self._name}\n")


class ProcessVlan:
    """A TAP interface, and a process that tags; both end with the phone.

    Should the process die, the interface and its addresses stay, and another process takes over.
    """

    kind = "a process"

    def __init__(self, name: str, port: str, number: int, hardware: bytes) -> None:
        """Open interface and port.

        Raises:
            ComponentError: the kernel has no TAP, or not allowed.

        """
        self._tag = tag(number).hex()
        self._child: Child | None = None
        with contextlib.ExitStack() as undo:
            try:
                self._tap = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
                undo.callback(os.close, self._tap)
                wanted = _TAP | _NO_INFORMATION | _VIRTIO
                fcntl.ioctl(
                    self._tap, _SET_INTERFACE, struct.pack("=16sH22x", name.encode(), wanted)
                )
                self._port = undo.enter_context(
                    socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
                )
                attach(self._port, only(number, hardware))
                self._port.setsockopt(SOL_PACKET, _PACKET_VIRTIO, 1)
                self._port.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
                self._port.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
                self._port.bind((port, _ALL))
            except OSError as error:
                raise ComponentError(f"interface {name}", error.strerror or "") from error
            undo.pop_all()

    @classmethod
    async def make(
        cls, name: str, port: str, number: int, hardware: bytes, run: Run
    ) -> "ProcessVlan":
        """Make one on a port.

        Raises:
            ComponentError: the kernel refused.

        """
        made = cls(name, port, number, hardware)
        try:
            words = hardware.hex(":")
            await run(f"link set dev {name} address {words}\nlink set dev {name} up\n")
        except ComponentError:
            await made.close()
            raise
        return made

    async def serve(self) -> bool:
        """Run the process until it ends.

        Raises:
            ComponentError: it cannot be started.

        """
        ends = (self._tap, self._port.fileno())
        words = dependent("ringfence.runtime.vlan_child", *map(str, ends), self._tag)
        self._child = await Child.start(words, {}, 64, ends)
        await self._child.line()
        return True

    async def close(self) -> None:
        """Take it away."""
        child, self._child = self._child, None
        if child:
            await child.end()
        os.close(self._tap)
        self._port.close()
