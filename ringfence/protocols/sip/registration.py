"""One registration: REGISTER, digest, refresh, retry and unregister, without socket or clock.

Source: RFC 3261 section 10.2; phone-facts 1.3 (Reg_Retry_*, Reg_Min_Expires, Reg_Max_Expires).
"""

from collections.abc import Callable

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.authorisation import Authorisation
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.grammar import parse_address, parse_uri
from ringfence.protocols.sip.message import Message, said
from ringfence.protocols.sip.request import BRANCH_MAGIC
from ringfence.protocols.sip.transaction import ClientTransaction

RECONNECT = 1.0
"""Seconds until a lost connection that carried a registration is opened again; up to twice that,
so that the phones of a restarted proxy spread."""
RETRY_AFTER_LIMIT = 3600.0
"""Most seconds that a server's Retry-After makes us wait."""
_START = b"REGISTER %b SIP/2.0\r\nVia: %b"
_MIDDLE = b";rport\r\nMax-Forwards: %d\r\nFrom: %b\r\nTo: <%b>\r\nCall-ID: %b\r\nCSeq: "
_WANTED = b"\r\nContact: %b%d\r\nExpires: %d\r\n"
_FIELD = b"%b: %b\r\n"
_END = b"Content-Length: 0\r\n\r\n"
_NOWHERE = Flow("", "", 0)
_UNAVAILABLE = ("503",)
_TEMPORARY = ("408", "5??")
"""Status codes retried at the short interval while Retry Reg RSC is empty."""


class Registered(Struct, frozen=True):
    """The registrar holds our contact for so many seconds."""

    expires: float


class Unregistered(Struct, frozen=True):
    """The registrar was asked to forget us, and answered or did not."""


class Failed(Struct, frozen=True):
    """A REGISTER failed."""

    status: int
    """The registrar's answer; 0 for none."""
    reason: str
    retry: float | None
    """Seconds after which to call `register` again; None for never."""
    elsewhere: bool = False
    """Whether another server may be tried at once: no answer, 503, or one of Try Backup RSC."""
    rule: str = ""
    """What of ours forbade it, as `PolicyError` names it; empty where nothing did."""


Event = Registered | Unregistered | Failed


class _Common(Struct, frozen=True, gc=False):
    """What the REGISTERs of a round have in common, built once."""

    uri: bytes
    start: bytes
    """Up to the branch."""
    branch: bytes
    """Of all of them, up to their number."""
    middle: bytes
    """From the branch to the number."""
    contact: bytes
    """Our contact up to the seconds."""
    wanted: bytes
    """From the number to what an agreement and challenges add."""
    end: bytes


_NOTHING = _Common(b"", b"", b"", b"", b"", b"", b"")


