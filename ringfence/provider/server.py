"""The provisioning server: a device certificate opens the profile of that device, and no other.

Source: chapter, HTTPS Provisioning; PRV-12, PS-03.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aiohttp import web
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.protocols.activation import KIND, PATH
from ringfence.provider import listener, tls
from ringfence.provider.connection import PRODUCT, Connection, Counter, guest, log
from ringfence.provider.forwarded import Forwarded
from ringfence.provider.journal import teller
from ringfence.provider.profiles import (
    UNAVAILABLE,
    Answer,
    Client,
    GenericPolicy,
    Profiles,
    words,
)
from ringfence.provider.revocation import Revoked
from ringfence.provider.tally import STATUSES, TEMPLATES_FAILED, Tally, alone

if TYPE_CHECKING:
    from ringfence.provider.activation import Activation
    from ringfence.provider.firmware.serve import Firmware
    from ringfence.provider.fleet import Fleet
    from ringfence.provider.uploads import Uploads

logger = logging.getLogger(__name__)

OK, BAD_REQUEST, INTERNAL_ERROR = 200, 400, 500
WHO = web.RequestKey("WHO", str)
"""Who asked, in the words of the access log."""
WHENCE = web.RequestKey("WHENCE", str)
"""From which address, as a proxy says."""
IMAGES = "/firmware/{name}"
FLUSH_TIME = 1.0
"""Seconds between two times that visits are kept."""
RETRY = 30
"""Seconds after which a phone may come again."""

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


class Desk:
    """Answers what phones ask; `behind` reads who asks from a proxy's words."""

    def __init__(
        self,
        profiles: Profiles,
        uploads: "Uploads | None" = None,
        behind: Forwarded | None = None,
        tally: Tally | None = None,
        activation: "Activation | None" = None,
    ) -> None:
        self._activation = activation
        self._tally = tally or alone()
        self._profiles = profiles
        self._uploads = uploads
        self._behind = behind

    def application(self, firmware: "Firmware | None" = None) -> web.Application:
        """Return the application: profiles by GET, uploads where there is an inventory, images."""
        app = web.Application(middlewares=[self._counted, _logged], client_max_size=4096)
        if self._activation:
            app.router.add_post(PATH, partial(self._activate, self._activation))
        if firmware:
            app.router.add_get(IMAGES, partial(self._image, firmware))
        app.router.add_get("/{path:.*}", self._profile)
        if self._uploads:
            for method in ("PUT", "POST"):
                app.router.add_route(method, "/{path:.*}", self._upload)
        return app

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.monotonic()
        response = await handler(request)
        status = str(response.status)
        status = status if status in STATUSES else STATUSES[-1]
        self._tally.answered(status, time.monotonic() - began)
        return response

    async def _profile(self, request: web.Request) -> web.Response:
        client = self._client(request)
        if at_hand := self._profiles.at_hand(request.path, client):
            answer = at_hand
        elif self._uploads and client.shown:  # the inventory blocks
            answer = await asyncio.to_thread(self._profiles.answer, request.path, client)
        else:
            answer = self._profiles.answer(request.path, client)
        if answer.status == INTERNAL_ERROR:
            self._tally.add(TEMPLATES_FAILED)
        return _response(request, client, answer, "application/xml")

    async def _upload(self, request: web.Request) -> web.Response:
        client = self._client(request)
        if self._uploads is None:
            raise web.HTTPMethodNotAllowed(request.method, ("GET", "HEAD"))
        answer = await self._uploads.take(request, client)
        response = _response(request, client, answer, "text/plain")
        if answer.status >= BAD_REQUEST:
            response.force_close()  # what it still sends is not read
        return response

    async def _activate(self, activation: "Activation", request: web.Request) -> web.Response:
        client = self._client(request)
        told = await activation.take(request, client)
        response = _response(request, client, told.answer, KIND)
        response.content_type = KIND
        if told.wait:
            response.headers["Retry-After"] = str(told.wait)
        if told.answer.status >= BAD_REQUEST:
            response.force_close()
        return response

    async def _image(self, firmware: "Firmware", request: web.Request) -> web.StreamResponse:
        client = self._client(request)
        request[WHO], request[WHENCE] = words(client.device), client.address
        if not firmware.may_have(client):
            raise web.HTTPForbidden
        return await firmware.give(request)

    def _client(self, request: web.Request) -> Client:
        if self._behind:
            agent = request.headers.get("User-Agent", "")
            return self._behind.client(request.headers, agent)
        return _client(request)


def _response(request: web.Request, client: Client, answer: Answer, kind: str) -> web.Response:
    request[WHO], request[WHENCE] = answer.who, client.address
    kind = kind if answer.status == OK else "text/plain"
    response = web.Response(
        status=answer.status, body=answer.body, content_type=kind, charset="utf-8"
    )
    if answer.status == UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY)
    return response


