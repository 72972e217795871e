"""One registration: REGISTER, digest, refresh, retry and unregister, without socket or clock.

Source: RFC 3261 section 10.2; phone-facts 1.3 (Reg_Retry_*, Reg_Min_Expires, Reg_Max_Expires).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.digest import Challenge, Credentials, Use, answer, choose
from ringfence.protocols.sip.grammar import escape_user, parse_address, parse_uri, parse_via, quote
from ringfence.protocols.sip.message import Message, build_message
from ringfence.protocols.sip.transaction import BRANCH_MAGIC, ClientTransaction, Timers

RETRY_AFTER_LIMIT = 3600.0
"""Most seconds that a server's Retry-After makes us wait."""
_TEMPORARY = ("408", "5??")
"""Status codes retried at the short interval while Retry Reg RSC is empty."""


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed registration is tried again, in seconds. Source: phone-facts 1.3."""

    short: float = 30.0
    """After no answer, a lost connection, or a status in `codes`."""
    long: float = 1200.0
    """After any other refusal; 0 gives up."""
    short_random: float = 0.0
    long_random: float = 0.0
    cap: float = 0.0
    """The short interval doubles up to this; 0 keeps it as it is."""
    codes: tuple[str, ...] = ()
    """Status codes, `?` for any digit."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who registers, and where."""

    user: str
    credentials: Credentials
    registrar: str
    """Host of the Request-URI, with a port where one is configured."""
    display_name: str = ""
    route: str = ""
    """Outbound proxy as `host:port`, empty for none."""
    user_agent: str = ""
    expires: int = 3600
    min_expires: int = 1
    max_expires: int = 7200
    max_auth: int = 2
    """Most challenges answered for one REGISTER."""
    timers: Timers = field(default_factory=Timers)
    retry: Retry = field(default_factory=Retry)


@dataclass(frozen=True, slots=True)
class Flow:
    """How messages travel: the transport and our end of it."""

    transport: str
    """UDP, TCP or TLS."""
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar holds our contact for so many seconds."""

    expires: float


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The registrar was asked to forget us, and answered or did not."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A REGISTER failed."""

    status: int
    """The registrar's answer; 0 for none."""
    reason: str
    retry: float | None
    """Seconds until the next attempt; None for never."""


Event = Registered | Unregistered | Failed