class Registration:
    """The client side of one registration.

    After `Failed` it rests: its owner tries the next server, or waits and begins another round.
    """

    __slots__ = (
        "_account",
        "_agreement",
        "_authorisation",
        "_branch",
        "_common",
        "_cseq",
        "_ends",
        "_entropy",
        "_events",
        "_failed",
        "_failures",
        "_flow",
        "_number",
        "_refresh",
        "_tag",
        "_transaction",
        "_wanted",
        "call_id",
    )

    def __init__(
        self,
        account: Account,
        credentials: Credentials,
        entropy: Callable[[int], bytes],
        agreement: Agreement | None = None,
    ) -> None:
        drawn = entropy(18).hex().encode()
        self.call_id, self._tag = drawn[:24], drawn[24:]
        self._account = account
        self._authorisation = Authorisation(credentials, entropy, account.max_auth)
        self._agreement = agreement or Agreement()
        self._entropy = entropy
        self._flow = _NOWHERE
        self._common = _NOTHING
        """Of the round that is under way; a line at rest does without."""
        self._cseq = 0
        self._branch = self._number = b""
        """Branch and CSeq of the request that was sent last."""
        self._wanted = account.expires
        """Seconds to ask for; 0 while unregistering."""
        self._transaction: ClientTransaction | None = None
        self._failures = 0
        """Rounds in a row that failed."""
        self._failed = False
        self._refresh: float | None = None
        self._ends: float | None = None
        self._events: tuple[Event, ...] = ()

    def is_registered(self, now: float) -> bool:
        """Return whether the registrar still holds our contact, for all we know."""
        return self._ends is not None and now < self._ends

    @property
    def refresh(self) -> float | None:
        """When the next REGISTER is due; None while one is under way, or none is wanted."""
        return self._refresh

    def begin_round(self) -> None:
        """Note that the servers are tried from the first one on; waits may grow by the round."""
        self._failures = self._failures + 1 if self._failed else 0
        self._failed = False

    @property
    def realm(self) -> bytes:
        """The realm in which the registrar asked for the password; empty where it never did."""
        return self._authorisation.realm

    def register(self, flow: Flow, now: float, account: Account | None = None) -> None:
        """Register over a flow, at once, where `account` says so if it is another one."""
        self._account = account or self._account
        self._flow = flow
        self._agreement.begin(flow.transport)
        self._wanted = self._wanted or self._account.expires
        self._begin(now)

    def hasten(self, now: float) -> None:
        """Refresh now, unless that is under way, or not wanted."""
        if self._refresh is not None:
            self._begin(now)

    def unregister(self, now: float) -> None:
        """Ask the registrar to forget us; `Unregistered` follows in any case."""
        held = self.is_registered(now) or self._transaction is not None
        self._refresh = self._ends = self._transaction = None
        if not held:
            self._events += (Unregistered(),)
            return
        self._wanted = 0
        self._begin(now)

    def lose_flow(self, reason: str, now: float) -> None:
        """Note that the connection is gone or was never made, and with it the registration."""
        held = self.is_registered(now)
        self._ends = None
        retry = RECONNECT * (1 + self._share()) if held else self._delay(0)
        self._fail(0, reason, retry, elsewhere=not held)

    def receive_response(self, message: Message, now: float) -> bool:
        """Take a response of `read_response`; False where it is none of ours."""
        if self._transaction is None or not self._is_ours(message):
            return False
        if message.status < 200:
            self._transaction.receive_provisional(now)
            return True
        self._transaction = None
        again = self._agreement.receive_response(message)
        if message.status < 300:
            self._accepted(message, now)
        elif message.status in (401, 407):
            self._challenged(message, now)
        elif again:
            self._send(now)
        elif message.status == 423 and self._lengthen(message):
            self._begin(now)
        else:
            reason = self._agreement.refusal or said(message.reason)
            self._refuse(message.status, reason, _seconds(message, b"retry-after") or 0)
        return True

    def messages_to_send(self) -> list[bytes]:
        """Return what must go out now, and forget it."""
        return self._transaction.messages_to_send() if self._transaction else []

    def get_timer(self) -> float | None:
        """Return when `handle_timer` must be called; None while there is nothing to wait for."""
        return self._transaction.get_timer() if self._transaction else self._refresh

    def handle_timer(self, now: float) -> None:
        """Send again, give up or refresh, whatever is due."""
        if self._transaction:
            self._transaction.handle_timer(now)
            if self._transaction.timed_out:
                self._fail(0, "no answer", self._delay(0), elsewhere=True)
        elif self._refresh is not None and now >= self._refresh:
            self._begin(now)

    def next_event(self) -> Event | None:
        """Return the next thing that happened, None when there is none."""
        if not self._events:
            return None
        event, self._events = self._events[0], self._events[1:]
        return event

    def _begin(self, now: float) -> None:
        self._authorisation.begin()
        self._refresh = None
        self._common = self._build()
        self._send(now)

    def _build(self) -> _Common:
        account, flow, wanted = self._account, self._flow, self._wanted
        uri, record = b"sip:" + account.registrar.encode(), account.address_of_record.encode()
        sender = account.sender(self._tag)
        contact = b"<%b>;expires=" % account.contact(flow)
        end = _END
        if account.user_agent:
            end = _FIELD % (b"User-Agent", account.user_agent.encode()) + end
        for field in account.routes():
            end = _FIELD % field + end
        return _Common(
            uri,
            _START % (uri, flow.sent_by),
            BRANCH_MAGIC + self._entropy(10).hex().encode(),
            _MIDDLE % (account.max_forwards, sender, record, self.call_id),
            contact,
            _WANTED % (contact, wanted, wanted),
            end,
        )

    def _send(self, now: float) -> None:
        common = self._common
        self._cseq += 1
        number = b"%d" % self._cseq
        self._branch, self._number = common.branch + number, number + b" REGISTER"
        parts = [common.start, self._branch, common.middle, self._number, common.wanted]
        agreed = self._agreement.fields(b"REGISTER")
        proofs = self._authorisation.fields(b"REGISTER", common.uri)
        if agreed or proofs:
            parts += [_FIELD % field for field in (*agreed, *proofs)]
        parts.append(common.end)
        timers, reliable = self._account.timers, self._flow.reliable
        self._transaction = ClientTransaction(b"".join(parts), timers, reliable, now)

    def _is_ours(self, message: Message) -> bool:
        if message.branch != self._branch:
            return False
        usual = message.first(b"cseq") == self._number
        return usual or message.cseq() == (self._cseq, b"REGISTER")

    def _accepted(self, message: Message, now: float) -> None:
        self._failures, self._failed = 0, False
        if not self._wanted:
            self._common = _NOTHING
            self._events += (Unregistered(),)
            return
        least, most = self._account.min_expires, self._account.max_expires
        granted = self._granted(message)
        if not least <= granted <= most:
            granted = least if granted < least else most
        lead = max(granted / 10, self._account.timers.f)
        lead = min(granted / 2, lead)
        self._refresh = now + granted - lead
        self._ends = now + granted
        self._common = _NOTHING
        self._events += (Registered(granted),)

    def _granted(self, message: Message) -> int:
        """Return the expiry of our own contact. Source: RFC 3261 section 10.2.4."""
        account, flow = self._account, self._flow
        digits = message.first(b"contact").removeprefix(self._common.contact)
        if digits.isdigit() and len(digits) <= 10:
            return int(digits)  # as nearly all registrars write it
        for value in message.values(b"contact"):
            try:
                address = parse_address(value)
                uri = parse_uri(address.uri)
            except RemoteProtocolError:
                continue
            ours = (uri.user, uri.host.strip("[]"), uri.port) == (
                account.user,
                flow.host,
                flow.port,
            )
            expires = address.parameters.get(b"expires", b"")
            if ours and expires.isdigit() and len(expires) <= 10:
                return int(expires)
        header = _seconds(message, b"expires")
        return self._wanted if header is None else header

    def _challenged(self, message: Message, now: float) -> None:
        if reason := self._authorisation.receive_challenge(message):
            self._refuse(message.status, reason)
        else:
            self._send(now)

    def _lengthen(self, message: Message) -> bool:
        least = _seconds(message, b"min-expires")
        if least is None or not self._wanted < least <= self._account.max_expires:
            return False
        self._wanted = least
        return True

    def _refuse(self, status: int, reason: str, at_least: float = 0) -> None:
        """Note an answer that says no: the registrar does not hold our contact."""
        self._ends = None
        delay = self._delay(status)
        if delay is not None:
            delay = max(delay, min(at_least, RETRY_AFTER_LIMIT))
        codes = (*_UNAVAILABLE, *self._account.retry.backup)
        elsewhere = any(_matches(code, str(status)) for code in codes)
        self._fail(status, reason, delay, elsewhere=elsewhere)

    def _fail(self, status: int, reason: str, retry: float | None, *, elsewhere: bool) -> None:
        self._transaction = self._refresh = None
        self._common = _NOTHING
        if self._wanted:
            self._failed = True
            self._events += (Failed(status, reason, retry, elsewhere),)
        else:
            self._ends = None
            self._events += (Unregistered(),)

    def _delay(self, status: int) -> float | None:
        """Return the seconds to wait after a failure, None to stop."""
        retry = self._account.retry
        codes = retry.codes or _TEMPORARY
        if status and not any(_matches(code, str(status)) for code in codes):
            return retry.long + self._share() * retry.long_random if retry.long else None
        delay = retry.short
        if retry.cap:
            delay = min(delay * 2 ** min(self._failures, 30), max(retry.cap, delay))
        return delay + self._share() * retry.short_random

    def _share(self) -> float:
        """Return a random number from 0 to 1."""
        return int.from_bytes(self._entropy(4)) / 2**32


def _matches(pattern: str, code: str) -> bool:
    return len(pattern) == 3 and all(a in ("?", b) for a, b in zip(pattern, code, strict=True))


def _seconds(message: Message, name: bytes) -> int | None:
    digits = message.first(name).partition(b" ")[0].partition(b";")[0]
    return int(digits) if digits.isdigit() and len(digits) <= 10 else None
