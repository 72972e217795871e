"""The HTTP server under the pages: bounded in connections, in time and in size."""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from ringfence.features.web.requests import harden
from ringfence.runtime.egress_stream import Secured, broken
from ringfence.runtime.host_door import callers

logger = logging.getLogger(__name__)

MOST = 64
"""Connections at a time; a further one ends the oldest of whoever holds most."""
IDLE = 15.0
"""Seconds until a connection must have sent a request, whole to its last header."""
HANDSHAKE = 5.0
SHUTDOWN = 2.0
"""Seconds that requests in work get when the server moves or stops."""
LIMITS: Mapping[str, Any] = {
    "keepalive_timeout": IDLE,
    "lingering_time": 1.0,
    "max_line_size": 4096,
    "max_field_size": 8190,
    "max_headers": 64,
    "access_log": None,
}
Greeted = Callable[[str, Secured | str], None]
"""Told of each TLS handshake: with whom, and what was agreed or why nothing was."""


class Connection(web.RequestHandler):
    """One connection; what cannot be read is answered without a word about why."""

    @property
    def leaving(self) -> bool:
        """Return whether it is being closed."""
        return self._force_close

    @property
    def address(self) -> str:
        """Return the address at the other end."""
        peer = self.peername
        return peer[0] if isinstance(peer, tuple) else ""

    def end(self) -> None:
        """Close at once, whatever is in work."""
        if self.transport:
            self.transport.abort()
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be read, or whose handler has a bug."""
        if status >= 500:
            logger.error("web.bug: %s %s", request.method, request.path, exc_info=exc)
        else:
            logger.debug("web.unreadable: from %s", request.remote)
        answer = web.Response(status=status, text=f"{status}\n")
        harden(answer.headers, secure=False)
        answer.force_close()
        return answer


class Server:
    """Accepts on listening sockets that stay their owner's."""

    def __init__(
        self, application: web.Application, tls: ssl.SSLContext | None, greeted: Greeted
    ) -> None:
        self._runner = web.AppRunner(
            application, handle_signals=False, shutdown_timeout=SHUTDOWN, **LIMITS
        )
        self._tls = tls
        self._tell = greeted
        self._greeted: dict[asyncio.Task[None], str] = {}
        """`{handshake: address}`, the oldest first."""

    async def serve(
        self,
        listeners: Sequence[socket.socket],
        stop: asyncio.Event,
        released: Callable[[], None],
    ) -> None:
        """Serve until `stop`; then call `released`, answer what is in work, and return."""
        await self._runner.setup()
        try:
            async with asyncio.TaskGroup() as group:
                doors = [group.create_task(self._accept(group, each)) for each in listeners]
                await stop.wait()
                for door in (*doors, *self._greeted):
                    door.cancel()
            released()
        finally:
            await self._runner.cleanup()

    async def _accept(self, group: asyncio.TaskGroup, listener: socket.socket) -> None:
        async for connection, address in callers(listener, "web"):
            self._make_room()
            task = group.create_task(self._greet(connection, address))
            self._greeted[task] = address
            task.add_done_callback(lambda done: self._greeted.pop(done, None))

    async def _greet(self, connection: socket.socket, address: str) -> None:
        limit = HANDSHAKE if self._tls else None
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._connection,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=limit,
                ssl_shutdown_timeout=limit,
            )
            if (held := transport.get_extra_info("ssl_object")) and (suite := held.cipher()):
                self._tell(address, Secured(held.version() or "", suite[0], ""))
        except OSError as error:  # every failed handshake is one
            connection.close()
            if self._tls:
                self._tell(address, broken(error))
        except asyncio.CancelledError:
            connection.close()
            raise

    def _connection(self) -> Connection:
        server = self._runner.server
        if server is None:
            raise RuntimeError("the server is not set up")
        return Connection(server, loop=asyncio.get_running_loop(), **LIMITS)

    def _make_room(self) -> None:
        held = [each for each in self._connections() if not each.leaving]
        addresses = Counter([*(each.address for each in held), *self._greeted.values()])
        if addresses.total() < MOST:
            return
        [(crowd, _)] = addresses.most_common(1)
        for each in held:
            if each.address == crowd:
                each.end()
                return
        oldest = next(task for task, address in self._greeted.items() if address == crowd)
        del self._greeted[oldest]
        oldest.cancel()

    def _connections(self) -> list[Connection]:
        server = self._runner.server
        return (
            [each for each in server.connections if isinstance(each, Connection)] if server else []
        )
