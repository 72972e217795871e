"""Who proves by HTTP Digest who they are. Source: RFC 7616; ADR 29."""

import logging

from aiohttp import web

from ringfence.config.codecs import Secret
from ringfence.config.sealed import read
from ringfence.errors import RemoteProtocolError
from ringfence.features.web import requests
from ringfence.policy.throttle import Throttle
from ringfence.protocols.sip.digest import Credentials, Guard, Nonces, Verdict
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)


class Digests:
    """Judges the answers to challenges of ours; guessing is slowed down."""

    def __init__(self, world: World, throttle: Throttle) -> None:
        self._world = world
        self._throttle = throttle
        self._nonces = Nonces(world.host.entropy(32))

    def wait(self, request: web.Request) -> web.Response | None:
        """Return the answer to somebody who has guessed too often; None for everybody else."""
        wait = self._throttle.wait(request.remote or "", self._world.host.now())
        if not wait:
            return None
        text = f"Too many attempts. Try again in {wait:.0f} seconds."
        return requests.told_to_wait(requests.words(429, text), wait)

    def guard(self, credentials: Credentials) -> Guard:
        """Return who lets in whoever knows a password."""
        return Guard(self._world.facts().identity.realm.encode(), credentials, sha256=True)

    def refusal(self, request: web.Request, guard: Guard, whom: str) -> web.Response | None:
        """Return what somebody gets who has not proven to be `whom`; None lets the request in.

        Raises:
            RemoteProtocolError: the credentials cannot be read, or are for another request.

        """
        now = self._world.host.now()
        given = request.headers.getall("Authorization", ())
        texts = [text.encode(errors="surrogateescape") for text in given]
        source = (request.remote or "").encode()
        verdict, target = guard.judge(texts, request.method.encode(), source, self._nonces, now)
        if verdict is Verdict.ACCEPTED:
            if target != request.raw_path.encode():
                raise RemoteProtocolError("The credentials are for another address.", 400)
            self.succeeded(request)
            return None
        if verdict is Verdict.MALFORMED:
            raise RemoteProtocolError("The credentials cannot be read.", 400)
        if verdict is Verdict.REFUSED:
            self.tried(request)
            logger.warning("web.action_refused: digest from %s", request.remote)
        nonce = self._nonces.make(source, now)
        answer = requests.words(401, f"Prove by HTTP Digest that you are {whom}.")
        for value in guard.challenges(nonce, stale=verdict is Verdict.STALE):
            answer.headers.add("WWW-Authenticate", value.decode())
        return answer

    def succeeded(self, request: web.Request) -> None:
        """Forget what somebody has guessed before."""
        self._throttle.succeeded(request.remote or "")

    def tried(self, request: web.Request) -> None:
        """Count a guess, which `succeeded` takes back."""
        self._throttle.failed(request.remote or "", self._world.host.now())


def guard_of(account: str, password: Secret) -> Guard:
    """Return who lets in whoever knows the password of an account, of which only hashes are kept.

    Raises:
        RemoteProtocolError: those for HTTP Digest are not among them.

    """
    sealed = read(password.reveal())
    if sealed is None or not sealed.digests:
        text = "HTTP Digest was off when this account's password was set: set it again."
        raise RemoteProtocolError(text, 403)
    credentials = Credentials(account, "")
    return Guard(sealed.realm.encode(), credentials, sha256=True, hashes=sealed.digests)
