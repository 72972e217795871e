"""The provisioning server: a device certificate opens the profile of that device, and no other.

Source: chapter, HTTPS Provisioning; PRV-12, PS-03.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

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
NOBODY = DeviceIdentity("", "", "")
FORBIDDEN = "403: this certificate does not open this path\n"

Waiting = dict[web.RequestHandler, asyncio.TimerHandle]
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
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=IDLE_TIME)
    await runner.setup()
    try:
        server = await asyncio.get_running_loop().create_server(
            _impatient(cast(web.Server, runner.server), app[WAITING]),
            bind,
            port,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_TIME,
        )
        ready(server.sockets[0].getsockname()[1])
        await server.serve_forever()
    except OSError as error:
        raise ComponentError(f"tcp {bind or '*'}:{port}", error.strerror or str(error)) from error
    finally:
        await runner.cleanup()


def _impatient(server: web.Server, waiting: Waiting) -> Callable[[], web.RequestHandler]:
    """Return what makes connections that end unless a whole request comes soon."""
    loop = asyncio.get_running_loop()

    def drop(connection: web.RequestHandler) -> None:
        del waiting[connection]
        connection.force_close()

    def connection() -> web.RequestHandler:
        made = server()
        waiting[made] = loop.call_later(FIRST_TIME, drop, made)
        return made

    return connection


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
    device = _device(request)
    words = (device.mac, device.product, device.serial)
    logger.info(
        '%s "%s" "%s %s" %d "%s"',
        request.remote,
        _shown(" ".join(words).strip() or "no device certificate"),
        request.method,
        _shown(request.rel_url.raw_path),
        response.status,
        _shown(request.headers.get("User-Agent", "")),
    )
    return response


def _device(request: web.Request) -> DeviceIdentity:
    """Return whose certificate the handshake verified."""
    secured = request.get_extra_info("ssl_object")
    peer = secured.getpeercert() if secured else None
    return device_identity(peer) if peer else NOBODY


def _shown(text: str) -> str:
    """Return text of a stranger so that it stays inside its quotes and its line."""
    return "".join(c if c.isprintable() and c != '"' else "?" for c in text[:256])
