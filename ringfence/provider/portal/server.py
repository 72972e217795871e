"""`ringfence ca serve`: the portal over HTTPS, SCEP beside it, and CRLs that do not run out."""

import asyncio
import base64
import binascii
import contextlib
import logging
import ssl
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import web
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.protocols import scep
from ringfence.provider import ca, revocation
from ringfence.provider.authority import CLIENT_ROOT
from ringfence.provider.portal.app import LARGEST, Desk, Portal, guarded
from ringfence.provider.scep import LIFE, Responder

logger = logging.getLogger(__name__)

LOOK = 3600.0
"""Seconds between two looks at how long the CRLs still count."""
_CONNECTION: dict[str, Any] = {"access_log": None, "keepalive_timeout": 15.0}


class Doors(Struct, frozen=True):
    """Where the authority is heard."""

    bind: str
    port: int
    tls: ssl.SSLContext | None
    scep_port: int | None = None
    """TCP port for SCEP alone, without TLS, which protects itself; None for none."""
    scep_life: timedelta = LIFE
    """How long certificates by SCEP count."""
    scep_holds: bool = False
    """Whether requests without a password wait for somebody's decision."""


async def serve(desk: Desk, doors: Doors, ready: Callable[[int, int | None], None]) -> None:
    """Serve until cancelled; `ready(port, SCEP port)` is called once connections are taken.

    Raises:
        ComponentError: the authority or a port cannot be used.

    """
    open_ = partial(Responder, holds=doors.scep_holds)
    answerer = Answerer(
        await asyncio.to_thread(open_, desk.folder, desk.passphrase, doors.scep_life)
    )
    pages = web.Application(middlewares=[guarded], client_max_size=LARGEST)
    pages.router.add_routes([*Portal(desk).routes(), *answerer.routes()])
    alone = web.Application(middlewares=[guarded], client_max_size=LARGEST)
    alone.router.add_routes(answerer.routes())
    async with contextlib.AsyncExitStack() as stack:
        port = await _open(stack, pages, doors.bind, doors.port, doors.tls)
        second = None
        if doors.scep_port is not None:
            second = await _open(stack, alone, doors.bind, doors.scep_port, None)
        ready(port, second)
        while True:
            await asyncio.to_thread(renew_lists, desk)
            await asyncio.sleep(LOOK)


async def _open(
    stack: contextlib.AsyncExitStack,
    application: web.Application,
    bind: str,
    port: int,
    tls: ssl.SSLContext | None,
) -> int:
    runner = web.AppRunner(application, **_CONNECTION)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, bind, port, ssl_context=tls).start()
    except (OSError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise ComponentError(f"tcp {bind}:{port}", said or str(error)) from error
    return int(runner.addresses[0][1])


def renew_lists(desk: Desk) -> bool:
    """Make new CRLs where there are some that have used up half of their time."""
    path = desk.folder / f"{CLIENT_ROOT}.crl"
    try:
        if not path.exists():
            return False
        held, now = revocation.crl(path), ca.now()
        until = held.next_update_utc
        if until is not None and until - now > (until - held.last_update_utc) / 2:
            return False
        span = until - held.last_update_utc if until else revocation.CURRENT
        revocation.renew(desk.folder, now, max(span, timedelta(days=1)), desk.passphrase)
    except (ComponentError, ConfigError) as error:
        logger.error("ca.lists_not_renewed: %s", error)
        return False
    logger.info("ca.lists_renewed")
    return True


class Answerer:
    """SCEP over HTTP. Source: RFC 8894 section 4."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def routes(self) -> list[web.RouteDef]:
        """Return what is asked of SCEP, under the paths that clients are used to."""
        paths = ("/scep", "/cgi-bin/pkiclient.exe")
        return [
            *(web.get(path, self._ask) for path in paths),
            *(web.post(path, self._post) for path in paths),
        ]

    async def _ask(self, request: web.Request) -> web.Response:
        match request.query.get("operation"):
            case "GetCACaps":
                return web.Response(text="\n".join(scep.CAPABILITIES) + "\n")
            case "GetCACert":
                kind = "application/x-x509-ca-ra-cert"
                return web.Response(body=self._responder.authorities(), content_type=kind)
            case "PKIOperation":
                try:
                    text = request.query.get("message", "").replace(" ", "+")
                    data = base64.b64decode(text, validate=True)
                except binascii.Error:
                    raise web.HTTPBadRequest from None
                return await self._operate(request, data)
        raise web.HTTPBadRequest

    async def _post(self, request: web.Request) -> web.Response:
        if request.query.get("operation") != "PKIOperation":
            raise web.HTTPBadRequest
        return await self._operate(request, await request.read())

    async def _operate(self, request: web.Request, data: bytes) -> web.Response:
        try:
            answer = await asyncio.to_thread(self._responder.operate, data, ca.now())
        except ValueError as error:
            logger.warning("scep.no_message: from %s: %s", request.remote, error)
            raise web.HTTPBadRequest from None
        except ComponentError as error:
            logger.error("scep.failed: %s", error)
            raise web.HTTPServiceUnavailable from None
        return web.Response(body=answer, content_type=scep.MESSAGE_TYPE)
