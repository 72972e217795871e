"""The pages: what each address answers."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from aiohttp import web

from ringfence.config.parameter import Level
from ringfence.config.settings import ROWS
from ringfence.config.snapshot import Change, Origin
from ringfence.config.snapshot import submit as validate
from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError, RingfenceError
from ringfence.features.web import requests
from ringfence.features.web.plan import WebPlan, plan
from ringfence.features.web.routes import ROUTES, Route, allows
from ringfence.features.web.sessions import Session, Sessions, Throttle
from ringfence.runtime.feature import World
from ringfence.surfaces import forms, status

logger = logging.getLogger(__name__)

ACCOUNTS = {"admin": Level.ADMIN, "user": Level.USER}
ADMIN_PASSWORD = ROWS["system"]["admin_password"].tag
PASSWORDS = {ROWS["system"][f"{name}_password"].tag: level for name, level in ACCOUNTS.items()}
COMMANDS = {
    "resync": ("Resync now", ""),
    "reboot": ("Reboot the phone", "Calls end, and the phone is away for a moment."),
}
"""`{command: (words of its button, warning before it is given)}`."""
TYPES = {".css": "text/css", ".svg": "image/svg+xml"}

Handler = Callable[[web.Request, Session | None], Awaitable[web.Response]]


class Pages:
    """Answers requests; which account may ask what is decided before any handler runs."""

    def __init__(
        self, world: World, plan: Callable[[], WebPlan], sessions: Sessions, throttle: Throttle
    ) -> None:
        self._world = world
        self._plan = plan
        self._sessions = sessions
        self._throttle = throttle
        here = files(__package__)
        self._templates = jinja2.Environment(
            loader=jinja2.FunctionLoader(
                lambda name: (here / "templates" / name).read_text(encoding="utf-8")
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["clear"] = forms.CLEAR
        self._static = {
            file.name: (file.read_bytes(), TYPES[f".{file.name.rpartition('.')[2]}"])
            for file in (here / "static").iterdir()
        }

    def application(self) -> web.Application:
        """Return the application with every route of the table."""
        made = web.Application(client_max_size=requests.LARGEST_BODY)
        for route in ROUTES:
            made.router.add_route(route.method, route.path, self._door(route))
        made.on_response_prepare.append(self._harden)
        return made

    def _door(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        handler: Handler = getattr(self, route.name)

        async def enter(request: web.Request) -> web.StreamResponse:
            try:
                session = self._session(request)
                if refusal := await self._refusal(route, request, session):
                    return refusal
                return await handler(request, session)
            except RemoteProtocolError as refused:
                return self._message(refused.status_hint, str(refused))

        return enter

    async def _refusal(
        self, route: Route, request: web.Request, session: Session | None
    ) -> web.Response | None:
        """Return the answer to a request that must not reach its handler."""
        if self._first_use() and route.name not in ("static", "first_use_form", "first_use"):
            return _see("/first-use")
        if not allows(route, session.level if session else None):
            if session:
                return self._message(403, "This page is for the administrator.", login="admin")
            if route.program:
                return web.Response(status=401, text="Log in first.\n")
            if route.method == "GET":
                then = request.path if self._known_page(request.path) else "/"
                return _see(f"/login?then={then}")
            return self._message(403, "Your session has ended. Nothing was stored.", login="")
        if route.method == "POST":
            requests.check_origin(request, self._plan().url_scheme)
            form = await requests.form(request)
            sent = form.get("csrf", "")
            if (
                session
                and route.level
                and not hmac.compare_digest(sent.encode(), session.csrf.encode())
            ):
                return self._message(403, "This form is out of date. Nothing was stored.")
            request["form"] = form
        return None

    def _first_use(self) -> bool:
        made = self._plan()
        return made.admin_access and not made.admin_password

    def _session(self, request: web.Request) -> Session | None:
        made = self._plan()
        token = request.cookies.get(requests.cookie(made.tls is not None), "")
        session = self._sessions.find(token, self._world.host.now(), made.idle, made.longest)
        if session and session.level is Level.ADMIN and not made.admin_access:
            self._sessions.end(session)
            return None
        return session

    async def _harden(self, request: web.Request, response: web.StreamResponse) -> None:
        requests.harden(response.headers, secure=self._plan().tls is not None)

    # --- Everyone ---

    async def static(self, request: web.Request, session: Session | None) -> web.Response:
        """Return a file of the page's looks."""
        try:
            body, kind = self._static[request.match_info["file"]]
        except KeyError:
            raise RemoteProtocolError("There is no such page.", 404) from None
        return web.Response(body=body, content_type=kind, charset="utf-8")

    async def login_form(self, request: web.Request, session: Session | None) -> web.Response:
        """Ask who it is."""
        then = request.query.get("then", "")
        account = "user" if self._plan().user_password and "admin" not in then else "admin"
        account = request.query.get("as", account)
        return self._page("login.html", error="", then=then, account=account)

    async def login(self, request: web.Request, session: Session | None) -> web.Response:
        """Begin a session, or say no, slower and slower."""
        form, now, remote = request["form"], self._world.host.now(), request.remote or ""
        account = form.get("account", "")
        if wait := self._throttle.wait(remote, now):
            text = f"Too many attempts. Try again in {wait:.0f} seconds."
            answer = self._page(
                "login.html", 429, error=text, then=form.get("then", ""), account=account
            )
            answer.headers["Retry-After"] = f"{wait:.0f}"
            return answer
        if not self._knows(account, form.get("password", "")):
            self._throttle.failed(remote, now)
            logger.warning("web.login_refused: %s from %s", ascii(account[:20]), remote)
            text = "The account or its password is wrong."
            return self._page(
                "login.html", 403, error=text, then=form.get("then", ""), account=account
            )
        self._throttle.succeeded(remote)
        if session:
            self._sessions.end(session)
        logger.info("web.login: %s from %s", account, remote)
        then = form.get("then", "")
        home = "/admin/advanced" if account == "admin" else "/"
        return self._begin(ACCOUNTS[account], then if self._known_page(then) else home)

    async def first_use_form(self, request: web.Request, session: Session | None) -> web.Response:
        """Ask for the administrator's first password."""
        return self._page("first.html", error="") if self._first_use() else _see("/login")

    async def first_use(self, request: web.Request, session: Session | None) -> web.Response:
        """Set the administrator's first password."""
        if not self._first_use():
            return _see("/login")
        requests.check_literal_host(request)
        form = request["form"]
        wanted = {ADMIN_PASSWORD: Change(form.get("password", ""))}
        if form.get("again", "") != wanted[ADMIN_PASSWORD].text:
            return self._page("first.html", 422, error="The two passwords differ.")
        if refused := self._submit(wanted):
            return self._page("first.html", 422, error=f"The password {refused[0].reason}.")
        logger.warning("web.first_password_set: from %s", request.remote)
        return self._begin(Level.ADMIN, "/admin/advanced")

    # --- Whoever is logged in ---

    async def home(self, request: web.Request, session: Session) -> web.Response:
        """Lead to the first page of an account."""
        return _see("/info/status")

    async def status(self, request: web.Request, session: Session) -> web.Response:
        """Show what every feature says of itself."""
        shown = status.sections(self._world.statuses())
        return self._page("status.html", session=session, path=request.path, sections=shown)

    async def status_xml(self, request: web.Request, session: Session) -> web.Response:
        """Return the same for programs."""
        body = status.to_xml(status.sections(self._world.statuses()))
        return web.Response(body=body, content_type="text/xml", charset="utf-8")

    async def tab(self, request: web.Request, session: Session) -> web.Response:
        """Show one tab under Voice."""
        return self._tab(session, self._place(request, session))

    async def submit(self, request: web.Request, session: Session) -> web.Response:
        """Keep what was typed; then store all of it, undo all of it, or show another page."""
        place = self._place(request, session)
        form = request["form"]
        snapshot, shown = self._world.snapshot(), session.shown.get(place.name)
        session.draft = forms.kept(session.draft, form, snapshot, session.level, shown)
        wish = form.get("do", "submit")
        if wish == "undo":
            session.draft = forms.NOTHING
            session.notices.append("All changes that were not submitted are undone.")
        elif wish.startswith("go:"):
            return _see(wish[3:] if self._known_page(wish[3:]) else "/")
        elif session.draft.edits:
            return self._store(request, session, place)
        else:
            session.notices.append("Nothing was changed.")
        return _see(f"/voice/{place.name}")

    async def logout(self, request: web.Request, session: Session) -> web.Response:
        """End the session."""
        self._sessions.end(session)
        answer = _see("/login")
        answer.del_cookie(requests.cookie(self._plan().tls is not None), path="/")
        return answer

    # --- The administrator ---

    async def advanced(self, request: web.Request, session: Session) -> web.Response:
        """Lead to the administrator's first tab."""
        return _see("/voice/system")

    async def command(self, request: web.Request, session: Session) -> web.Response:
        """Give one of the page's commands."""
        name = request.match_info["command"]
        if name not in COMMANDS:
            raise RemoteProtocolError("There is no such command.", 404)
        try:
            await self._world.commands.run(name, {})
        except RingfenceError as error:
            return self._message(409, str(error), session=session)
        logger.info("web.command: %s from %s", name, request.remote)
        words, warning = COMMANDS[name]
        if warning:
            return self._message(200, f"{words}: it has begun.", session=session)
        session.notices.append(f"{words}: it has begun.")
        return _see("/info/status")

    # --- Parts ---

    def _knows(self, account: str, password: str) -> bool:
        """Return whether a password is right; an account without a password is closed."""
        made = self._plan()
        secrets = {"admin": made.admin_password, "user": made.user_password}
        if not made.admin_access:
            del secrets["admin"]
        right = secrets.get(account)
        expected = right.reveal() if right else ""
        return hmac.compare_digest(password.encode(), expected.encode()) and bool(expected)

    def _begin(self, level: Level, then: str) -> web.Response:
        session = self._sessions.begin(level, self._world.host.now())
        answer = _see(then)
        secure = self._plan().tls is not None
        answer.set_cookie(
            requests.cookie(secure),
            session.token,
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )
        return answer

    def _known_page(self, path: str) -> bool:
        """Return whether a path is a page of ours to lead to after a form."""
        return path in ("/", "/info/status", "/admin/advanced") or (
            path.startswith("/voice/") and path[7:] in forms.PLACES
        )

    def _place(self, request: web.Request, session: Session) -> forms.Place:
        place = forms.PLACES.get(request.match_info["place"])
        if place is None or place not in forms.places(self._world.snapshot(), session.level):
            raise RemoteProtocolError("There is no such page.", 404)
        return place

    def _store(self, request: web.Request, session: Session, place: forms.Place) -> web.Response:
        before = self._plan()
        changed = {tag: Change(text) for tag, text in session.draft.edits.items()}
        try:
            refused = self._submit(changed)
        except ComponentError as error:
            return self._message(500, f"Nothing was stored. {error}", session=session)
        if refused:
            errors = {error.parameter: error.reason for error in refused}
            session.draft = forms.Draft(session.draft.edits, errors)
            shown = [forms.place_of(tag) for tag in errors]
            return self._tab(session, place if place in shown else shown[0], 422)
        session.draft = forms.NOTHING
        logger.info("web.submitted: %d parameters from %s", len(changed), request.remote)
        for level in {PASSWORDS[tag] for tag in changed if tag in PASSWORDS}:
            self._sessions.end_all(level, but=session)
        if moved := self._moved(request, before):
            return moved
        for effect, titles in forms.effects(changed).items():
            session.notices.append(f"Stored, takes effect {effect.value}: {', '.join(titles)}.")
        session.notices += forms.doubts(changed)
        return _see(f"/voice/{place.name}")

    def _submit(self, wanted: Mapping[str, Change]) -> list[ConfigError]:
        if refused := forms.weak_passwords(wanted):
            return refused + validate(self._world.snapshot(), wanted, Origin.PAGE)[1]
        return self._world.submit(wanted, Origin.PAGE, whole=True)

    def _moved(self, request: web.Request, before: WebPlan) -> web.Response | None:
        """Return the last page that this address shows, where the page moves elsewhere."""
        after = plan(self._world.snapshot().settings, self._world.facts()).plans.get("")
        if after is None:
            return self._message(200, "Stored. The phone serves no page from now on.")
        if (after.port, after.url_scheme) == (before.port, before.url_scheme):
            return None
        url = f"{after.url_scheme}://{requests.host_name(request)}:{after.port}/"
        return self._message(200, "Stored. The page moves; continue at its new address.", link=url)

    def _tab(self, session: Session, place: forms.Place, code: int = 200) -> web.Response:
        snapshot = self._world.snapshot()
        session.shown[place.name] = snapshot
        firmware = self._world.facts().identity.firmware
        return self._page(
            "settings.html",
            code,
            session=session,
            path=f"/voice/{place.name}",
            tab=forms.tab(snapshot, place, session.level, session.draft, firmware),
            errors=[(forms.title(tag), tag, why) for tag, why in session.draft.errors.items()],
        )

    def _message(
        self,
        code: int,
        text: str,
        *,
        session: Session | None = None,
        link: str = "",
        login: str | None = None,
    ) -> web.Response:
        """Return a page that says one thing; `login` offers to log in, as the account named."""
        return self._page(
            "message.html", code, session=session, path="", text=text, link=link, login=login
        )

    def _page(
        self, template: str, code: int = 200, *, session: Session | None = None, **context: Any
    ) -> web.Response:
        identity = self._world.facts().identity
        if session:
            context["voice"] = forms.places(self._world.snapshot(), session.level)
            context["commands"] = COMMANDS if session.level is Level.ADMIN else {}
            context["notices"], session.notices = session.notices, []
        text = self._templates.get_template(template).render(
            identity=identity, session=session, code=code, **context
        )
        return web.Response(status=code, text=text, content_type="text/html", charset="utf-8")


def _see(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
