"""One stream to a server: TLS, signing in, an address, then presence and messages. No I/O.

Source: RFC 6120, sections 4 to 7; RFC 6121.
"""

import base64
import binascii
from collections.abc import Iterator

from msgspec import Struct

from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.protocols.xml import Element, Limits, Reader
from ringfence.protocols.xmpp import stanzas
from ringfence.protocols.xmpp.scram import MECHANISMS, Scram
from ringfence.protocols.xmpp.stanzas import Contact, Message, Presence

LIMITS = Limits(size=64 << 10, elements=2000, depth=16)
"""Of one stanza."""
PLAIN = "PLAIN"
QUIET, LOST = 60.0, 30.0
"""Seconds of silence until the server is asked whether it is there, and until it is not."""
PROGRESS = 20.0
"""Seconds that signing in may take."""


class Login(Struct, frozen=True):
    """Who signs in, and where."""

    user: str
    domain: str
    password: str
    resource: str

    @property
    def jid(self) -> str:
        """Return the address without resource."""
        return f"{self.user}@{self.domain}"

    def __repr__(self) -> str:
        """Leave out the password."""
        return f"Login({self.jid})"


class StartTls(Struct, frozen=True):
    """The server waits for the handshake: whoever has made it calls `secured`."""


class Online(Struct, frozen=True):
    """Signed in and present."""

    jid: str
    mechanism: str


class Listed(Struct, frozen=True):
    """Somebody stands on the roster, or no longer does."""

    contact: Contact
    gone: bool = False


Event = StartTls | Online | Listed | Presence | Message


