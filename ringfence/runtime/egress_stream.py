"""A connected byte stream: one non-blocking socket, no buffer of its own.

The TLS library reads and writes the socket itself. An idle connection so costs what the
library holds, and not the 256 KiB read buffer of `asyncio`'s own TLS.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct

from ringfence.errors import NetworkError

T = TypeVar("T")

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: a connection ends with a reset, and waits for nothing. Source: socket(7)."""


class Secured(Struct, frozen=True):
    """How a TLS connection came out."""

    version: str
    suite: str
    """OpenSSL name."""
    matched: str
    """The name in the certificate that was accepted; empty where the check was skipped."""


class Stream:
    """A connected, checked byte stream. One task reads while others write."""

    def __init__(self, connection: socket.socket, secured: Secured | None = None) -> None:
        """Take over a connected, non-blocking socket."""
        self._socket = connection
        self._waiting: dict[bool, asyncio.Future[None]] = {}
        self._writing = asyncio.Lock()
        self.peer: tuple[str, int] = connection.getpeername()[:2]
        self.local: tuple[str, int] = connection.getsockname()[:2]
        self.secured = secured

    @property
    def closed(self) -> bool:
        """Whether our end was closed."""
        return self._socket.fileno() < 0

    async def read(self, limit: int = 65536) -> bytes:
        """Return the next bytes, empty at the end.

        Raises:
            NetworkError: the connection broke; a TLS alert counts as a refused handshake.

        """
        await asyncio.sleep(0)  # a peer that never pauses must not hold the loop
        try:
            return await self.attempt(lambda: self._socket.recv(limit), writing=False)
        except OSError as error:
            raise self._broken(error) from error

    async def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            NetworkError: the connection broke.

        """
        async with self._writing:
            left = memoryview(data)
            try:
                while left:
                    left = left[
                        await self.attempt(partial(self._socket.send, left), writing=True) :
                    ]
            except OSError as error:
                raise self._broken(error) from error

    async def close(self) -> None:
        """Close the connection; never raises."""
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._socket.unwrap()  # sends close_notify and does not wait for the answer
        self.abort()

    async def finish(self, timeout: float) -> None:
        """Close the connection once the peer has accepted our side of the handshake.

        A server that refuses our certificate under TLS 1.3 says so only afterwards: who has
        nothing to read hears of it here. It has accepted when it sends a session ticket or data,
        or has said nothing for `timeout` seconds.

        Raises:
            NetworkError: the peer refused or broke the connection.

        """
        try:
            async with asyncio.timeout(timeout):
                while not self._accepted():
                    await self._ready(writing=False)
        except TimeoutError:
            pass
        except OSError as error:
            self.abort()
            raise self._broken(error) from error
        await self.close()

    def _accepted(self) -> bool:
        connection = self._socket
        if not isinstance(connection, ssl.SSLSocket) or connection.version() != "TLSv1.3":
            return True
        try:
            connection.recv(4096)
        except ssl.SSLWantReadError:
            return connection.session is not None and connection.session.has_ticket
        return True

    def abort(self) -> None:
        """Close the connection without a further byte; whoever waits gets `NetworkError`."""
        if self.closed:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        self._socket.close()
        for waiter in self._waiting.values():
            waiter.set_result(None)
        self._waiting.clear()

    def surrender(self) -> socket.socket:
        """Return the connection, which is this stream's no more; nobody may be waiting for it."""
        connection = self._socket.dup()
        connection.setblocking(False)
        self.abort()
        return connection

    async def attempt(self, call: Callable[[], T], *, writing: bool) -> T:
        """Return what `call` returns, waiting for the socket as often as it must.

        Raises:
            OSError: the connection broke, or the TLS library refused.

        """
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                await self._ready(writing=False)
            except ssl.SSLWantWriteError:
                await self._ready(writing=True)
            except BlockingIOError:
                await self._ready(writing=writing)

    def _broken(self, error: OSError) -> NetworkError:
        return NetworkError(f"{self.peer[0]}:{self.peer[1]}: {broken(error)}")

    async def _ready(self, *, writing: bool) -> None:
        if (waiter := self._waiting.get(writing)) is None:
            loop = asyncio.get_running_loop()
            waiter = self._waiting[writing] = loop.create_future()
            watch = loop.add_writer if writing else loop.add_reader
            watch(self._socket, self._wake, writing)
        await asyncio.shield(waiter)

    def _wake(self, writing: bool) -> None:
        loop = asyncio.get_running_loop()
        (loop.remove_writer if writing else loop.remove_reader)(self._socket)
        self._waiting.pop(writing).set_result(None)


def take_port(connection: socket.socket, port: int) -> None:
    """Bind a connection to a local port, which is free again as soon as it is closed.

    A port of a short range would else be missing as long as the peer does not let go of it. What
    the peer has not acknowledged by then is lost: who has something to say waits for its answer.

    Raises:
        OSError: the port is taken, or not allowed.

    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    everywhere = "::" if connection.family is socket.AF_INET6 else "0.0.0.0"  # noqa: S104
    connection.bind((everywhere, port))


def broken(error: OSError) -> str:
    """Return why a connection broke, in the words of the field."""
    if isinstance(error, ssl.SSLEOFError):
        return "closed during the TLS handshake"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error.args[-1])).replace("_", " ").lower()
        if reason == "wrong version number":  # of OpenSSL, for bytes that are no TLS record
            return f"what answers speaks no TLS ({reason})"
        return f"TLS refused by the peer: {reason}" if "alert" in reason else f"TLS: {reason}"
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
