"""The security agreement on media: which mechanisms the server named, and what repeats them.

Source: RFC 3329; draft-dawes-sipcore-mediasec-parameter; phone-facts 5.5.
"""

from collections.abc import Sequence

from ringfence.protocols.sip.grammar import parse_parameters
from ringfence.protocols.sip.message import Message

OPTION = b"mediasec"
OFFERED = b"sdes-srtp;mediasec"
"""The one mechanism of ours; others of a server are repeated, not used."""
LIST_LIMIT = 16
"""Most mechanisms of a server."""

RETRY_LIMIT = 2
"""Most 494 in a row that are answered with another list."""

Fields = Sequence[tuple[bytes, bytes]]


class Agreement:
    """The client side of one line's agreement, from its first REGISTER on."""

    def __init__(
        self, *, initiates: bool, over_tls_only: bool, proxy_require: Sequence[bytes] = ()
    ) -> None:
        self.server_list: tuple[bytes, ...] = ()
        """What the server named last, as it wrote it; empty without an agreement."""
        self._initiates = initiates
        """MediaSec Request: we begin. Otherwise the server may."""
        self._over_tls_only = over_tls_only
        self._proxy_require = tuple(proxy_require)
        """Option tags that the line sends anyway."""
        self._allowed = False
        self._offers = False
        """Security-Client is sent: until a 494, that is."""
        self._retries = 0

    @property
    def agreed(self) -> bool:
        """Whether both sides want media to be protected."""
        return bool(self.server_list)

    def begin(self, transport: str) -> None:
        """Begin afresh over a transport, where one is used at all."""
        self._allowed = transport == "TLS" or not self._over_tls_only
        self._offers = self._allowed and self._initiates
        self.server_list = ()

    def fields(self, method: bytes) -> Fields:
        """Return what a request outside or inside a dialog has to carry.

        ACK and CANCEL belong to a request that carried it.
        """
        verify = [(b"Security-Verify", value) for value in self.server_list]
        client = [(b"Security-Client", OFFERED)] if self._offers and method == b"REGISTER" else []
        tags = list(self._proxy_require)
        if not (verify or client) or method in (b"ACK", b"CANCEL"):
            return [(b"Proxy-Require", b", ".join(tags))] if tags else []
        if OPTION not in tags:
            tags.append(OPTION)
        return [
            *client,
            *verify,
            (b"Require", OPTION),
            (b"Proxy-Require", b", ".join(tags)),
        ]

    def receive_response(self, message: Message) -> bool:
        """Take a final response to a REGISTER; return whether it is worth sending it again.

        After 401 and 407 Security-Client stays, after 494 it does not (draft, section 6.1). A
        server that does not know the option is asked without it (420).
        """
        if not self._allowed:
            return False
        if message.status == 420:
            return self._drop(message)
        named = self._named(message)
        news = bool(named) and named != self.server_list
        if named:
            self.server_list = named
        if message.status < 300:
            self._retries = 0
        if message.status != 494:
            return False
        self._offers = False
        self._retries += 1
        return news and self._retries <= RETRY_LIMIT

    def _named(self, message: Message) -> tuple[bytes, ...]:
        """Return the server's list, empty where it has nothing to do with media."""
        values = tuple(value for value in message.values(b"security-server") if value)
        known = any(OPTION in parse_parameters(b";" + value) for value in values)
        return values if known and len(values) <= LIST_LIMIT else ()

    def _drop(self, message: Message) -> bool:
        unsupported = [word.strip().lower() for word in message.values(b"unsupported")]
        if OPTION not in unsupported or not (self._offers or self.server_list):
            return False
        self._allowed = self._offers = False
        self.server_list = ()
        return True
