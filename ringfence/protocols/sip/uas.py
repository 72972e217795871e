"""The answering side: one request in, at most one response out, nothing remembered.

Source: RFC 3261 sections 8.2 and 8.2.7; phone-facts 2.10; rulings 16 and 17.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.capabilities import (
    ACCEPT,
    ALLOW,
    FOREIGN,
    IN_DIALOG,
    METHODS,
    has_foreign_body,
    takes_sdp,
    unsupported,
)
from ringfence.protocols.sip.challenge import FastChallenge
from ringfence.protocols.sip.digest import Guard, Nonces, Verdict
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.grammar import parse_uri
from ringfence.protocols.sip.message import Message, check_request, read_message
from ringfence.protocols.sip.notify import ALLOW_EVENTS, SUMMARY, Notices, command_of
from ringfence.protocols.sip.response import (
    REASONS,
    Reply,
    Source,
    build_response,
    is_tagged,
    stamp,
)
from ringfence.protocols.sip.session_timer import MIN_SE

if TYPE_CHECKING:
    from ringfence.protocols.sip.summary import Summary

AMPLIFICATION = 2
"""Most response bytes for each request byte that an unknown source gets."""
UNKNOWN_TOTAL = 1000
"""Responses in a second to all unknown sources together."""
UNKNOWN_EACH = 200
"""Responses in a second to one unknown source."""
UNFIT = "credentials that are late, seen before, of another realm or from another address"
"""Why a request that brings credentials is challenged all the same."""

_JUDGED = (b"INVITE", b"NOTIFY", b"REFER")
_TOLD = frozenset((400, 401, 403, 404, 416, 481, 489))
"""Statuses of an INVITE or NOTIFY that may have been an attack."""
_COMPLETE = (b"via", b"from", b"to", b"call-id", b"cseq", b"max-forwards")
Fields = list[tuple[bytes, bytes]]


class Taker(Protocol):
    """Where requests go that passed every check."""

    def take(self, asked: Asked, now: float) -> bool:
        """Take a request of a call that there is; False for none."""
        ...

    def begin(self, user: str, asked: Asked, source: Source, now: float) -> int:
        """Begin the call of an INVITE; return 0, or the status that refuses it."""
        ...

    def notice(self, command: str) -> None:
        """Do what a NOTIFY asks for."""
        ...

    def messages(self, user: str, summary: "Summary") -> None:
        """Hear how many messages wait for a user."""
        ...

    def refused(self, words: str) -> None:
        """Hear of a request that was not let in: what it was, from where, and why not."""
        ...


class Served(Struct, frozen=True):
    """What a line lets in, and from whom."""

    invite: Guard | None = None
    """Challenges the initial INVITE; None where it passes unchallenged."""
    notify: Guard | None = None
    """Challenges a NOTIFY that asks for something; None where it passes unchallenged."""
    reliable: bool = False
    """The line acknowledges provisional responses (RFC 3262)."""
    resyncs: bool = True
    """A NOTIFY may ask for a resync."""


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

    Source: rulings 17.
    """

    def __init__(self, key: bytes, allowance: Allowance | None = None) -> None:
        self.calls: Taker | None = None
        """None while there can be no calls."""
        self.server = b""
        """Header Server; only a known source learns it, when it asks with OPTIONS."""
        self.proxies_only = False
        """Hear nothing from strangers but the requests of calls (Block Nonproxy SIP)."""
        self._lines: Mapping[str, Served] = {}
        self._guards: Mapping[str, Guard | None] = {}
        self._key = key[:32]
        """Makes our tags and nonces."""
        self._nonces = Nonces(self._key)
        self._fast = FastChallenge(self._key, self._nonces)
        self._allowance = allowance or Allowance()
        self._notices = Notices()

    @property
    def lines(self) -> Mapping[str, Served]:
        """The lines by the user part of the Request-URI, replaced as they come and go."""
        return self._lines

    @lines.setter
    def lines(self, lines: Mapping[str, Served]) -> None:
        self._lines = lines
        self._guards = {user: line.invite for user, line in lines.items()}

    def receive(self, data: bytes, source: Source, now: float) -> Reply | None:
        """Return what to answer to one request; None is silence.

        An unknown source gets nothing that would serve a reflection attack: no answer to an
        incomplete request, none longer than twice the request, and not too many.
        """
        blocked = self.proxies_only and not source.known
        if not blocked and (reply := self._fast.reply(data, source, now, self._guards.get)):
            return self._let_out(reply, data, source, now)
        return self.receive_fully(data, source, now)

    def receive_fully(self, data: bytes, source: Source, now: float) -> Reply | None:
        """Do what `receive` does without the short way; the oracle of its tests."""
        blocked = self.proxies_only and not source.known
        try:
            message = read_message(data)
            acks = b"ACK" in (message.method, *message.first(b"cseq").upper().split()[-1:])
            if message.status or (acks and not self.calls):
                return None
            via, port = stamp(message.first(b"via"), source)
        except RemoteProtocolError:
            return None
        if not (source.known or _complete(message)):
            return None
        asked = Asked(message, via, Source(source.address, port, source.known, source.reliable))
        try:
            user = check_request(message).user
            if (self.calls and self.calls.take(asked, now)) or acks:
                return None
            if blocked:
                return None
            if held := self._notices.again(asked, now):
                return self._let_out(held, data, source, now)
            (status, fields), why = self._judge(asked, user, source, now), ""
        except RemoteProtocolError as error:
            status, why = error.status_hint, str(error)
            fields = [MIN_SE] if status == 422 else []
        if acks or blocked or not status:
            return None
        self._tell(message, source, status, why)
        reply = Reply(build_response(message, via, self._key, status, fields), port)
        if message.method == b"NOTIFY" and status == 200:
            self._notices.remember(asked, reply, now)
        return self._let_out(reply, data, source, now)

    def _tell(self, message: Message, source: Source, status: int, why: str) -> None:
        """Tell of a request that was not let in, unless it merely came without credentials."""
        claims = status != 401 or message.first(b"authorization")
        if self.calls and message.method in _JUDGED and status in _TOLD and claims:
            why = why or (UNFIT if status == 401 else REASONS[status].decode())
            words = f"{message.method.decode()} from {source.address}: {status}, {why}"
            self.calls.refused(words)

    def _let_out(self, reply: Reply, data: bytes, source: Source, now: float) -> Reply | None:
        if source.known:
            return reply
        if len(reply.data) > AMPLIFICATION * len(data):
            return None
        return reply if self._allowance.take(source.address, now) else None

    def _judge(self, asked: Asked, user: str, source: Source, now: float) -> tuple[int, Fields]:
        """Return status and further header fields for a well-formed request; 0 for no answer."""
        message, method = asked.message, asked.message.method
        if method not in METHODS:
            return (405 if method in FOREIGN else 501), [ALLOW]
        if method in IN_DIALOG or is_tagged(message.first(b"to")):
            return 481, []
        line = self._lines.get(user)
        if line is None and (user or method != b"OPTIONS"):
            return 404, []
        line = line or Served()
        if method == b"NOTIFY":
            return self._judge_notify(line, user, message, source, now)
        if method == b"INVITE" and line.invite:
            status, fields = self._authorise(line.invite, user, message, source, now)
            if status:
                return status, fields
        return self._serve(line, user, asked, source, now)

    def _serve(
        self, line: Served, user: str, asked: Asked, source: Source, now: float
    ) -> tuple[int, Fields]:
        """Answer an OPTIONS, or begin the call of an INVITE that may come in."""
        message = asked.message
        if unknown := unsupported(message, reliable=line.reliable):
            return 420, [(b"Unsupported", b", ".join(unknown))]
        if message.method == b"OPTIONS":
            server = [(b"Server", self.server)] if self.server and source.known else []
            return 200, [ALLOW, ACCEPT, *server]
        if has_foreign_body(message):
            return 415, [ACCEPT]
        if not takes_sdp(message):
            return 406, []
        return (self.calls.begin(user, asked, source, now) if self.calls else 480), []

    def _judge_notify(
        self, line: Served, user: str, message: Message, source: Source, now: float
    ) -> tuple[int, Fields]:
        """Do what a NOTIFY asks for, if it may. Source: phone-facts 2.10."""
        command = command_of(message)
        if not command:
            return 489, [ALLOW_EVENTS]
        if command == SUMMARY:
            return self._judge_summary(user, message, source), []
        if line.notify:
            status, fields = self._authorise(line.notify, user, message, source, now)
            if status:
                return status, fields
        if unknown := unsupported(message, reliable=False):
            return 420, [(b"Unsupported", b", ".join(unknown))]
        if command == "resync" and not line.resyncs:
            return 403, []
        if self.calls is None:
            return 480, []
        self.calls.notice(command)
        return 200, []

    def _judge_summary(self, user: str, message: Message, source: Source) -> int:
        """Take what a proxy of the line tells of its mailbox; nobody else is believed.

        Raises:
            RemoteProtocolError: it tells nothing.

        """
        if not source.known:
            return 403
        if self.calls is None:
            return 480
        from ringfence.protocols.sip.summary import read_summary  # most lines have no mailbox

        self.calls.messages(user, read_summary(message))
        return 200

    def _authorise(
        self, guard: Guard, user: str, message: Message, source: Source, now: float
    ) -> tuple[int, Fields]:
        """Return status 0 for a request with right credentials, else a challenge.

        The digest-uri may differ from the Request-URI, which proxies rewrite, but must not name
        another user. Source: RFC 3261 section 22.4, item 7.

        Raises:
            RemoteProtocolError: its credentials are malformed (400) or wrong (403).

        """
        address = source.address.encode()
        texts = message.all(b"authorization")
        verdict, named = guard.judge(texts, message.method, address, self._nonces, now)
        if verdict is Verdict.ACCEPTED:
            if parse_uri(named).user in ("", user):
                return 0, []
            raise RemoteProtocolError("credentials for another user")
        if verdict is Verdict.MALFORMED:
            raise RemoteProtocolError("malformed credentials")
        if verdict is Verdict.REFUSED:
            raise RemoteProtocolError("wrong user or password", 403)
        nonce = self._nonces.make(address, now)
        values = guard.challenges(nonce, stale=verdict is Verdict.STALE)
        return 401, [(b"WWW-Authenticate", value) for value in values]


def _complete(message: Message) -> bool:
    contact = message.method != b"INVITE" or message.first(b"contact")
    return bool(contact and all(message.first(name) for name in _COMPLETE))
