"""The management application: every route of the table, the page, and nothing else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError
from ringfence.features.web import requests
from ringfence.policy.certificate import printable
from ringfence.provider.inventory.texts import LARGEST
from ringfence.provider.inventory.tokens import Role, Token
from ringfence.provider.manage.api import Api, Asked, MissingError
from ringfence.provider.manage.entrance import Entrance
from ringfence.provider.manage.page import Page
from ringfence.provider.manage.routes import ROUTES, Refusal, Route

logger = logging.getLogger(__name__)

STATIC = {
    "page.css": (Path(requests.__file__).with_name("static") / "page.css", "text/css"),
    "icon.svg": (Path(requests.__file__).with_name("static") / "icon.svg", "image/svg+xml"),
    "manage.css": (Path(__file__).with_name("static") / "manage.css", "text/css"),
}
UNAVAILABLE = 503

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class App:
    """Makes the application of an inventory."""

    def __init__(self, api: Api, entrance: Entrance, page: Page) -> None:
        self._api = api
        self._entrance = entrance
        self._page = page

    def application(self) -> web.Application:
        """Return the application."""
        made = web.Application(client_max_size=2 * LARGEST, middlewares=[_logged])
        for route in ROUTES:
            path = route.path.replace("templates/{name}", "templates/{name:.+}")
            made.router.add_route(route.method, path, partial(self._answer, route))
        for name, (file, kind) in STATIC.items():
            made.router.add_get(f"/static/{name}", partial(_static, file.read_bytes(), kind))
        self._page.add(made)
        made.on_response_prepare.append(_harden)
        return made

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        try:
            token = await self._allowed(route, request) if route.role else None
            asked = Asked(
                f"token {token.label}" if token else "anyone",
                dict(request.match_info),
                dict(request.query),
                await _given(route, request),
            )
            made = await asyncio.to_thread(getattr(self._api, route.name), asked)
        except MissingError as missing:
            return _refused(404, str(missing))
        except ConfigError as error:
            return _refused(400, f"{error.parameter}: {error.reason}", error.remedy)
        except RemoteProtocolError as refused:
            return _refused(refused.status_hint, str(refused))
        except ComponentError as error:
            logger.error("provider.manage: %s", error)
            return _refused(UNAVAILABLE, "the inventory does not answer")
        return _response(route, made)

    async def _allowed(self, route: Route, request: web.Request) -> Token:
        """Return the token of a request.

        Raises:
            RemoteProtocolError: it has none, or one that does not allow this.

        """
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        wanted, token = route.role or Role.READ, None
        if kind.lower() == "bearer":
            token = await asyncio.to_thread(self._entrance.judge, text.strip(), Role.METRICS)
        if token and token.role.allows(wanted):
            return token
        if token:
            raise RemoteProtocolError(f"this needs a token of the role {wanted.value}", 403)
        raise RemoteProtocolError("this needs a token: Authorization: Bearer TOKEN", 401)


async def _given(route: Route, request: web.Request) -> Any:
    """Return what is sent, as its type.

    Raises:
        RemoteProtocolError: it is not of that type.

    """
    if route.given is None:
        return None
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise RemoteProtocolError("this is too large", 413) from None
    try:
        return msgspec.json.decode(body, type=route.given)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(printable(str(error)), 400) from None


def _response(route: Route, made: Any) -> web.Response:
    if route.answer is None:
        return web.Response(status=204)
    if route.answer is str:
        return web.Response(text=made, content_type="text/plain")
    if route.answer is bytes:
        return attachment(made)
    return web.Response(body=msgspec.json.encode(made), content_type="application/json")


def attachment(body: bytes) -> web.Response:
    """Return a file that a browser keeps and never shows: a phone made it."""
    headers = {"Content-Disposition": "attachment"}
    return web.Response(body=body, content_type="application/octet-stream", headers=headers)


def _refused(status: int, error: str, remedy: str = "") -> web.Response:
    body = msgspec.json.encode(Refusal(error, remedy))
    made = web.Response(status=status, body=body, content_type="application/json")
    if status == 401:
        made.headers["WWW-Authenticate"] = 'Bearer realm="ringfence"'
    return made


async def _static(body: bytes, kind: str, _: web.Request) -> web.Response:
    return web.Response(body=body, content_type=kind)


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    requests.harden(response.headers, secure=request.secure)


@web.middleware
async def _logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log what was asked, never with what: a query or a body may have what is nobody's business."""
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = _refused(refusal.status, refusal.reason.lower())
    path = printable(request.rel_url.raw_path.replace('"', "?"), 256)
    logger.info('manage %s "%s %s" %d', request.remote, request.method, path, response.status)
    return response