class Registration:
    """The client side of one registration."""

    def __init__(self, account: Account, entropy: Callable[[int], bytes]) -> None:
        self.registered = False
        self.call_id = entropy(12).hex().encode()
        self._account = account
        self._entropy = entropy
        self._tag = entropy(6).hex().encode()
        self._flow: Flow | None = None
        self._cseq = 0
        self._branch = b""
        self._expires = account.expires
        """Seconds to ask for; 0 while unregistering."""
        self._wanted = account.expires
        self._transaction: ClientTransaction | None = None
        self._digests: dict[bytes, tuple[Challenge, int]] = {}
        """`{header field: challenge and how often it was answered}`, kept for the next REGISTER."""
        self._answered: set[bytes] = set()
        self._answers = 0
        self._failures = 0
        self._next: float | None = None
        self._ends: float | None = None
        self._to_send: list[bytes] = []
        self._events: deque[Event] = deque()

    def register(self, flow: Flow, now: float) -> None:
        """Register over a flow, at once."""
        self._flow = flow
        self._wanted = self._wanted or self._account.expires
        self._begin(now)

    def unregister(self, now: float) -> None:
        """Ask the registrar to forget us; `Unregistered` follows in any case."""
        self._next = self._ends = None
        if not self.registered or self._flow is None:
            self._transaction = None
            self._events.append(Unregistered())
            return
        self._wanted = 0
        self._begin(now)

    def lose_flow(self, reason: str, now: float) -> None:
        """Note that the connection is gone, and with it the registration.

        `Failed` says when to call `register` with the next flow.
        """
        self._flow = None
        self.registered = False
        self._ends = None
        self._fail(0, reason, now)
        self._next = None

    def receive_response(self, message: Message, now: float) -> bool:
        """Take a response that passed `check_response`; False where it is none of ours."""
        if self._transaction is None or not self._is_ours(message):
            return False
        if message.status < 200:
            self._transaction.receive_provisional(now)
            return True
        self._transaction = None
        if message.status < 300:
            self._accepted(message, now)
        elif message.status in (401, 407):
            self._challenged(message, now)
        elif message.status == 423 and self._lengthen(message):
            self._begin(now)
        else:
            reason = message.reason.decode(errors="replace")[:80]
            self._fail(message.status, reason, now, _seconds(message, b"retry-after") or 0)
        return True

    def messages_to_send(self) -> list[bytes]:
        """Return what must go out now, and forget it."""
        due, self._to_send = self._to_send, []
        if self._transaction:
            due += self._transaction.messages_to_send()
        return due

    def get_timer(self) -> float | None:
        """Return when `handle_timer` must be called; None while there is nothing to wait for."""
        times = [self._next, self._ends]
        if self._transaction:
            times.append(self._transaction.get_timer())
        return min((time for time in times if time is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Retransmit, refresh, retry or expire, whatever is due."""
        if self._ends is not None and now >= self._ends:
            self._ends = None
            self.registered = False
        if self._transaction:
            self._transaction.handle_timer(now)
            if self._transaction.timed_out:
                self._transaction = None
                self._fail(0, "no answer", now)
        elif self._next is not None and now >= self._next and self._flow:
            self._begin(now)

    def next_event(self) -> Event | None:
        """Return the next thing that happened, None when there is none."""
        return self._events.popleft() if self._events else None

    def _begin(self, now: float) -> None:
        self._answered.clear()
        self._answers = 0
        self._next = None
        self._send(now)

    def _send(self, now: float) -> None:
        if self._flow is None:
            return
        self._cseq += 1
        self._branch = BRANCH_MAGIC + self._entropy(10).hex().encode()
        reliable = self._flow.transport != "UDP"
        request = self._build(self._flow)
        self._transaction = ClientTransaction(
            request, reliable=reliable, timers=self._account.timers, now=now
        )

    def _build(self, flow: Flow) -> bytes:
        account = self._account
        host = f"[{flow.host}]" if ":" in flow.host else flow.host
        place = f"{host}:{flow.port}"
        uri = f"sip:{account.registrar}".encode()
        ours = f"<sip:{escape_user(account.user)}@{account.registrar}>".encode()
        name = quote(account.display_name) + b" " if account.display_name else b""
        via = b"SIP/2.0/%b %b;branch=%b;rport" % (
            flow.transport.encode(),
            place.encode(),
            self._branch,
        )
        fields = [
            (b"Via", via),
            (b"Max-Forwards", b"70"),
            (b"From", b"%b%b;tag=%b" % (name, ours, self._tag)),
            (b"To", ours),
            (b"Call-ID", self.call_id),
            (b"CSeq", b"%d REGISTER" % self._cseq),
            (b"Contact", self._contact(flow, place)),
            (b"Expires", b"%d" % self._wanted),
        ]
        if account.route:
            fields.append((b"Route", f"<sip:{account.route};lr>".encode()))
        fields += self._credentials(uri)
        if account.user_agent:
            fields.append((b"User-Agent", account.user_agent.encode()))
        return build_message(b"REGISTER %b SIP/2.0" % uri, fields)

    def _contact(self, flow: Flow, place: str) -> bytes:
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        uri = f"sip:{escape_user(self._account.user)}@{place}{transport}"
        return b"<%b>;expires=%d" % (uri.encode(), self._wanted)

    def _credentials(self, uri: bytes) -> list[tuple[bytes, bytes]]:
        fields = []
        for name, (challenge, count) in self._digests.items():
            self._digests[name] = (challenge, count + 1)
            cnonce = self._entropy(8).hex().encode()
            use = Use(b"REGISTER", uri, b"%08x" % (count + 1), cnonce)
            fields.append((name, answer(challenge, self._account.credentials, use)))
        return fields

    def _is_ours(self, message: Message) -> bool:
        vias = message.values(b"via")
        branch = parse_via(vias[0]).parameters.get(b"branch")
        same = message.cseq() == (self._cseq, b"REGISTER")
        return len(vias) == 1 and branch == self._branch and same

    def _accepted(self, message: Message, now: float) -> None:
        self._failures = 0
        if not self._wanted:
            self.registered = False
            self._events.append(Unregistered())
            return
        granted = min(
            max(self._granted(message), self._account.min_expires), self._account.max_expires
        )
        lead = min(granted / 2, max(granted / 10, self._account.timers.f))
        self._next = now + granted - lead
        self._ends = now + granted
        self.registered = True
        self._events.append(Registered(granted))

    def _granted(self, message: Message) -> int:
        """Return the expiry of our own contact. Source: RFC 3261 section 10.2.4."""
        for value in message.values(b"contact"):
            try:
                address = parse_address(value)
                uri = parse_uri(address.uri)
            except RemoteProtocolError:
                continue
            flow = self._flow
            ours = flow and (uri.user, uri.host.strip("[]"), uri.port) == (
                self._account.user,
                flow.host,
                flow.port,
            )
            expires = address.parameters.get(b"expires", b"")
            if ours and expires.isdigit() and len(expires) <= 10:
                return int(expires)
        header = _seconds(message, b"expires")
        return self._wanted if header is None else header

    def _challenged(self, message: Message, now: float) -> None:
        proxy = message.status == 407
        name = b"Proxy-Authorization" if proxy else b"Authorization"
        challenge = choose(message.all(b"proxy-authenticate" if proxy else b"www-authenticate"))
        if challenge is None:
            self._fail(message.status, "no digest challenge that can be answered", now)
        elif name in self._answered and not challenge.stale:
            self._digests.pop(name, None)
            self._fail(message.status, "wrong user or password", now)
        elif self._answers >= self._account.max_auth:
            self._fail(message.status, "challenged too often", now)
        else:
            self._answers += 1
            self._answered.add(name)
            self._digests[name] = (challenge, 0)
            self._send(now)

    def _lengthen(self, message: Message) -> bool:
        least = _seconds(message, b"min-expires")
        if least is None or not self._wanted < least <= self._account.max_expires:
            return False
        self._wanted = least
        return True

    def _fail(self, status: int, reason: str, now: float, at_least: float = 0) -> None:
        if not self._wanted:
            self.registered = False
            self._events.append(Unregistered())
            return
        if status:
            self.registered = False
            self._ends = None
        self._transaction = None
        self._failures += 1
        delay = self._delay(status)
        if delay is not None:
            delay = max(delay, min(at_least, RETRY_AFTER_LIMIT))
            self._next = now + delay
        self._events.append(Failed(status, reason, delay))

    def _delay(self, status: int) -> float | None:
        """Return the seconds to wait after a failure, None to stop."""
        retry = self._account.retry
        share = int.from_bytes(self._entropy(4)) / 2**32
        codes = retry.codes or _TEMPORARY
        if not status or any(_matches(code, str(status)) for code in codes):
            delay = retry.short
            if retry.cap:
                delay = min(delay * 2 ** min(self._failures - 1, 30), max(retry.cap, delay))
            return delay + share * retry.short_random
        return retry.long + share * retry.long_random if retry.long else None


def _matches(pattern: str, code: str) -> bool:
    return len(pattern) == 3 and all(a in ("?", b) for a, b in zip(pattern, code, strict=True))


def _seconds(message: Message, name: bytes) -> int | None:
    digits = message.first(name).partition(b" ")[0].partition(b";")[0]
    return int(digits) if digits.isdigit() and len(digits) <= 10 else None
