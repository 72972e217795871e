"""The provisioning server: a device certificate opens the profile of that device, and no other.

Source: chapter, HTTPS Provisioning; PRV-12, PS-03.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.provider.identity import DeviceIdentity, device_identity
from ringfence.provider.templates import Templates, belongs_to

logger = logging.getLogger(__name__)

HANDSHAKE_TIME = 10.0
"""Seconds that a client has for its TLS handshake."""
FIRST_TIME = 15.0
"""Seconds that a client has for its handshake and its first request."""
IDLE_TIME = 15.0
"""Seconds that a connection may wait for its next request."""
BACKLOG = 128
_CONNECTION: Mapping[str, Any] = {"keepalive_timeout": IDLE_TIME, "access_log": None}
NOBODY = DeviceIdentity("", "", "")
FORBIDDEN = "403: this certificate does not open this path\n"

Waiting = dict[asyncio.BaseProtocol, asyncio.TimerHandle]
"""Connections that have not asked for anything yet, and what will end them."""
WAITING = web.AppKey("WAITING", Waiting)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Files(Struct, frozen=True):
    """What the server needs on disk, as PEM."""

    templates: Path
    certificate: Path
    """The server's certificate and what leads to its root."""
    key: Path
    client_root: Path
    """The root under which devices are believed."""


def context(files: Files) -> ssl.SSLContext:
    """Return the server's TLS: it asks for a device certificate, and believes only its root.

    Who shows none gets an answer, 403, and a line in the log. Every suite of the library's
    default list is offered, because a phone may be told to use an old one.

    Raises:
        ComponentError: a file is missing or is not what it should be.

    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("DEFAULT")
    made.num_tickets = 0
    made.verify_mode = ssl.CERT_OPTIONAL
    for file in (files.certificate, files.key, files.client_root):
        if not file.is_file():
            raise ComponentError(f"file {file}", "is missing")
    try:
        made.load_cert_chain(files.certificate, files.key)
        made.load_verify_locations(files.client_root)
    except (OSError, ssl.SSLError) as error:
        raise ComponentError(f"certificates of {files.certificate.parent}", str(error)) from error
    return made


def application(templates: Templates) -> web.Application:
    """Return the server's one page: the profile of the device that asks."""

    async def profile(request: web.Request) -> web.Response:
        device = _device(request)
        path = request.path
        if not belongs_to(path, device):
            return web.Response(status=403, text=FORBIDDEN)
        try:
            body = templates.render(path, device)
        except ComponentError as error:
            logger.error("provider.template_failed: %s", error)
            return web.Response(status=500, text="500: the profile cannot be made\n")
        if body is None:
            return web.Response(status=404, text="404: there is no profile here\n")
        return web.Response(body=body, content_type="application/xml", charset="utf-8")

    app = web.Application(middlewares=[_logged], client_max_size=4096)
    app[WAITING] = {}
    app.router.add_get("/{path:.*}", profile)
    return app


async def serve(files: Files, bind: str | None, port: int, ready: Callable[[int], None]) -> None:
    """Serve until cancelled; `ready(port)` is called once connections are taken.

    Raises:
        ComponentError: a file or the port cannot be used.

    """
    if not files.templates.is_dir():
        raise ComponentError(f"folder {files.templates}", "is missing")
    tls = context(files)
    app = application(Templates(files.templates))
    runner = web.AppRunner(app)
    await runner.setup()
    server = cast(web.Server, runner.server)
    try:
        listeners = _listen(bind, port)
        ready(listeners[0].getsockname()[1])
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(
                    _accept(group, listener, tls, partial(_Connection, server, app[WAITING]))
                )
    except OSError as error:
        raise ComponentError(f"tcp {bind or '*'}:{port}", error.strerror or str(error)) from error
    finally:
        await runner.cleanup()


def _listen(bind: str | None, port: int) -> list[socket.socket]:
    """Return listening sockets: of one address, or of all that this machine has."""
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


async def _accept(
    group: asyncio.TaskGroup,
    listener: socket.socket,
    tls: ssl.SSLContext,
    protocol: Callable[[str], asyncio.Protocol],
) -> None:
    loop = asyncio.get_running_loop()
    with listener:
        while True:
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError as error:  # no descriptor left, or the peer is gone already
                logger.warning("provider.accept: %s", error.strerror)
                await asyncio.sleep(0.1)
                continue
            group.create_task(_greet(connection, peer[0], tls, protocol))


async def _greet(
    connection: socket.socket,
    remote: str,
    tls: ssl.SSLContext,
    protocol: Callable[[str], asyncio.Protocol],
) -> None:
    """Shake hands; a phone that refuses our certificate says so in its alert, and so do we."""
    try:
        await asyncio.get_running_loop().connect_accepted_socket(
            partial(protocol, remote), connection, ssl=tls, ssl_handshake_timeout=HANDSHAKE_TIME
        )
    except OSError as error:  # every failed handshake is one
        said = error.reason if isinstance(error, ssl.SSLError) else error.strerror or error
        words = str(said).replace("_", " ").lower()
        logger.info('%s "no device certificate" handshake failed: %s', remote, words)
        connection.close()
    except asyncio.CancelledError:
        connection.close()
        raise


class _Connection(web.RequestHandler):
    """One connection; it ends unless a whole request comes soon."""

    def __init__(self, server: web.Server, waiting: Waiting, remote: str) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server, loop=loop, **_CONNECTION)
        self._waiting, self._remote = waiting, remote
        self._got = 0
        waiting[self] = loop.call_later(FIRST_TIME, self._drop)

    def _drop(self) -> None:
        del self._waiting[self]
        self.force_close()

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Log a phone that came, shook hands and left; what it refused is in its own log."""
        if timer := self._waiting.pop(self, None):
            timer.cancel()
            secured = self.transport.get_extra_info("ssl_object") if self.transport else None
            device = _identity(secured)
            text = '%s "%s" closed after %d bytes of a request'
            logger.info(text, self._remote, _certificate(device), self._got)
        super().connection_lost(exc)


@web.middleware
async def _logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write the access log: who, with which certificate and User-Agent, asked for what."""
    if timer := request.app[WAITING].pop(request.protocol, None):
        timer.cancel()
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = web.Response(status=refusal.status, text=f"{refusal.status}\n")
    response.headers["Server"] = "Ringfence"
    response.headers["Cache-Control"] = "no-store"
    logger.info(
        '%s "%s" "%s %s" %d "%s"',
        request.remote,
        _certificate(_device(request)),
        request.method,
        _shown(request.rel_url.raw_path),
        response.status,
        _shown(request.headers.get("User-Agent", "")),
    )
    return response


def _device(request: web.Request) -> DeviceIdentity:
    """Return whose certificate the handshake verified."""
    return _identity(request.get_extra_info("ssl_object"))


def _identity(secured: ssl.SSLObject | None) -> DeviceIdentity:
    peer = secured.getpeercert() if secured else None
    return device_identity(peer) if peer else NOBODY


def _certificate(device: DeviceIdentity) -> str:
    words = (device.mac, device.product, device.serial)
    return _shown(" ".join(words).strip() or "no device certificate")


def _shown(text: str) -> str:
    """Return text of a stranger so that it stays inside its quotes and its line."""
    return "".join(c if c.isprintable() and c != '"' else "?" for c in text[:256])
