"""The client side of digest authentication over a series of requests.

Source: RFC 3261 section 22; RFC 7616 section 3.6.
"""

from collections.abc import Callable

from ringfence.protocols.sip.digest import Challenge, Credentials, Use, answer, choose
from ringfence.protocols.sip.message import Message


class Authorisation:
    """Answers the challenges of one registration or call, and keeps them for its next request."""

    def __init__(
        self, credentials: Credentials, entropy: Callable[[int], bytes], most: int
    ) -> None:
        self._credentials = credentials
        self._entropy = entropy
        self._most = most
        """Most challenges answered for one request."""
        self._held: dict[bytes, tuple[Challenge, int]] = {}
        """`{header field: challenge and how often it was answered}`."""
        self._answered: set[bytes] = set()
        self._answers = 0

    def begin(self) -> None:
        """Count afresh: another request is about to be sent."""
        self._answered.clear()
        self._answers = 0

    def receive_challenge(self, message: Message) -> str:
        """Take a 401 or 407; return why it cannot be answered, empty where `fields` does now."""
        proxy = message.status == 407
        name = b"Proxy-Authorization" if proxy else b"Authorization"
        challenge = choose(message.all(b"proxy-authenticate" if proxy else b"www-authenticate"))
        if challenge is None:
            return "no digest challenge that can be answered"
        if name in self._answered and not challenge.stale:
            self._held.pop(name, None)
            return "wrong user or password"
        if self._answers >= self._most:
            return "challenged too often"
        self._answers += 1
        self._answered.add(name)
        self._held[name] = (challenge, 0)
        return ""

    def fields(self, method: bytes, uri: bytes) -> list[tuple[bytes, bytes]]:
        """Return the Authorization fields of a request, each use of a nonce counted."""
        fields = []
        for name, (challenge, count) in self._held.items():
            self._held[name] = (challenge, count + 1)
            cnonce = self._entropy(8).hex().encode()
            use = Use(method, uri, b"%08x" % (count + 1), cnonce)
            fields.append((name, answer(challenge, self._credentials, use)))
        return fields
