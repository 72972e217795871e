"""Who may call a direct action URL: an administrator's session, HTTP Digest, and nobody else.

Source: phone-facts 2.10; RFC 7616; ADR 29.
"""

import logging

from aiohttp import web

from ringfence.config.parameter import Level
from ringfence.errors import RemoteProtocolError
from ringfence.features.web import requests
from ringfence.features.web.digest import Digests, guard_of
from ringfence.features.web.plan import WebPlan
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View
from ringfence.runtime.seals import Checks

logger = logging.getLogger(__name__)

ACCOUNT = Level.ADMIN.value


class Callers:
    """Judges every request for a direct action URL before it is obeyed."""

    def __init__(self, digests: Digests, view: View, checks: Checks) -> None:
        self._digests = digests
        self._view = view
        self._checks = checks

    async def refusal(self, request: web.Request, session: Session | None) -> web.Response | None:
        """Return what a caller gets who may not; None lets the request in.

        Raises:
            RemoteProtocolError: the caller may not, and no credentials would help.

        """
        made = self._view.plan()
        if not made.direct_actions:
            raise RemoteProtocolError("Enable Direct Action Url is No.", 403)
        requests.check_origin(request)
        given = requests.query_credentials(request)
        if given and not made.query_credentials:
            text = "Credentials in an address end up in logs: use HTTP Digest, or a session."
            raise RemoteProtocolError(text, 403)
        if session and not given and "Authorization" not in request.headers:
            _check_session(request, session)
            return None
        if slowed := self._digests.wait(request):
            return slowed
        if given:
            await self._check_query(request, made, *given)
            return None
        if requests.is_browser(request):
            # It would repeat the credentials for whatever page asks it to.
            raise RemoteProtocolError("Log in first.", 401)
        guard = guard_of(ACCOUNT, made.password(Level.ADMIN))
        return self._digests.refusal(request, guard, "the administrator")

    async def _check_query(
        self, request: web.Request, made: WebPlan, user: str, password: str
    ) -> None:
        self._digests.tried(request)
        same = await self._checks.matches(made.password(Level.ADMIN), password)
        if not (same and user == ACCOUNT):
            logger.warning("web.action_refused: %s from %s", ascii(user[:20]), request.remote)
            raise RemoteProtocolError("The account or its password is wrong.", 403)
        self._digests.succeeded(request)


def _check_session(request: web.Request, session: Session) -> None:
    """Take an administrator's session where the request shows that no other site sent it."""
    if session.level is not Level.ADMIN:
        raise RemoteProtocolError("This address is for the administrator.", 403)
    if not requests.proves_origin(request):
        text = (
            "The browser does not say which site led it here (over HTTPS it does): "
            "use the buttons of the page, or HTTP Digest."
        )
        raise RemoteProtocolError(text, 403)
