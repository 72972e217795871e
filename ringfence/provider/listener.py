"""Takes TLS connections: so many at once, each for so long, and tells why one came to nothing.

Nobody needs a certificate to connect, so whoever connects costs little: a network has a share of
the places, and no connection outlives `LIFE_TIME` however slowly it writes or reads.
"""

import asyncio
import errno
import logging
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from ringfence.provider.tally import (
    CONNECTIONS,
    CUT_OFF,
    HANDSHAKES_FAILED,
    TURNED_AWAY,
    Tally,
    alone,
)

logger = logging.getLogger(__name__)

PLACES = 512
"""Connections at once; a process may usually open 1024 files."""
SHARE = 64
"""Of these, connections of one IPv4 address or one IPv6 /64: phones behind a NAT share one."""
REMEMBERED = 1024
"""Networks that were turned away and are not told of again."""
HANDSHAKE_TIME = 10.0
"""Seconds that a client has for its TLS handshake."""
LIFE_TIME = 30.0
"""Seconds after which a connection ends, busy or not."""
SHUTDOWN_TIME = 5.0
"""Seconds that a client has to take what is left and to say goodbye."""
BACKLOG = 4096
"""Connections that may wait: all phones of a place, when its power comes back."""
PROXY = "proxy"
"""Who is at the other end of a Unix socket, in the words of the log."""


class Guest(asyncio.Protocol):
    """A protocol that tells when its connection is over."""

    closed: asyncio.Future[None]


class Places:
    """Who is connected; decides whether there is room for one more."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._left = asyncio.Event()
        self._taken: Counter[str] = Counter()
        self._turned_away: set[str] = set()

    def take(self, remote: str) -> bool:
        """Take a place for an address; return whether there was one."""
        network = _network(remote)
        if self._taken.total() < PLACES and self._taken[network] < SHARE:
            self._taken[network] += 1
            return True
        self._tally.add(TURNED_AWAY)
        if network not in self._turned_away:  # one line, however often it comes
            if len(self._turned_away) == REMEMBERED:
                self._turned_away.clear()
            self._turned_away.add(network)
            held, total = self._taken[network], self._taken.total()
            text = "provider.full: %s is turned away: it has %d connections, all have %d"
            logger.warning(text, network, held, total)
        return False

    async def room(self) -> None:
        """Wait while all places are taken: who comes meanwhile waits in the kernel's queue."""
        while self._taken.total() >= PLACES:
            self._left.clear()
            await self._left.wait()

    def leave(self, remote: str, _: object = None) -> None:
        """Give a place back."""
        self._left.set()
        network = _network(remote)
        self._taken[network] -= 1
        if not self._taken[network]:
            del self._taken[network]
            self._turned_away.discard(network)


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
    tls: ssl.SSLContext | None,
    guest: Callable[[str], Guest],
    tally: Tally | None = None,
) -> None:
    """Take connections until cancelled; `guest(remote address)` makes the protocol of each.

    Without TLS they are those of a proxy, which has limits of its own.
    """
    counted = tally or alone()
    places = Places(counted)
    async with asyncio.TaskGroup() as group:
        for listener in listeners:
            group.create_task(_accept(group, listener, tls, _Host(guest, places, counted)))


class _Host(NamedTuple):
    """What every connection meets."""

    guest: Callable[[str], Guest]
    places: Places
    tally: Tally


async def _accept(
    group: asyncio.TaskGroup,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    host: _Host,
) -> None:
    loop = asyncio.get_running_loop()
    with listener:
        while True:
            await host.places.room()
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError as error:  # no descriptor left, or the peer is gone already
                logger.warning("provider.accept: %s", error.strerror)
                await asyncio.sleep(0.1)
                continue
            remote = peer[0] if tls else PROXY
            if tls is None:
                group.create_task(_serve(connection, remote, tls, host))
            elif host.places.take(remote):
                task = group.create_task(_serve(connection, remote, tls, host))
                task.add_done_callback(partial(host.places.leave, remote))
            else:
                connection.close()


async def _serve(
    connection: socket.socket, remote: str, tls: ssl.SSLContext | None, host: _Host
) -> None:
    """Shake hands and stay until the connection is over."""
    transport: asyncio.Transport | None = None
    host.tally.add(CONNECTIONS)
    try:
        guest = host.guest(remote)
        async with asyncio.timeout(LIFE_TIME):
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: guest,
                connection,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_TIME if tls else None,
                ssl_shutdown_timeout=SHUTDOWN_TIME if tls else None,
            )
            await guest.closed
    except TimeoutError:
        host.tally.add(CUT_OFF)
        logger.info("%s is cut off after %d seconds", remote, LIFE_TIME)
    except OSError as error:  # every failed handshake is one
        host.tally.add(HANDSHAKES_FAILED)
        said = error.reason if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        words = (said or "the client left").replace("_", " ").lower()
        logger.info('%s "no device certificate" handshake failed: %s', remote, words)
    finally:
        if transport:
            transport.abort()
        connection.close()


def _network(remote: str) -> str:
    address = ip_address(remote.partition("%")[0])
    return remote if address.version == 4 else str(ip_network((address, 64), strict=False))
