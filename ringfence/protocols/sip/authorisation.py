"""The client side of digest authentication over a series of requests.

A digest lets who gets it guess the password at leisure, so it is given to those alone who should
know the password already. What holds them to that is the path and the realm: a challenge counts
only as the response to a request of ours (its branch is random) that came over the line's own
connection or from the address that the request went to; a registration answers any realm there,
because no parameter names it; a call answers only the realm that the registration proved and the
names of the line's own proxy, so that neither a callee nor a proxy behind ours can ask in a realm
of its own; a call that we took answers nothing. A callee who knows the line's realm and whose
challenge our proxy passes on still gets one, as with any digest of RFC 3261.

Source: RFC 3261 sections 22 and 26.3.2.4; RFC 7616 sections 3.6 and 5.8.
"""

from collections.abc import Callable

from msgspec import Struct

from ringfence.protocols.sip.digest import Challenge, Credentials, Use, answer, choose
from ringfence.protocols.sip.message import Message


class _Held(Struct, gc=False):
    """A challenge that was answered."""

    name: bytes
    """Header field of the answer."""
    challenge: Challenge
    count: int = 0
    """How often it was."""


class Authorisation(Struct, eq=False, gc=False):
    """Answers the challenges of one registration or call, and keeps them for its next request."""

    credentials: Credentials | None
    """None answers nothing."""
    entropy: Callable[[int], bytes]
    most: int
    """Most challenges answered for one request."""
    realms: frozenset[bytes] | None = None
    """Of challenges that are answered; None for any."""
    realm: bytes = b""
    """Of the challenge that was answered last."""
    _held: tuple[_Held, ...] = ()
    _answered: tuple[bytes, ...] = ()
    """Header fields that the present request has answers in."""
    _answers: int = 0

    def begin(self) -> None:
        """Count afresh: another request is about to be sent."""
        self._answered = ()
        self._answers = 0

    def receive_challenge(self, message: Message) -> str:
        """Take a 401 or 407; return why it cannot be answered, empty where `fields` does now."""
        proxy = message.status == 407
        name = b"Proxy-Authorization" if proxy else b"Authorization"
        texts = message.all(b"proxy-authenticate" if proxy else b"www-authenticate")
        if self.credentials is None:
            return "whoever calls us gets no password"
        challenge = choose(texts, self.realms)
        if challenge is None and choose(texts) is not None:
            return "challenged in a realm that is not the line's"
        if challenge is None:
            return "no digest challenge that can be answered"
        if name in self._answered and not challenge.stale:
            self._held = self._others(name)
            return "wrong user or password"
        if self._answers >= self.most:
            return "challenged too often"
        self._answers += 1
        self._answered = (*self._answered, name)
        self._held = (*self._others(name), _Held(name, challenge))
        self.realm = challenge.realm
        return ""

    def fields(self, method: bytes, uri: bytes) -> list[tuple[bytes, bytes]]:
        """Return the Authorization fields of a request, each use of a nonce counted."""
        fields: list[tuple[bytes, bytes]] = []
        if self.credentials is None:
            return fields
        for held in self._held:
            held.count += 1
            if held.challenge.qop:
                cnonce = self.entropy(8).hex().encode()
                use = Use(method, uri, b"%08x" % held.count, cnonce)
            else:
                use = Use(method, uri)
            fields.append((held.name, answer(held.challenge, self.credentials, use)))
        return fields

    def _others(self, name: bytes) -> tuple[_Held, ...]:
        return tuple(held for held in self._held if held.name != name) if self._held else ()
