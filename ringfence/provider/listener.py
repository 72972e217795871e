"""Takes TLS connections: so many at once, each for so long, and tells why one came to nothing.

Nobody needs a certificate to connect, so whoever connects costs little: a network has a share of
the places, and no connection outlives its time however slowly it writes or reads.
"""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from OpenSSL import SSL

from ringfence.provider.places import Places
from ringfence.provider.tally import CONNECTIONS, CUT_OFF, HANDSHAKES_FAILED, Tally, alone
from ringfence.provider.tls import reason
from ringfence.provider.wire import Wire

logger = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that may wait: all phones of a place, when its power comes back."""
AGAIN = 0.1
"""Seconds without a new connection, where there was no descriptor for one."""
PROXY = "proxy"
"""Who is at the other end of a Unix socket, in the words of the log."""


def listen(bind: str | None, port: int) -> list[socket.socket]:
    """Return listening sockets: of one address, or of all that this machine has.

    Raises:
        OSError: the port cannot be used.

    """
    made: list[socket.socket] = []
    for address in (bind,) if bind else ("0.0.0.0", "::"):  # noqa: S104 - a public server
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        taken = made[0].getsockname()[1] if made else port
        try:
            listener = socket.create_server((address, taken), family=family, backlog=BACKLOG)
        except OSError as error:
            if made and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                continue  # a machine without IPv6
            raise
        listener.setblocking(False)
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # each connection inherits it
        made.append(listener)
    return made


def listen_locally(path: Path) -> socket.socket:
    """Return a listening Unix socket, which its user and group may use: for a proxy before us.

    Raises:
        OSError: the path cannot be used.

    """
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)  # of a server that is gone
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    path.chmod(0o660)
    made.listen(BACKLOG)
    made.setblocking(False)
    return made


async def accept(
    listeners: Sequence[socket.socket],
    tls: SSL.Context | None,
    guest: Callable[[str], asyncio.Protocol],
    tally: Tally | None = None,
) -> None:
    """Take connections until cancelled; `guest(remote address)` makes the protocol of each.

    Without TLS they are those of a proxy, which has limits of its own.
    """
    door = _Door(listeners, tls, guest, tally or alone())
    door.open()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        door.close()


class _Door:
    """Where connections come in, and all that did."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        tls: SSL.Context | None,
        guest: Callable[[str], asyncio.Protocol],
        tally: Tally,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners = listeners
        self._tls = tls
        self._guest = guest
        self._tally = tally
        self._places = Places(tally)
        self._wires: set[Wire] = set()
        self._open = False

    def open(self) -> None:
        """Take connections."""
        self._open = True
        for listener in self._listeners:
            self._loop.add_reader(listener, self._take, listener)

    def close(self) -> None:
        """Take no more, and end those there are."""
        self._rest()
        for wire in list(self._wires):
            wire.abort()
        for listener in self._listeners:
            listener.close()

    def _rest(self) -> None:
        """Leave who comes in the kernel's queue."""
        self._open = False
        for listener in self._listeners:
            self._loop.remove_reader(listener)

    def _take(self, listener: socket.socket) -> None:
        """Take one connection; between two of them those that are there have their turn."""
        try:
            connection, peer = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was quicker, or the client is gone already
        except OSError as error:  # no descriptor is left
            logger.warning("provider.accept: %s", error.strerror)
            self._rest()
            self._loop.call_later(AGAIN, self._resume)
            return
        remote = peer[0] if self._tls else PROXY
        if self._tls and not self._places.take(remote):
            connection.close()
            return
        self._tally.add(CONNECTIONS)
        wire = Wire(connection, self._tls, self._guest(remote), self._ended, remote)
        self._wires.add(wire)
        if self._tls and self._places.full:
            self._rest()
        wire.begin()

    def _resume(self) -> None:
        if not self._open and not self._places.full:
            self.open()

    def _ended(self, wire: Wire, error: Exception | None) -> None:
        self._wires.discard(wire)
        if self._tls:
            self._places.leave(wire.remote)
            self._resume()
        if not wire.shaken and error:
            self._tally.add(HANDSHAKES_FAILED)
            said = reason(error) if isinstance(error, SSL.Error) else str(error)
            text = '%s "no device certificate" handshake failed: %s'
            logger.info(text, wire.remote, said)
        elif isinstance(error, TimeoutError):
            self._tally.add(CUT_OFF)
            logger.info("%s is cut off: %s", wire.remote, error)
