"""The pages in front of the login."""

import logging
from collections.abc import Mapping
from importlib.resources.abc import Traversable

from aiohttp import web

from ringfence.config.codecs import Secret
from ringfence.config.parameter import Level
from ringfence.config.settings import ROWS
from ringfence.config.snapshot import Change
from ringfence.errors import RemoteProtocolError
from ringfence.features.web import requests
from ringfence.features.web.routes import is_page
from ringfence.features.web.sessions import Session, Sessions
from ringfence.features.web.submission import submit
from ringfence.features.web.view import HERE, View, see
from ringfence.messages import _
from ringfence.policy.throttle import Throttle
from ringfence.runtime.feature import World
from ringfence.runtime.seals import Checks

logger = logging.getLogger(__name__)

ACCOUNTS = {level.value: level for level in Level}
ADMIN_PASSWORD = ROWS["system"]["admin_password"].tag
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def served(folder: Traversable) -> Mapping[str, tuple[bytes, str]]:
    """Return the files of a folder that browsers get, `{name: (content, type)}`.

    What else lies there, such as the copy that an editor made, is served to nobody.
    """
    return {
        file.name: (file.read_bytes(), TYPES[ending])
        for file in folder.iterdir()
        if (ending := file.name.rpartition(".")[2]) in TYPES and file.is_file()
    }


class Entrance:
    """Login, logout, and the first password."""

    def __init__(
        self,
        world: World,
        sessions: Sessions,
        throttle: Throttle,
        view: View,
        checks: Checks,
    ) -> None:
        self._world = world
        self._checks = checks
        self._sessions = sessions
        self._throttle = throttle
        self._view = view
        self._static = served(HERE / "static")

    async def static(self, request: web.Request, session: Session | None) -> web.Response:
        """Return a file of the page's looks."""
        try:
            body, kind = self._static[request.match_info["file"]]
        except KeyError:
            raise RemoteProtocolError(_("There is no such page."), 404) from None
        return web.Response(body=body, content_type=kind, charset="utf-8")

    async def login_form(self, request: web.Request, session: Session | None) -> web.Response:
        """Ask who it is."""
        then = request.query.get("then", "")
        account = "user" if self._view.plan().user_password and "admin" not in then else "admin"
        return self._view.page(
            "login.html", error="", then=then, account=request.query.get("as", account)
        )

    async def login(self, request: web.Request, session: Session | None) -> web.Response:
        """Begin a session, or say no, slower and slower."""
        form, now, remote = request["form"], self._world.host.now(), request.remote or ""
        account, then = form.get("account", ""), form.get("then", "")
        again = {"then": then, "account": account}
        if wait := self._throttle.wait(remote, now):
            text = _("Too many attempts. Try again in {wait:.0f} seconds.", wait=wait)
            answer = self._view.page("login.html", 429, error=text, **again)
            return requests.told_to_wait(answer, wait)
        # Counted before it is looked at: whoever tries many at once gets no more tries by that.
        self._throttle.failed(remote, now)
        password = await self._known(account, form.get("password", ""))
        if not password:
            logger.warning("web.login_refused: %s from %s", ascii(account[:20]), remote)
            text = _("The account or its password is wrong.")
            return self._view.page("login.html", 403, error=text, **again)
        self._throttle.succeeded(remote)
        if session:
            self._sessions.end(session)
        logger.info("web.login: %s from %s", account, remote)
        home = "/admin/advanced" if account == "admin" else "/"
        return self._begin(request, ACCOUNTS[account], password, then if is_page(then) else home)

    async def logout(self, request: web.Request, session: Session) -> web.Response:
        """End the session."""
        self._sessions.end(session)
        answer = see("/login")
        answer.del_cookie(requests.cookie(request), path="/")
        return answer

    async def first_use_form(self, request: web.Request, session: Session | None) -> web.Response:
        """Ask for the administrator's first password."""
        return self._view.page("first.html", error="") if self._first_use() else see("/login")

    async def first_use(self, request: web.Request, session: Session | None) -> web.Response:
        """Set the administrator's first password.

        Raises:
            ComponentError: it could not be stored.

        """
        if not self._first_use():
            return see("/login")
        requests.check_literal_host(request)
        form = request["form"]
        password = form.get("password", "")
        if form.get("again", "") != password:
            return self._view.page("first.html", 422, error=_("The two passwords differ."))
        wanted = {ADMIN_PASSWORD: Change(password)}
        await self._world.prepare(wanted)
        if not self._first_use():  # somebody was quicker
            return see("/login")
        if refused := submit(self._world, wanted):
            return self._view.page(
                "first.html", 422, error=_("The password {reason}.", reason=refused[0].reason)
            )
        logger.warning("web.first_password_set: from %s", request.remote)
        kept = self._view.plan().password(Level.ADMIN)
        return self._begin(request, Level.ADMIN, kept, "/admin/advanced")

    def _first_use(self) -> bool:
        return self._view.plan().first_use

    async def _known(self, account: str, password: str) -> Secret:
        """Return what is kept of an account's password where `password` is it, else nothing.

        An account without a password is closed.
        """
        level = ACCOUNTS.get(account)
        right = self._view.plan().password(level) if level else Secret()
        return right if await self._checks.matches(right, password) else Secret()

    def _begin(
        self, request: web.Request, level: Level, password: Secret, then: str
    ) -> web.Response:
        session = self._sessions.begin(level, password, self._world.host.now())
        answer = see(then)
        answer.set_cookie(
            requests.cookie(request),
            session.token,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
            path="/",
        )
        return answer
