"""Who may call a direct action URL: an administrator's session, HTTP Digest, and nobody else.

Source: phone-facts 2.10; RFC 7616; ADR 29.
"""

import hmac
import logging

from aiohttp import web

from ringfence.config.parameter import Level
from ringfence.errors import RemoteProtocolError
from ringfence.features.web import requests
from ringfence.features.web.plan import WebPlan
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View
from ringfence.policy.throttle import Throttle
from ringfence.protocols.sip.digest import Credentials, Guard, Nonces, Verdict
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

ACCOUNT = Level.ADMIN.value


class Callers:
    """Judges every request for a direct action URL before it is obeyed."""

    def __init__(self, world: World, throttle: Throttle, view: View) -> None:
        self._world = world
        self._throttle = throttle
        self._view = view
        self._nonces = Nonces(world.host.entropy(32))

    def refusal(self, request: web.Request, session: Session | None) -> web.Response | None:
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
        if wait := self._throttle.wait(request.remote or "", self._world.host.now()):
            text = f"Too many attempts. Try again in {wait:.0f} seconds."
            return requests.told_to_wait(requests.words(429, text), wait)
        if given:
            self._check_query(request, made, *given)
            return None
        if requests.is_browser(request):
            # It would repeat the credentials for whatever page asks it to.
            raise RemoteProtocolError("Log in first.", 401)
        return self._by_digest(request, made)

    def _check_query(self, request: web.Request, made: WebPlan, user: str, password: str) -> None:
        right = made.password(Level.ADMIN).reveal()
        same = hmac.compare_digest(password.encode(), right.encode())
        if not (right and same and user == ACCOUNT):
            self._fail(request, user)
            raise RemoteProtocolError("The account or its password is wrong.", 403)
        self._throttle.succeeded(request.remote or "")

    def _by_digest(self, request: web.Request, made: WebPlan) -> web.Response | None:
        identity, now = self._world.facts().identity, self._world.host.now()
        guard = Guard(
            f"{identity.product} {identity.mac}".encode(),
            Credentials(ACCOUNT, made.password(Level.ADMIN).reveal()),
            sha256=True,
        )
        given = request.headers.getall("Authorization", ())
        texts = [text.encode(errors="surrogateescape") for text in given]
        source = (request.remote or "").encode()
        verdict, target = guard.judge(texts, request.method.encode(), source, self._nonces, now)
        if verdict is Verdict.ACCEPTED:
            if target != request.raw_path.encode():
                raise RemoteProtocolError("The credentials are for another address.", 400)
            self._throttle.succeeded(request.remote or "")
            return None
        if verdict is Verdict.MALFORMED:
            raise RemoteProtocolError("The credentials cannot be read.", 400)
        if verdict is Verdict.REFUSED:
            self._fail(request, "digest")
        nonce = self._nonces.make(source, now)
        answer = requests.words(401, "Prove by HTTP Digest that you are the administrator.")
        for value in guard.challenges(nonce, stale=verdict is Verdict.STALE):
            answer.headers.add("WWW-Authenticate", value.decode())
        return answer

    def _fail(self, request: web.Request, who: str) -> None:
        self._throttle.failed(request.remote or "", self._world.host.now())
        logger.warning("web.action_refused: %s from %s", ascii(who[:20]), request.remote)


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
