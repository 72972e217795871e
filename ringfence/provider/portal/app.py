"""The portal's pages: log in, choose a product, upload a request, take the certificate.

No script, no inline style, nothing from elsewhere; every form brings back the token of its page.
Source: chapter, Get a Signed Server Certificate; PRV-06…-09.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from cryptography import x509
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError, NetworkError
from ringfence.policy.certificate import printable
from ringfence.provider import audit, ca, products
from ringfence.provider.certificates import Digest
from ringfence.provider.files import locked
from ringfence.provider.portal import mail, users
from ringfence.provider.portal.sessions import Session, Sessions, Tries, is_own

logger = logging.getLogger(__name__)

LARGEST = 256 << 10
"""Bytes of a form; a signing request has at most a quarter of them."""
COOKIE = "ringfence-ca"
DURATIONS = ((90, "90 days"), (365, "1 year"), (730, "2 years"), (1095, "3 years"))
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "Ringfence",
}
_HERE = files("ringfence.provider.portal")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk(Struct, frozen=True):
    """The authority that a portal stands before."""

    folder: Path
    passphrase: bytes
    post: mail.Post | None = None
    """None where nothing is sent by e-mail."""
    secure: bool = True
    """Whether browsers come by HTTPS, so that the cookie may ask for it."""

    def __repr__(self) -> str:
        """Return what it is, without the passphrase."""
        return f"Desk({self.folder})"


class Portal:
    """The pages of one authority."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sessions, self._tries = Sessions(), Tries()
        self._checking = asyncio.Semaphore(2)  # a password costs 32 MiB for a moment
        self._templates = jinja2.Environment(
            loader=jinja2.FunctionLoader(
                lambda name: (_HERE / "templates" / name).read_text(encoding="utf-8")
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def routes(self) -> list[web.RouteDef]:
        """Return what is asked of the pages."""
        return [
            web.get("/", self._home),
            web.get("/style.css", self._style),
            web.get("/login", self._ask_name),
            web.post("/login", self._enter),
            web.post("/logout", self._leave),
            web.get("/sign", self._ask_request),
            web.post("/sign", self._sign),
            *(web.get(f"/{name}", self._public) for name in (*ca.EXPORTS, *ca.LISTS)),
        ]

    async def _home(self, request: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/sign" if self._session(request) else "/login")

    async def _style(self, request: web.Request) -> web.Response:
        text = (_HERE / "templates" / "style.css").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/css")

    async def _ask_name(self, request: web.Request) -> web.Response:
        return self._page("login.html", "Log in")

    async def _enter(self, request: web.Request) -> web.Response:
        form, now, remote = await request.post(), time.monotonic(), request.remote or ""
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        if not self._tries.may(remote, now):
            logger.warning("portal.shut: %s tried too often", remote)
            problem = "Too many wrong passwords; try again in five minutes."
            return self._page("login.html", "Log in", 429, problem=problem)
        async with self._checking:
            right = await asyncio.to_thread(users.may_enter, self._desk.folder, name, password)
        if not right:
            self._tries.wrong(remote, now)
            logger.warning("portal.wrong_password: %s from %s", printable(name, 32), remote)
            problem = "Name or password is wrong."
            return self._page("login.html", "Log in", 403, problem=problem)
        logger.info("portal.entered: %s from %s", name, remote)
        response = web.Response(status=303, headers={"Location": "/sign"})
        cookie = self._sessions.begin(name, now)
        response.set_cookie(
            COOKIE, cookie, httponly=True, samesite="Strict", secure=self._desk.secure, path="/"
        )
        return response

    async def _leave(self, request: web.Request) -> web.Response:
        await self._own_form(request)
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = web.Response(status=303, headers={"Location": "/login"})
        response.del_cookie(COOKIE, path="/")
        return response

    async def _ask_request(self, request: web.Request) -> web.Response:
        return self._form(self._must_be_in(request))

    def _form(self, session: Session, code: int = 200, problem: str = "") -> web.Response:
        return self._page(
            "sign.html",
            "Sign CSR",
            code,
            session=session,
            problem=problem,
            products=products.PRODUCTS,
            chosen=products.DEFAULT,
            durations=DURATIONS,
            mails=self._desk.post is not None,
        )

    async def _sign(self, request: web.Request) -> web.Response:
        session, form = await self._own_form(request)
        try:
            upload = form.get("csr")
            if not isinstance(upload, web.FileField):
                raise ConfigError("CSR File", "none was chosen")
            terms, to = self._terms(session, form), self._recipient(form)
            text = upload.file.read()
            made = await asyncio.to_thread(
                ca.sign, self._desk.folder, text, terms, ca.now(), self._desk.passphrase
            )
            if to:
                await asyncio.to_thread(self._deliver, to, made.certificate)
        except ConfigError as error:
            return self._form(session, 400, str(error).replace("--legacy", "the legacy switch"))
        except (ComponentError, NetworkError) as error:
            logger.error("portal.failed: %s", error)
            return self._form(session, 503, str(error))
        logger.info("portal.signed: by %s for %s", session.user, to or "download")
        if to:
            return self._page("sent.html", "Sign CSR", session=session, to=to, notes=made.warnings)
        return web.Response(
            body=made.certificate,
            content_type="application/x-pem-file",
            headers={"Content-Disposition": 'attachment; filename="provserver.crt"'},
        )

    def _terms(self, session: Session, form: Any) -> ca.Terms:
        days = str(form.get("duration", ""))
        if days not in {str(known) for known, _ in DURATIONS}:
            raise ConfigError("Sign in Duration", "is not on the list")
        try:
            digest = Digest(str(form.get("hash", "")))
        except ValueError:
            raise ConfigError("Signature hash", "is not on the list") from None
        return ca.Terms(
            timedelta(days=int(days)),
            str(form.get("product", "")),
            digest,
            form.get("legacy") == "yes",
            f"portal user {session.user}",
        )

    def _recipient(self, form: Any) -> str:
        """Return where the certificate is sent; empty where it is downloaded."""
        if form.get("delivery") != "email":
            return ""
        if self._desk.post is None:
            raise ConfigError("Delivery", "nothing is sent by e-mail here", "choose Download")
        return mail.address(str(form.get("email", "")).strip())

    def _deliver(self, to: str, certificate: bytes) -> None:
        if self._desk.post is None:
            return
        held = x509.load_pem_x509_certificate(certificate)
        mail.send(self._desk.post, to, "provserver", certificate)
        with locked(self._desk.folder):
            about = {"serial": f"{held.serial_number:x}", "to": to}
            audit.record(self._desk.folder, "sent by e-mail", ca.now(), about)

    async def _public(self, request: web.Request) -> web.Response:
        """Give whoever asks what `ca export` writes."""
        name = request.path.removeprefix("/")
        held = await asyncio.to_thread(ca.exported, self._desk.folder)
        if name not in held:
            raise web.HTTPNotFound
        return web.Response(body=held[name], content_type="application/x-pem-file")

    async def _own_form(self, request: web.Request) -> tuple[Session, Any]:
        """Return who sent a form, and what is in it; a form of another site is turned away."""
        session, form = self._must_be_in(request), await request.post()
        if not is_own(session, str(form.get("token", ""))):
            logger.warning("portal.foreign_form: from %s", request.remote)
            raise web.HTTPForbidden
        return session, form

    def _must_be_in(self, request: web.Request) -> Session:
        session = self._session(request)
        if session is None:
            raise web.HTTPSeeOther("/login")
        return session

    def _session(self, request: web.Request) -> Session | None:
        return self._sessions.find(request.cookies.get(COOKIE, ""), time.monotonic())

    def _page(self, template: str, title: str, code: int = 200, **context: Any) -> web.Response:
        filled = {"title": title, "problem": "", "session": None, **context}
        text = self._templates.get_template(template).render(filled)
        return web.Response(text=text, status=code, content_type="text/html")


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every request with the same strict headers, errors included."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = web.Response(status=error.status, text=f"{error.status} {error.reason}\n")
        if isinstance(error, web.HTTPSeeOther):
            response.headers["Location"] = str(error.location)
    response.headers.update(HEADERS)
    return response
