"""The transfers of one call: ours that the other side carries out, and theirs that we do.

Nothing is called here: who owns the call decides, and tells how it went.

Source: RFC 3515; RFC 5057 section 5.1; RFC 6665.
"""

from collections import deque
from collections.abc import Sequence
from math import inf

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account
from ringfence.protocols.sip.call_events import Event, Referred, Transferred
from ringfence.protocols.sip.exchange import Asked, Exchange
from ringfence.protocols.sip.message import Message, said
from ringfence.protocols.sip.outgoing import Outgoing
from ringfence.protocols.sip.transfer import FRAGMENT, read_fragment, read_referral

PATIENCE = 200.0
"""Seconds until a transfer of which nothing is heard has failed: more than anybody lets ring."""
_PENDING, _DONE = b"active;expires=%d" % PATIENCE, b"terminated;reason=noresource"


class Referring:
    """Who was asked to call somebody else, in either direction, one at a time each."""

    def __init__(
        self, account: Account, out: Outgoing, exchange: Exchange, events: deque[Event]
    ) -> None:
        self._account = account
        self._out = out
        self._exchange = exchange
        self._events = events
        self._due = inf
        """When a transfer of ours is given up; infinity where there is none."""
        self._asked: Asked | None = None
        """Their REFER that waits for `accept` or `decline`."""
        self._event = b""
        """Value of Event while they are to hear how it goes; empty while they are not."""
        self._count = 0

    # Ours

    def refer(self, target: bytes, now: float) -> bool:
        """Ask the other side to call a Refer-To; False while it was asked already."""
        if self._due < inf:
            return False
        by = self._account.address_of_record.encode()
        fields = [(b"Refer-To", target), (b"Referred-By", b"<%b>" % by)]
        self._out.ask(b"REFER", now, fields)
        self._due = now + PATIENCE
        return True

    def receive_response(self, method: bytes, message: Message) -> None:
        """Take the final response to a REFER or NOTIFY of ours."""
        if message.status < 300:
            return
        if method == b"REFER":
            self._end(message.status, said(message.reason))
        else:
            self._event = b""

    def receive_notify(self, asked: Asked, now: float) -> int:
        """Take what their NOTIFY tells of our transfer; return the status that answers it."""
        message = asked.message
        event = message.first(b"event").partition(b";")[0].strip().lower()
        if event != b"refer":
            return 489
        if self._due == inf:
            return 481
        kind = message.first(b"content-type").partition(b";")[0].strip().lower()
        if message.body and kind != FRAGMENT:
            return 415
        status, reason = read_fragment(message.body)
        state = message.first(b"subscription-state").partition(b";")[0].strip().lower()
        if status >= 200:
            self._end(status, reason)
        elif state == b"terminated":
            self._end(0, "the other side tells no more of it")
        return 200

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called; infinity for never."""
        return self._due

    def handle_timer(self, now: float) -> None:
        """Give up a transfer of which nothing is heard."""
        if now >= self._due:
            self._end(0, "nothing was heard of it")

    def _end(self, status: int, reason: str) -> None:
        if self._due < inf:
            self._due = inf
            self._events.append(Transferred(status, reason))

    # Theirs

    def receive_refer(self, asked: Asked, now: float) -> None:
        """Take a REFER inside an established call; `Referred` follows where it can be obeyed."""
        if self._asked or self._event:
            self._exchange.answer(asked, 491, now)
            return
        try:
            referral = read_referral(asked.message)
        except RemoteProtocolError as error:
            self._exchange.answer(asked, error.status_hint, now)
            return
        self._asked = asked
        self._events.append(Referred(referral))

    def accept(self, now: float) -> None:
        """Say that whom they named is being called."""
        if self._asked:
            number = self._asked.message.cseq()[0]
            self._event = b"refer;id=%d" % number if self._count else b"refer"
            self._count += 1
            self._exchange.answer(self._asked, 202, now)
            self._asked = None
            self.tell(100, "Trying", now)

    def decline(self, status: int, now: float) -> None:
        """Refuse to call whom they named."""
        if self._asked:
            self._exchange.answer(self._asked, status, now)
            self._asked = None

    def tell(self, status: int, reason: str, now: float) -> None:
        """Tell the other side how the call that it wanted goes; a final status ends that."""
        if not self._event:
            return
        fields: Sequence[tuple[bytes, bytes]] = [
            (b"Event", self._event),
            (b"Subscription-State", _PENDING if status < 200 else _DONE),
            (b"Content-Type", FRAGMENT + b";version=2.0"),
        ]
        if status >= 200:
            self._event = b""
        line = f"SIP/2.0 {status} {reason}".rstrip()
        self._out.ask(b"NOTIFY", now, fields, line.encode() + b"\r\n")