class Session:
    """The client's end of one stream."""

    def __init__(self, login: Login, nonce: str, now: float, *, secure: bool) -> None:
        """Begin a stream: in TLS already, or in clear, where nothing but TLS is asked for."""
        self._login = login
        self._nonce = nonce
        self._secure = secure
        self._sending: list[str] = []
        self._events: list[Event] = []
        self._scram: Scram | None = None
        self._mechanism = ""
        self._signed_in = False
        self._online = False
        self._pings = 0
        self._due = now + PROGRESS
        self._pinged = False
        self._reader = self._opened()

    def data_to_send(self) -> bytes:
        """Return what goes to the server now."""
        data = "".join(self._sending).encode()
        self._sending.clear()
        return data

    def next_event(self) -> Event | None:
        """Return what has happened; None where nothing has."""
        return self._events.pop(0) if self._events else None

    def get_timer(self) -> float:
        """Return when `handle_timer` is due, in monotonic seconds."""
        return self._due

    def handle_timer(self, now: float) -> None:
        """Ask a silent server whether it is there.

        Raises:
            RemoteProtocolError: it has not answered that, or has not let us in in time.

        """
        if now < self._due:
            return
        if not self._online:
            raise RemoteProtocolError(f"not signed in within {PROGRESS:g} s")
        if self._pinged:
            raise RemoteProtocolError(f"the server has not answered for {LOST:g} s")
        self._pings += 1
        self._pinged, self._due = True, now + LOST
        self._sending.append(stanzas.ping(self._login.domain, self._pings))

    def secured(self) -> None:
        """Go on after the handshake, with a new stream."""
        self._secure = True
        self._sending.clear()
        self._reader = self._opened()

    def receive_data(self, data: bytes, now: float) -> None:
        """Take what came; empty where the connection has ended.

        Raises:
            RemoteProtocolError: it breaks the protocol or exceeds a limit, or the server ends it.
            PolicyError: nothing goes on without TLS or a login that is good enough.

        """
        if not data:
            raise RemoteProtocolError("the server ended the connection")
        if self._online:
            self._pinged, self._due = False, now + QUIET
        reader = self._reader
        reader.receive(data)
        while (stanza := reader.next_item()) is not None:
            self._take(stanza, now)
            if reader is not self._reader:
                return  # nothing of the old stream counts in the new one
        if reader.ended:
            raise RemoteProtocolError("the server ended the stream")

    def _opened(self) -> Reader:
        self._sending.append(stanzas.header(self._login.domain))
        return Reader(LIMITS, level=2)

    def _take(self, stanza: Element, now: float) -> None:
        place = (stanza.space, stanza.name)
        if place == (stanzas.STREAM, "error"):
            what = next((one.name for one in stanza.children), "error")
            raise RemoteProtocolError(f"the server ended the stream: {what[:64]}")
        if self._online:
            self._events += self._heard(stanza)
        elif place == (stanzas.STREAM, "features"):
            self._offered(stanza)
        elif place == (stanzas.TLS, "proceed") and not self._secure:
            self._events.append(StartTls())
        elif stanza.space == stanzas.TLS:
            raise PolicyError("xmpp-no-tls", "the server refuses TLS", "let it do STARTTLS")
        elif stanza.space == stanzas.SASL:
            self._proving(stanza)
        elif stanza.name == "iq":
            self._bound(stanza, now)

    def _offered(self, features: Element) -> None:
        """Ask for the next thing: TLS, a login, an address."""
        if not self._secure:
            if features.child("starttls") is None:
                reason = "the server offers no TLS, and nothing is told in clear text"
                raise PolicyError("xmpp-no-tls", reason, "let it do STARTTLS, or use port 5223")
            self._sending.append(stanzas.starttls())
        elif not self._signed_in:
            self._sign_in(features)
        else:
            self._sending.append(stanzas.bind(self._login.resource))

    def _sign_in(self, features: Element) -> None:
        held = features.child("mechanisms")
        offered = {" ".join(one.text.split()) for one in held.children} if held else set()
        chosen = next((name for name in (*MECHANISMS, PLAIN) if name in offered), "")
        if not chosen:
            reason = "the server offers no login that is spoken here"
            raise PolicyError("xmpp-no-login", reason, "let it offer SCRAM-SHA-256")
        login, self._mechanism = self._login, chosen
        if chosen == PLAIN:
            first = f"\0{login.user}\0{login.password}".encode()
        else:
            self._scram = Scram(chosen, login.user, login.password, self._nonce)
            first = self._scram.first()
        self._sending.append(stanzas.auth(chosen, _encoded(first)))

    def _proving(self, stanza: Element) -> None:
        if not self._mechanism or self._signed_in:
            raise RemoteProtocolError("a login that nobody has begun")
        if stanza.name == "challenge" and self._scram:
            answer = self._scram.final(_decoded(stanza.text))
            self._sending.append(stanzas.response(_encoded(answer)))
        elif stanza.name == "success":
            if self._scram:
                self._scram.verify(_decoded(stanza.text))
            self._signed_in, self._scram = True, None
            self._reader = self._opened()
        elif stanza.name == "failure":
            what = next((one.name for one in stanza.children), "not-authorized")
            raise PolicyError("xmpp-login", f"the server refuses the login: {what[:64]}")
        else:
            raise RemoteProtocolError(f"<{stanza.name[:64]}> in the middle of a login")

    def _bound(self, stanza: Element, now: float) -> None:
        if not self._signed_in or stanza.attributes.get("id") != "bind":
            return
        held = stanza.child("bind")
        if stanza.attributes.get("type") != "result" or held is None:
            raise RemoteProtocolError("the server gives no address")
        self._online, self._due = True, now + QUIET
        jid = held.words("jid")[: stanzas.JID]
        self._events.append(Online(jid, self._mechanism))
        self._sending += (stanzas.roster(), stanzas.available())

    def _heard(self, stanza: Element) -> Iterator[Event]:
        """Yield what a stanza says, and answer what asks for an answer."""
        if stanza.name == "message":
            if (found := stanzas.message(stanza)) is not None:
                yield found
        elif stanza.name == "presence":
            if (shown := stanzas.presence(stanza)) is not None:
                yield shown
        elif stanza.name == "iq":
            kind, query = stanza.attributes.get("type"), stanza.child("query")
            own = stanzas.bare(stanza.attributes.get("from", "")) in (
                "",
                stanzas.bare(self._login.jid),
            )
            if query is not None and query.space == stanzas.ROSTER and own and kind != "get":
                for item in query.all("item"):
                    if (contact := stanzas.contact(item)) is not None:
                        yield Listed(contact, stanzas.removed(item))
            if kind in ("get", "set"):
                self._sending.append(stanzas.answer(stanza, own=own))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode() or "="


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("" if text.strip() == "=" else text.strip(), validate=True)
    except binascii.Error:
        raise RemoteProtocolError("a login that is not base64") from None
