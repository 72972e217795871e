"""What the kernel knows of one interface's IPv6, and the routers that it is told to ask."""

import contextlib
import socket
from pathlib import Path

from ringfence.errors import ComponentError
from ringfence.protocols.rtnetlink import GROUPS, Link6, fold, is_over, questions
from ringfence.runtime.host_ready import arrived

_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
_LARGEST = 65536
_ROUTERS = "ff02::2"
_SOLICITATION = bytes((133,)) + bytes(7)
"""ICMPv6, without an option; the kernel adds the checksum. Source: RFC 4861 4.1."""
_SETTINGS = Path("/proc/sys/net/ipv6/conf")


class LinkNotices:
    """An open netlink socket, and the state that its messages tell."""

    def __init__(self, interface: str, wire: str = "") -> None:
        """Open it; `wire` is the port whose carrier counts, where that is not `interface`.

        Raises:
            ComponentError: no such interface, or the kernel refused.

        """
        self._name = f"interface {interface}"
        self._interface = interface
        try:
            port = socket.if_nametoindex(wire) if wire else 0
            self._link = Link6(socket.if_nametoindex(interface), port)
            flags = socket.SOCK_RAW | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_NETLINK, flags, 0)
        except OSError as error:
            raise ComponentError(self._name, error.strerror or "") from error
        try:
            self._socket.bind((0, 0))
            for group in GROUPS:
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
            self._ask()
        except OSError as error:
            self._socket.close()
            raise ComponentError(self._name, error.strerror or "") from error

    def _ask(self) -> None:
        """Ask for everything anew."""
        before = self._link
        self._link = Link6(
            before.index,
            before.wire,
            connections=before.connections,
            resolvers=before.resolvers,
        )
        for question in questions():
            self._socket.send(question)
            over = False
            while not over:
                data = self._socket.recv(_LARGEST)
                self._link, over = fold(self._link, data), is_over(data)

    def view(self) -> Link6:
        """Return the present state.

        Raises:
            ComponentError: the interface is gone, or the kernel refused.

        """
        try:
            while True:
                try:
                    self._link = fold(self._link, self._socket.recv(_LARGEST))
                except BlockingIOError:
                    break
                except OSError:  # more notices than the socket holds
                    self._ask()
            socket.if_indextoname(self._link.index)
        except OSError as error:
            raise ComponentError(self._name, error.strerror or "") from error
        return self._link

    async def arrived(self, beside: socket.socket | None = None) -> None:
        """Return when a notice waits, or a datagram at the socket `beside` it."""
        await arrived(self._socket, *([beside] if beside else []))

    def solicit(self) -> None:
        """Ask the routers to advertise themselves now; a wire without any stays silent."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw,
        ):
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            raw.sendto(_SOLICITATION, (_ROUTERS, 0, 0, self._link.index))

    def forms_addresses(self, wanted: bool) -> None:
        """Let the kernel form addresses from advertisements, or not.

        Raises:
            ComponentError: it cannot be changed.

        """
        self._set("autoconf", "1" if wanted else "0")

    def speaks(self, wanted: bool) -> None:
        """Let the kernel speak IPv6 on this interface, or take every address of it away.

        Raises:
            ComponentError: it cannot be changed.

        """
        self._set("disable_ipv6", "0" if wanted else "1")

    def _set(self, name: str, text: str) -> None:
        setting = _SETTINGS / self._interface / name
        try:
            if setting.read_text().strip() != text:
                setting.write_text(text)
        except FileNotFoundError:  # a kernel without IPv6
            return
        except OSError as error:
            raise ComponentError(f"setting {setting}", error.strerror or "") from error

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
