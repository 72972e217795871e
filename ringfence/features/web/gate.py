"""Who gets through to which handler: every request is judged here, before anything answers it."""

import hmac
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.features.web import requests
from ringfence.features.web.callers import Callers
from ringfence.features.web.routes import ROUTES, Route, allows, is_page
from ringfence.features.web.sessions import Session, Sessions
from ringfence.features.web.view import View, see
from ringfence.messages import _
from ringfence.runtime.feature import World

BEFORE_FIRST_USE = ("static", "first_use_form", "first_use")

Handler = Callable[[web.Request, Session | None], Awaitable[web.StreamResponse]]


class Gate:
    """Lets requests in by the table of routes."""

    def __init__(self, world: World, sessions: Sessions, view: View, callers: Callers) -> None:
        self._world = world
        self._sessions = sessions
        self._view = view
        self._callers = callers

    def application(self, handlers: Mapping[str, Handler]) -> web.Application:
        """Return the application: every route of the table, and nothing else."""
        made = web.Application(client_max_size=requests.LARGEST_BODY)
        for route in ROUTES:
            made.router.add_route(route.method, route.path, self._door(route, handlers[route.name]))
        made.on_response_prepare.append(_harden)
        return made

    def _door(
        self, route: Route, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def enter(request: web.Request) -> web.StreamResponse:
            session = None
            self._view.meet(request)
            try:
                session = self.session(request, quiet=route.quiet)
                if refusal := await self._refusal(route, request, session):
                    return refusal
                return await handler(request, session)
            except RemoteProtocolError as refused:
                return self._sorry(route, refused.status_hint, refused.message, None)
            except ComponentError as error:
                return self._sorry(
                    route, 500, _("Nothing was stored. {error}", error=error.message), session
                )

        return enter

    def _sorry(self, route: Route, code: int, text: str, session: Session | None) -> web.Response:
        if route.program:
            return requests.words(code, text)
        return self._view.message(code, text, session=session)

    async def _refusal(
        self, route: Route, request: web.Request, session: Session | None
    ) -> web.Response | None:
        """Return the answer to a request that must not reach its handler."""
        if self._view.plan().first_use and route.name not in BEFORE_FIRST_USE:
            return see("/first-use")
        if route.direct:
            return await self._callers.refusal(request, session)
        if not allows(route, session.level if session else None):
            return self._stranger(route, request, session)
        if route.method == "POST":
            requests.check_origin(request)
            read = requests.form_with_files if route.files else requests.form
            request["form"] = form = await read(request)
            if session and route.level and not _same(form.get("csrf", ""), session.csrf):
                return self._view.message(403, _("This form is out of date. Nothing was stored."))
        return None

    def _stranger(
        self, route: Route, request: web.Request, session: Session | None
    ) -> web.Response:
        """Return what somebody gets who may not use a route."""
        if session:
            return self._view.message(403, _("This page is for the administrator."), login="admin")
        if route.program:
            return requests.words(401, "Log in first.")
        if route.method == "GET":
            return see(f"/login?then={request.path if is_page(request.path) else '/'}")
        return self._view.message(403, _("Your session has ended. Nothing was stored."), login="")

    def session(self, request: web.Request, *, quiet: bool = False) -> Session | None:
        """Return the session of a request; one whose password was changed since is over."""
        made, now = self._view.plan(), self._world.host.now()
        token = request.cookies.get(requests.cookie(request), "")
        session = self._sessions.find(token, now, made.idle, made.longest, quiet=quiet)
        if session and session.password != made.password(session.level):
            self._sessions.end(session)
            return None
        return session


def _same(sent: str, kept: str) -> bool:
    return hmac.compare_digest(sent.encode(), kept.encode())


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    requests.harden(response.headers, secure=request.secure)
