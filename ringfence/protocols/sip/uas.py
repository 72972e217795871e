"""The answering side: one request in, at most one response out, nothing remembered.

Source: RFC 3261 sections 8.2 and 8.2.7; rulings 16 and 17.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.agreement import OPTION as MEDIASEC
from ringfence.protocols.sip.challenge import FastChallenge
from ringfence.protocols.sip.digest import Guard, Nonces, Verdict
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.grammar import parse_uri
from ringfence.protocols.sip.message import Message, check_request, read_message
from ringfence.protocols.sip.response import (
    Reply,
    Source,
    build_response,
    is_tagged,
    stamp,
)

ALLOW = b"INVITE, ACK, CANCEL, BYE, OPTIONS"
KNOWN = frozenset(b"INFO MESSAGE NOTIFY PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE".split())
"""Methods of the field that are understood but not allowed here (405); others get 501."""

AMPLIFICATION = 2
"""Most response bytes for each request byte that an unknown source gets."""
UNKNOWN_TOTAL = 1000
"""Responses in a second to all unknown sources together."""
UNKNOWN_EACH = 200
"""Responses in a second to one unknown source."""

_COMPLETE = (b"via", b"from", b"to", b"call-id", b"cseq", b"max-forwards")
Fields = list[tuple[bytes, bytes]]


class Taker(Protocol):
    """Where requests go that concern a call."""

    def take(self, asked: Asked, source: Source, now: float) -> bool:
        """Take a request of a call that there is; False for none."""
        ...

    def begin(self, user: str, asked: Asked, source: Source, now: float) -> int:
        """Begin the call of an INVITE that passed every check; return 0, or what refuses it."""
        ...


class Allowance(Struct):
    """How many responses unknown sources may still cause in the present second."""

    total: int = UNKNOWN_TOTAL
    each: int = UNKNOWN_EACH
    _second: int = -1
    _spent: int = 0
    _by_source: dict[str, int] = {}

    def take(self, address: str, now: float) -> bool:
        """Return whether one more response to `address` is allowed, and count it."""
        if int(now) != self._second:
            self._second, self._spent = int(now), 0
            self._by_source.clear()
        spent = self._by_source.get(address, 0)
        if self._spent >= self.total or spent >= self.each:
            return False
        self._spent += 1
        self._by_source[address] = spent + 1
        return True


class UserAgentServer:
    """Answers requests for the lines that share a port or a connection.

    `lines` maps the user part of the Request-URI to the guard of its line, None where an INVITE
    passes unchallenged; the caller replaces it as lines come and go. Source: rulings 17.
    """

    def __init__(self, key: bytes, allowance: Allowance | None = None) -> None:
        self.lines: Mapping[str, Guard | None] = {}
        self.calls: Taker | None = None
        """None while there can be no calls."""
        self.server = b""
        """Header Server; only a known source learns it, when it asks with OPTIONS."""
        self.key = key[:32]
        """Makes our tags and nonces."""
        self._nonces = Nonces(self.key)
        self._fast = FastChallenge(self.key, self._nonces)
        self._allowance = allowance or Allowance()

    def receive(self, data: bytes, source: Source, now: float) -> Reply | None:
        """Return what to answer to one request; None is silence.

        An unknown source gets nothing that would serve a reflection attack: no answer to an
        incomplete request, none longer than twice the request, and not too many.
        """
        if reply := self._fast.reply(data, source, now, self.lines.get):
            return self._let_out(reply, data, source, now)
        return self.receive_fully(data, source, now)

    def receive_fully(self, data: bytes, source: Source, now: float) -> Reply | None:
        """Do what `receive` does without the short way; the oracle of its tests."""
        try:
            message = read_message(data)
            acks = b"ACK" in (message.method, message.first(b"cseq")[-3:].upper())
            if message.status or (acks and not self.calls):
                return None
            via, port = stamp(message.first(b"via"), source)
        except RemoteProtocolError:
            return None
        if not (source.known or _complete(message)):
            return None
        asked = Asked(message, via, port, source.reliable)
        try:
            user = check_request(message).user
            if (self.calls and self.calls.take(asked, source, now)) or acks:
                return None
            status, fields = self._judge(asked, user, source, now)
        except RemoteProtocolError as error:
            status, fields = error.status_hint, []
        if acks or not status:
            return None
        answer = build_response(message, via, self.key, status, fields)
        return self._let_out(Reply(answer, port), data, source, now)

    def _let_out(self, reply: Reply, data: bytes, source: Source, now: float) -> Reply | None:
        if source.known:
            return reply
        if len(reply.data) > AMPLIFICATION * len(data):
            return None
        return reply if self._allowance.take(source.address, now) else None

    def _judge(self, asked: Asked, user: str, source: Source, now: float) -> tuple[int, Fields]:
        """Return status and further header fields for a well-formed request; 0 for no answer."""
        message, method = asked.message, asked.message.method
        if method not in (b"INVITE", b"CANCEL", b"BYE", b"OPTIONS"):
            return (405 if method in KNOWN else 501), [(b"Allow", ALLOW)]
        if method in (b"CANCEL", b"BYE") or is_tagged(message.first(b"to")):
            return 481, []
        if user not in self.lines and (user or method != b"OPTIONS"):
            return 404, []
        if method == b"INVITE" and (guard := self.lines[user]):
            status, fields = self._authorise(guard, user, message, source, now)
            if status:
                return status, fields
        if unknown := [tag for tag in message.values(b"require") if tag.lower() != MEDIASEC]:
            return 420, [(b"Unsupported", b", ".join(unknown))]
        if method == b"OPTIONS":
            fields = [(b"Allow", ALLOW), (b"Accept", b"application/sdp")]
            return 200, [
                *fields,
                (b"Server", self.server),
            ] if self.server and source.known else fields
        if _foreign_body(message):
            return 415, [(b"Accept", b"application/sdp")]
        return (self.calls.begin(user, asked, source, now) if self.calls else 480), []

    def _authorise(
        self, guard: Guard, user: str, message: Message, source: Source, now: float
    ) -> tuple[int, Fields]:
        """Return status 0 for an INVITE with right credentials, else what to answer.

        The digest-uri may differ from the Request-URI, which proxies rewrite, but must not name
        another user. Source: RFC 3261 section 22.4, item 7.
        """
        address = source.address.encode()
        texts = message.all(b"authorization")
        verdict, named = guard.judge(texts, message.method, address, self._nonces, now)
        if verdict is Verdict.ACCEPTED:
            return (0 if parse_uri(named).user in ("", user) else 400), []
        if verdict in (Verdict.MALFORMED, Verdict.REFUSED):
            return (400 if verdict is Verdict.MALFORMED else 403), []
        nonce = self._nonces.make(address, now)
        values = guard.challenges(nonce, stale=verdict is Verdict.STALE)
        return 401, [(b"WWW-Authenticate", value) for value in values]


def _complete(message: Message) -> bool:
    contact = message.method != b"INVITE" or message.first(b"contact")
    return bool(contact and all(message.first(name) for name in _COMPLETE))


def _foreign_body(message: Message) -> bool:
    kind = message.first(b"content-type").partition(b";")[0].strip().lower()
    return bool(message.body and kind and kind not in (b"application/sdp", b"multipart/mixed"))
