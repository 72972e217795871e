"""The security agreement on media: which mechanisms the server named, and what repeats them.

Source: RFC 3329; draft-dawes-sipcore-mediasec-parameter; phone-facts 5.5.
"""

from collections.abc import Sequence

from msgspec import Struct

from ringfence.protocols.sip.grammar import parse_parameters
from ringfence.protocols.sip.message import Message

OPTION = b"mediasec"
MECHANISM = b"sdes-srtp"
"""The one mechanism of ours; others of a server are repeated, not used."""
OFFERED = MECHANISM + b";" + OPTION
LIST_LIMIT = 16
"""Most mechanisms of a server."""

RETRY_LIMIT = 2
"""Most 494 in a row that are answered with another list."""

Fields = Sequence[tuple[bytes, bytes]]


class Agreement(Struct, kw_only=True, eq=False, gc=False):
    """The client side of one line's agreement, from its first REGISTER on; nothing before."""

    initiates: bool = False
    """MediaSec Request: we begin. Otherwise the server may."""
    over_tls_only: bool = False
    required: bool = False
    """Calls must be secure: a server without media plane security is no server for us."""
    proxy_require: Sequence[bytes] = ()
    """Option tags that the line sends anyway."""
    server_list: tuple[bytes, ...] = ()
    """What the server named last, as it wrote it; empty without an agreement."""
    refusal: str = ""
    """Why the last response cannot be accepted; empty where it can."""
    _allowed: bool = False
    _offers: bool = False
    """Security-Client is sent: until a 494, that is."""
    _retries: int = 0
    """494 in a row to a REGISTER."""
    _call_retries: int = 0
    """494 to requests of calls since the last good REGISTER."""

    @property
    def secures_media(self) -> bool:
        """Whether the server named SDES, so that our calls ask for it."""
        return any(_is_of_media(value, MECHANISM) for value in self.server_list)

    @property
    def initiated_by(self) -> str:
        """Who began the agreement, `client` or `server`; empty without one."""
        return ("client" if self.initiates else "server") if self.server_list else ""

    def begin(self, transport: str) -> None:
        """Begin afresh over a transport, where one is used at all."""
        self._allowed = transport == "TLS" or not self.over_tls_only
        self._offers = self._allowed and self.initiates
        self._retries = 0
        self.server_list = ()
        self.refusal = ""

    def fields(self, method: bytes) -> Fields:
        """Return what a request outside or inside a dialog has to carry.

        ACK and CANCEL belong to a request that carried it.
        """
        if method in (b"ACK", b"CANCEL"):
            return []
        if not (self.server_list or self._offers or self.proxy_require):
            return ()
        verify = [(b"Security-Verify", value) for value in self.server_list]
        client = [(b"Security-Client", OFFERED)] if self._offers and method == b"REGISTER" else []
        tags = list(self.proxy_require)
        if not (verify or client):
            return [(b"Proxy-Require", b", ".join(tags))] if tags else []
        if OPTION not in map(bytes.lower, tags):
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
        server that does not know the option (420) is asked without it, unless calls must be
        secure: then the registration fails.
        """
        self.refusal = ""
        if not self._allowed:
            return False
        if message.status == 420:
            return self._drop(message)
        news = self._renew(_named(message))
        if message.status < 300:
            self._retries = self._call_retries = 0
        if message.status != 494:
            return False
        self._offers = False
        self._retries += 1
        return news and self._retries <= RETRY_LIMIT

    def receive_call_response(self, message: Message) -> bool:
        """Take a final response to a request of a call; return whether to send it again.

        It may come from whoever is called. So a 494 may bring another list that has our
        mechanism, but nothing here begins an agreement or ends one.
        """
        named = _named(message)
        ours = any(_is_of_media(value, MECHANISM) for value in named)
        if message.status != 494 or not (self.server_list and ours):
            return False
        self._call_retries += 1
        return self._call_retries <= RETRY_LIMIT and self._renew(named)

    def _renew(self, named: tuple[bytes, ...]) -> bool:
        """Take over a list; return whether it is another one."""
        if not named or named == self.server_list:
            return False
        self.server_list = named
        return True

    def _drop(self, message: Message) -> bool:
        unsupported = [word.strip().lower() for word in message.values(b"unsupported")]
        if OPTION not in unsupported or not (self._offers or self.server_list):
            return False
        if self.required:
            self.refusal = "the server has no media plane security, and secure calls are required"
            return False
        self._allowed = self._offers = False
        self.server_list = ()
        return True


def _named(message: Message) -> tuple[bytes, ...]:
    """Return the server's list, empty where it has nothing to do with media."""
    if not message.all(b"security-server"):
        return ()
    values = tuple(value for value in message.values(b"security-server") if value)
    known = any(_is_of_media(value) for value in values)
    return values if known and len(values) <= LIST_LIMIT else ()


def _is_of_media(value: bytes, mechanism: bytes = b"") -> bool:
    """Return whether an entry of a list is about media, and about one mechanism if asked."""
    name, _, parameters = value.partition(b";")
    of_media = OPTION in parse_parameters(b";" + parameters)
    return of_media and mechanism in (b"", name.strip().lower())
