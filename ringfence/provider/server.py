"""The provisioning server: a device certificate opens the profile of that device, and no other.

Source: chapter, HTTPS Provisioning; PRV-12, PS-03.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.policy.certificate import printable
from ringfence.provider import listener
from ringfence.provider.identity import DeviceIdentity, device_identity
from ringfence.provider.profiles import GenericPolicy, Profiles, words
from ringfence.provider.revocation import Revoked

logger = logging.getLogger(__name__)

IDLE_TIME = 15.0
"""Seconds that a connection may wait for its next request."""
PRODUCT = "Ringfence"
OK, INTERNAL_ERROR = 200, 500
WHO = web.RequestKey("WHO", str)
"""Who asked, in the words of the access log."""
_CONNECTION: dict[str, Any] = {"access_log": None, "keepalive_timeout": IDLE_TIME}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Files(Struct, frozen=True):
    """What the server needs on disk, as PEM."""

    templates: Path
    certificate: Path
    """The server's certificate and what leads to its root."""
    key: Path
    client_root: Path
    """The root under which devices are believed."""
    revoked: Path
    """The CRL of that root; the file may come later, and may change."""


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
        made.load_cert_chain(files.certificate, files.key, password=partial(_locked, files.key))
    except OSError as error:
        raise ComponentError(f"file {files.certificate} with {files.key}", _why(error)) from error
    try:
        made.load_verify_locations(files.client_root)
    except OSError as error:
        raise ComponentError(f"file {files.client_root}", _why(error)) from error
    return made


_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


def _why(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    if error.reason is None:
        return "no PEM of that kind is in it"
    if error.reason in _MISMATCHES:
        return "the key is another certificate's"
    return error.reason.replace("_", " ").lower()


def _locked(key: Path) -> str:
    remedy = f"decrypt it: openssl pkey -in {key.name} -out server.key"
    raise ComponentError(f"file {key}", f"is encrypted; {remedy}")


def application(profiles: Profiles) -> web.Application:
    """Return the server's one page: the profile of the device that asks."""

    async def profile(request: web.Request) -> web.Response:
        agent = request.headers.get("User-Agent", "")
        answer = profiles.answer(request.path, _peer(request.transport), agent)
        request[WHO] = answer.who
        kind = "application/xml" if answer.status == OK else "text/plain"
        return web.Response(
            status=answer.status, body=answer.body, content_type=kind, charset="utf-8"
        )

    app = web.Application(middlewares=[_logged], client_max_size=4096)
    app.router.add_get("/{path:.*}", profile)
    return app


async def serve(
    files: Files,
    policy: GenericPolicy,
    bind: str | None,
    port: int,
    ready: Callable[[int], None],
) -> None:
    """Serve until cancelled; `ready(port)` is called once connections are taken.

    Raises:
        ComponentError: a file or the port cannot be used.

    """
    if not files.templates.is_dir():
        raise ComponentError(f"folder {files.templates}", "is missing")
    tls = context(files)
    revoked = Revoked(files.revoked, files.client_root)
    runner = web.AppRunner(application(Profiles(files.templates, policy, revoked.holds)))
    await runner.setup()
    server = cast(web.Server, runner.server)
    try:
        sockets = listener.listen(bind, port)
        ready(sockets[0].getsockname()[1])
        await listener.accept(sockets, tls, partial(_Connection, server))
    except (OSError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise ComponentError(f"tcp {bind or '*'}:{port}", said or str(error)) from error
    finally:
        await runner.cleanup()


class _Connection(web.RequestHandler, listener.Guest):
    """One connection."""

    def __init__(self, server: web.Server, remote: str) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server, loop=loop, **_CONNECTION)
        self.closed = loop.create_future()
        self._remote = remote
        self._got = 0
        self.asked = False
        """Whether a whole request came, or what is none."""

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer in one line what is no HTTP, and log it in one; an error of ours in full."""
        self.asked = True
        who = _shown(words(_identity(self.transport)))
        said = _shown(str(exc).partition("\n")[0] or type(exc).__name__)
        ours = exc if status >= INTERNAL_ERROR else None
        logger.info('%s "%s" %d no request: %s', self._remote, who, status, said, exc_info=ours)
        response = web.Response(status=status, text=f"{status}\n")
        response.headers["Server"] = PRODUCT
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Log a phone that came, shook hands and left; what it refused is in its own log."""
        if not self.asked:
            who = _shown(words(_identity(self.transport)))
            logger.info('%s "%s" closed after %d bytes of a request', self._remote, who, self._got)
        if not self.closed.done():
            self.closed.set_result(None)
        super().connection_lost(exc)


@web.middleware
async def _logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write the access log: who, with which certificate and User-Agent, asked for what."""
    if isinstance(request.protocol, _Connection):
        request.protocol.asked = True
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = web.Response(status=refusal.status, text=f"{refusal.status}\n")
    response.headers["Server"] = PRODUCT
    response.headers["Cache-Control"] = "no-store"
    logger.info(
        '%s "%s" "%s %s" %d "%s"',
        request.remote,
        _shown(request.get(WHO) or words(_identity(request.transport))),
        request.method,
        _shown(request.rel_url.raw_path),
        response.status,
        _shown(request.headers.get("User-Agent", "")),
    )
    return response


def _peer(transport: asyncio.BaseTransport | None) -> dict[str, Any] | None:
    """Return the certificate that the handshake verified; None where none was shown."""
    secured = transport.get_extra_info("ssl_object") if transport else None
    return (secured.getpeercert() if secured else None) or None


def _identity(transport: asyncio.BaseTransport | None) -> DeviceIdentity:
    return device_identity(_peer(transport) or {})


def _shown(text: str) -> str:
    """Return text of a stranger so that it stays inside its quotes and its line."""
    return printable(text.replace('"', "?"), 256)
