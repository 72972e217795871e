"""The provider's page: all phones at a glance, and one phone in full. It changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError
from ringfence.features.web import requests
from ringfence.provider.inventory import activations, devices, names, uploads
from ringfence.provider.inventory.database import Inventory, now
from ringfence.provider.inventory.devices import DAY, SOON
from ringfence.provider.inventory.tokens import Role
from ringfence.provider.manage.entrance import Entrance, Session, same

ROWS = 50
"""Phones on one page."""

Shown = Callable[[web.Request, Session], Awaitable[web.Response]]


class Page:
    """The handlers of the page."""

    def __init__(self, inventory: Inventory, entrance: Entrance) -> None:
        self._inventory = inventory
        self._entrance = entrance
        self._jinja = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters |= {"when": when, "ago": ago, "day": day, "left": left}

    def add(self, app: web.Application) -> None:
        """Add the page to an application."""
        app.router.add_get("/", self._door(self._phones))
        app.router.add_get("/phone/{mac}", self._door(self._phone))
        app.router.add_get("/activations", self._door(self._activations))
        app.router.add_get("/upload/{number:[0-9]{1,15}}", self._door(self._upload))
        app.router.add_get("/login", self._login_form)
        app.router.add_post("/login", self._login)
        app.router.add_post("/logout", self._door(self._logout))

    def _door(self, shown: Shown) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Let through who is logged in by a token that still counts."""

        async def enter(request: web.Request) -> web.Response:
            try:
                session = self._entrance.find(request.cookies.get(requests.cookie(request), ""))
                if session is None:
                    return _see("/login")
                judge = self._entrance.judge
                if await asyncio.to_thread(judge, session.text, Role.READ) is None:
                    self._entrance.end(session)
                    return _see("/login")
                return await shown(request, session)
            except ConfigError as error:
                return self._message(404, f"{error.parameter}: {error.reason}.")
            except RemoteProtocolError as refused:
                return self._message(refused.status_hint, str(refused))
            except ComponentError:
                return self._message(503, "The inventory does not answer. Phones are told to wait.")

        return enter

    async def _phones(self, request: web.Request, session: Session) -> web.Response:
        part, after = request.query.get("part", "")[:64], request.query.get("after", "")[:12]
        held, summary = await asyncio.to_thread(self._read_phones, part, after)
        more = ""
        if len(held) > ROWS:
            more = "/?" + urlencode({"part": part, "after": held[ROWS - 1].device.mac})
        return self._page(
            *("phones.html", session),
            phones=held[:ROWS],
            summary=summary,
            part=part,
            after=after,
            more=more,
        )

    def _read_phones(self, part: str, after: str) -> tuple[list[devices.Known], devices.Summary]:
        with self._inventory.reading() as connection:
            held = devices.listed(connection, after, ROWS + 1, part)
            return held, devices.summary(connection, now())

    async def _phone(self, request: web.Request, session: Session) -> web.Response:
        mac = names.mac(request.match_info["mac"])
        values = await asyncio.to_thread(self._read_phone, mac)
        return self._page("phone.html", session, **values)

    def _read_phone(self, mac: str) -> dict[str, Any]:
        with self._inventory.reading() as connection:
            known = devices.find(connection, mac)
            if known is None:
                raise ConfigError("phone", f"{mac} is unknown")
            return {
                "known": known,
                "secrets": devices.secret_names(connection, mac),
                "history": devices.history(connection, mac, 20),
                "uploads": uploads.every(connection, mac),
                "values": known.device.values,
            }

    async def _activations(self, request: web.Request, session: Session) -> web.Response:
        def read() -> list[activations.Code]:
            with self._inventory.reading() as connection:
                return activations.every(connection)

        codes = await asyncio.to_thread(read)
        return self._page("activations.html", session, codes=codes)

    async def _upload(self, request: web.Request, session: Session) -> web.Response:
        def read() -> bytes:
            with self._inventory.reading() as connection:
                return uploads.body(connection, int(request.match_info["number"]))

        headers = {"Content-Disposition": "attachment"}
        body = await asyncio.to_thread(read)
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def _login_form(self, request: web.Request) -> web.Response:
        return self._page("login.html", None, wrong="")

    async def _login(self, request: web.Request) -> web.Response:
        try:
            requests.check_origin(request)
            text = (await requests.form(request)).get("token", "").strip()
            address, clock = request.remote or "", asyncio.get_running_loop().time()
            if (wait := self._entrance.throttle.wait(address, clock)) > 0:
                said = f"Too many wrong tokens. Try again in {wait:.0f} seconds."
                return self._page("login.html", None, status=429, wrong=said)
            token = await asyncio.to_thread(self._entrance.judge, text, Role.READ)
        except RemoteProtocolError as refused:
            return self._message(refused.status_hint, str(refused))
        except ComponentError:
            return self._message(503, "The inventory does not answer.")
        if token is None:
            self._entrance.throttle.failed(address, clock)
            said = "This is no token that counts and may read."
            return self._page("login.html", None, status=403, wrong=said)
        session = self._entrance.begin(text, token)
        made = _see("/")
        made.set_cookie(
            requests.cookie(request),
            session.name,
            path="/",
            secure=request.secure,
            httponly=True,
            samesite="Strict",
        )
        return made

    async def _logout(self, request: web.Request, session: Session) -> web.Response:
        requests.check_origin(request)
        form = await requests.form(request)
        if not same(form.get("csrf", ""), session.csrf):
            return self._message(403, "This form is out of date.")
        self._entrance.end(session)
        made = _see("/login")
        made.del_cookie(requests.cookie(request), path="/", secure=request.secure, httponly=True)
        return made

    def _message(self, status: int, text: str) -> web.Response:
        return self._page("message.html", None, status=status, text=text)

    def _page(
        self, name: str, session: Session | None, *, status: int = 200, **values: Any
    ) -> web.Response:
        text = self._jinja.get_template(name).render(session=session, now=now(), **values)
        return web.Response(status=status, text=text, content_type="text/html")


def when(seconds: int) -> str:
    """Return a moment in words."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def day(seconds: int) -> str:
    """Return a day in words."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def ago(seconds: int, at: int) -> str:
    """Return how long ago something was."""
    passed = max(at - seconds, 0)
    for length, word in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if passed >= length:
            many = passed // length
            return f"{many} {word}{'s' if many > 1 else ''} ago"
    return "just now"


def left(seconds: int, at: int) -> str:
    """Return what a certificate's end means: empty while it is far away."""
    if seconds <= at:
        return "ended"
    days = (seconds - at) // DAY
    return f"{days} days left" if days < SOON else ""


def _see(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