class Serving(Struct, frozen=True):
    """What is served, to whom, and where."""

    files: Files
    policy: GenericPolicy
    bind: str | None = None
    port: int = 443
    behind: Path | None = None
    """Unix socket of a proxy, which then ends TLS; nothing listens on the port."""
    inventory: Path | None = None
    unlisted: bool = True
    """Whether phones that the inventory does not list are served."""
    firmware: Path | None = None
    """Folder of what `provider firmware publish` signed."""
    activation: str | None = None
    """Rule for phones that ask where their profile is; empty where only the inventory says it,
    None where nobody answers."""


class Server:
    """The provisioning server, ready to take connections; each process calls `serve`.

    Raises:
        ComponentError: a file, the inventory or the port cannot be used.

    """

    def __init__(self, serving: Serving) -> None:
        files = serving.files
        self._serving = serving
        if not files.templates.is_dir():
            raise ComponentError(f"folder {files.templates}", "is missing")
        self._tls = None
        if not serving.behind:
            self._tls = tls.context(files.certificate, files.key, files.client_root)
        if not files.client_root.is_file():
            raise ComponentError(f"file {files.client_root}", "is missing")
        self._revoked = Revoked(files.revoked, files.client_root)
        if serving.inventory:
            from ringfence.provider.inventory.database import Inventory

            Inventory(serving.inventory).check()
        try:
            if serving.behind:
                self._sockets = [listener.listen_locally(serving.behind)]
            else:
                self._sockets = listener.listen(serving.bind, serving.port)
        except (OSError, OverflowError) as error:
            where = serving.behind or f"tcp {serving.bind or '*'}:{serving.port}"
            said = error.strerror if isinstance(error, OSError) else None
            raise ComponentError(str(where), said or str(error)) from error

    @property
    def where(self) -> str:
        """Return where connections are taken."""
        if self._serving.behind:
            return f"proxied at {self._serving.behind}"
        return f"https on port {self._sockets[0].getsockname()[1]}"

    async def serve(self, tally: Tally | None = None) -> None:
        """Serve until cancelled; `tally` counts what happens.

        Raises:
            ComponentError: the inventory cannot be used.

        """
        serving, files = self._serving, self._serving.files
        fleet = _fleet(serving)
        profiles = Profiles(files.templates, serving.policy, self._revoked.holds, fleet)
        uploads = None
        if fleet:
            from ringfence.provider.uploads import Uploads

            uploads = Uploads(fleet, profiles, tally or alone())
        behind = Forwarded(files.client_root) if serving.behind else None
        activation = _activation(serving, fleet, profiles)
        desk = Desk(profiles, uploads, behind, tally, activation)
        runner = web.AppRunner(desk.application(self._images()))
        await runner.setup()
        server = cast(web.Server, runner.server)
        counter = Counter(server, profiles.at_hand, tally or alone(), teller(logger))
        made = partial(Connection, counter)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(listener.accept(self._sockets, self._tls, made, tally))
                if fleet:
                    group.create_task(_flushing(fleet))
        finally:
            await runner.cleanup()
            if fleet:
                fleet.close()

    def _images(self) -> "Firmware | None":
        if self._serving.firmware is None:
            return None
        from ringfence.provider.firmware.serve import Firmware

        return Firmware(self._serving.firmware, self._revoked.holds)


def _fleet(serving: Serving) -> "Fleet | None":
    if serving.inventory is None:
        return None
    from ringfence.provider.fleet import Fleet
    from ringfence.provider.inventory.database import Inventory

    return Fleet(Inventory(serving.inventory), unlisted=serving.unlisted)


def _activation(serving: Serving, fleet: "Fleet | None", profiles: Profiles) -> "Activation | None":
    if fleet is None or serving.activation is None:
        return None
    from ringfence.provider.activation import Activation

    return Activation(fleet, profiles, serving.activation)


async def _flushing(fleet: "Fleet") -> None:
    while True:
        await asyncio.sleep(FLUSH_TIME)
        await asyncio.to_thread(fleet.flush)


@web.middleware
async def _logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write the access log, whatever came of a request."""
    if held := guest(request):
        held.asked = True
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = web.Response(status=refusal.status, text=f"{refusal.status}\n")
    response.headers["Server"] = PRODUCT
    response.headers["Cache-Control"] = "no-store"
    log(
        request.get(WHENCE) or request.remote or "",
        request.get(WHO) or words(_client(request).device),
        f"{request.method} {request.rel_url.raw_path}",
        response.status,
        request.headers.get("User-Agent", ""),
    )
    return response


def _client(request: web.Request) -> Client:
    """Return who asks, as the handshake showed."""
    held = guest(request)
    agent = request.headers.get("User-Agent", "")
    return Client(held.client.shown if held else None, agent, request.remote or "")
