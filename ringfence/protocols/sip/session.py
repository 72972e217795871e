"""What any call has, whoever placed it: its state, its offers, and what the other side asks in it.

Session descriptions pass through as bytes: what they mean is the negotiation's business. Every
request of ours travels the path on which the call began, whatever Contact says.

Source: RFC 3261 sections 9.2, 12.2.2, 14 and 15; RFC 3262; RFC 3311; RFC 5407 (races).
"""

from collections import deque
from collections.abc import Callable, Iterable
from math import inf

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.authorisation import Authorisation
from ringfence.protocols.sip.call_events import Answered, Ended, Event, KeyPressed, Offered, State
from ringfence.protocols.sip.capabilities import (
    ALLOW,
    has_foreign_body,
    supported,
    unsupported,
)
from ringfence.protocols.sip.dialog import Dialog, tag_of
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.exchange import Asked, Exchange
from ringfence.protocols.sip.key_relay import KeyRelay, key_of
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.outgoing import Outgoing
from ringfence.protocols.sip.referring import Referring
from ringfence.protocols.sip.response import Reply
from ringfence.protocols.sip.session_timer import MIN_SE, SessionTimer, refused_interval

RETRY_SOON = (b"Retry-After", b"1")


class Session:
    """A call without its beginning; see `Call`."""

    def __init__(  # noqa: PLR0913 - a call has as many parts
        self,
        account: Account,
        credentials: Credentials | None,
        flow: Flow,
        entropy: Callable[[int], bytes],
        agreement: Agreement | None = None,
        realms: frozenset[bytes] = frozenset(),
    ) -> None:
        """Make a call that answers challenges of `realms` alone; without credentials none."""
        self.state = State.CALLING
        self.call_id = b""
        self._account = account
        self._entropy = entropy
        self._agreement = agreement or Agreement()
        self._authorisation = Authorisation(credentials, entropy, account.max_auth, realms)
        self._exchange = Exchange(account, flow, self._authorisation, entropy, entropy(16))
        self._out = Outgoing(account, self._exchange, self._authorisation, entropy, self._agreement)
        self._timer = SessionTimer()
        self._events: deque[Event] = deque()
        self._ours = False
        """We placed the call."""
        self._offer = b""
        """The description of our INVITE that is under way."""
        self._rang = False
        """A provisional response came, so that the INVITE may be cancelled."""
        self._progressed = False
        """A 183 came."""
        self._leaving = ""
        """Why it is to be cancelled, or hung up as soon as it is established."""
        self._owes_answer = False
        """Their INVITE brought no offer: the ACK will bring the answer."""
        self._owes_bye = False
        """It ended before their ACK came; a BYE must wait for that."""
        self._update: Asked | None = None
        """Their UPDATE, whose offer waits for an answer."""
        self._keys = KeyRelay()
        self.referring = Referring(account, self._out, self._exchange, self._events)
        self._updates = False
        """The other side knows UPDATE."""
        self._patience = inf
        """When ringing, or waiting for the end of a cancelled INVITE, is given up."""
        self._ring_again = self._again = inf
        """When to say again that it rings; when a re-INVITE that met theirs is repeated."""

    @property
    def dialog(self) -> Dialog | None:
        """The dialog, once the other side has answered, or called."""
        return self._out.dialog

    @property
    def places(self) -> Iterable[str]:
        """Addresses beside that of its path that responses may come from."""
        return self._out.places

    # Offers

    def answer(self, body: bytes, now: float) -> None:
        """Accept what `Offered` brought; `body` answers it, or offers where it was empty."""
        if not self._pending():
            return
        asked = self._update or self._exchange.asked
        if asked is None:
            return
        fields = [ALLOW, supported(reliable=self._account.reliable)]
        fields += self._timer.accept(asked.message, now)
        if self._update:
            self._update = None
            self._exchange.answer(asked, 200, now, fields, body)
            return
        self._exchange.respond(200, fields, now, body)
        self.state = State.ESTABLISHED
        self._patience = self._ring_again = inf

    def refuse(self, status: int, now: float, reason: str = "refused") -> None:
        """Refuse what `Offered` brought; an established call goes on as it was."""
        if self._update:
            self._exchange.answer(self._update, status, now)
            self._update = None
            return
        self._exchange.respond(status, (), now)
        if self.state is State.INCOMING:
            self._end(Ended(status, reason))

    def reoffer(self, offer: bytes, now: float) -> bool:
        """Send a re-INVITE; False while another offer is under way."""
        if self.state is not State.ESTABLISHED or self._exchange.invite_is_open or self._pending():
            return False
        self._authorisation.begin()
        self._invite(offer, now)
        return True

    def owns(self, asked: Asked) -> bool:
        """Return whether a request with our Call-ID is inside the call, or repeats its INVITE."""
        held = self._exchange.asked
        if held and held.is_alike(asked):
            return True
        return self._dialog_of(asked.message) is not None

    def is_merged(self, message: Message) -> bool:
        """Return whether an INVITE came here another way before. Source: RFC 3261 8.2.2.2."""
        held = self._exchange.asked
        return bool(
            held
            and message.first(b"call-id") == self.call_id
            and message.cseq() == held.message.cseq()
            and tag_of(message.first(b"from")) == tag_of(held.message.first(b"from"))
        )

    def receive_request(self, asked: Asked, now: float) -> None:
        """Take a request of this call that passed `check_request`."""
        message, exchange = asked.message, self._exchange
        dialog = self._dialog_of(message)
        if message.method == b"ACK":
            self._receive_ack(message, now)
        elif exchange.is_repeated(asked):
            return
        elif message.method == b"CANCEL":
            self._receive_cancel(asked, now)
        elif dialog is None or (self.state is State.ENDED and message.method != b"BYE"):
            exchange.answer(asked, 481, now)
        else:
            try:
                dialog.receive_request(message)
            except RemoteProtocolError as error:
                exchange.answer(asked, error.status_hint, now)
                return
            self._receive_in_dialog(asked, now)

    def messages_to_send(self) -> list[Reply]:
        """Return what to send now, and forget it; requests go the call's own path."""
        return self._exchange.messages_to_send()

    def next_event(self) -> Event | None:
        """Return the next thing that happened, None when there is none."""
        return self._events.popleft() if self._events else None

    @property
    def over(self) -> bool:
        """Whether it has ended and nothing of it has to be sent again."""
        return self.state is State.ENDED and self._exchange.over

    # Their requests

    def _receive_ack(self, message: Message, now: float) -> None:
        if self._exchange.served:
            self._exchange.served.receive_ack(now)
        if self._owes_bye:
            self._owes_bye = False
            self._bye(now)
        elif self._owes_answer and self.state is State.ESTABLISHED:
            self._owes_answer = False
            self._events.append(Answered(message.body))

    def _receive_cancel(self, asked: Asked, now: float) -> None:
        held = self._exchange.asked
        if not held or not held.is_alike(asked):
            self._exchange.answer(asked, 481, now)
            return
        self._exchange.answer(asked, 200, now)
        if self._invited():
            self._exchange.respond(487, (), now)
            if self.state is State.INCOMING:
                self._end(Ended(487, _why_cancelled(asked.message)))

    def _receive_in_dialog(self, asked: Asked, now: float) -> None:
        message, exchange = asked.message, self._exchange
        if message.method == b"BYE":
            if self._invited():
                exchange.respond(487, (), now)
            exchange.answer(asked, 200, now)
            if self.state is not State.ENDED:
                self._end(Ended(200, "hung up by the other side"))
        elif unknown := unsupported(message, reliable=self._account.reliable):
            exchange.answer(asked, 420, now, [(b"Unsupported", b", ".join(unknown))])
        elif message.method == b"INVITE":
            self._receive_reinvite(asked, now)
        elif message.method == b"UPDATE":
            self._receive_update(asked, now)
        else:
            self._receive_lesser(asked, now)

    def _receive_lesser(self, asked: Asked, now: float) -> None:
        """Take a request that neither ends the call nor changes its media."""
        message, exchange = asked.message, self._exchange
        if message.method == b"PRACK":
            good = exchange.redeem(message.first(b"rack"))
            exchange.answer(asked, (488 if message.body else 200) if good else 481, now)
        elif message.method == b"INFO" and (key := key_of(message)):
            exchange.answer(asked, 200, now)
            self._events.append(KeyPressed(key))
        elif message.method in (b"OPTIONS", b"INFO"):
            exchange.answer(asked, 415 if has_foreign_body(message) else 200, now, [ALLOW])
        elif message.method == b"NOTIFY":
            exchange.answer(asked, self.referring.receive_notify(asked, now), now, [ALLOW])
        elif message.method == b"REFER" and self.state is State.ESTABLISHED:
            self.referring.receive_refer(asked, now)
        else:
            exchange.answer(asked, 403 if message.method == b"REFER" else 405, now, [ALLOW])

    def _receive_reinvite(self, asked: Asked, now: float) -> None:
        """Take a re-INVITE; one that overtakes the ACK stands for it. Source: RFC 5407 3.1.5."""
        exchange = self._exchange
        if self._invited() or self._update:
            exchange.answer(asked, 500, now, [RETRY_SOON])
        elif self.state is not State.ESTABLISHED or exchange.invite_is_open or self._owes_answer:
            exchange.answer(asked, 491, now)
        elif refused_interval(asked.message):
            exchange.answer(asked, 422, now, [MIN_SE])
        else:
            exchange.serve(asked)
            self._owes_answer = not asked.message.body
            self._events.append(Offered(asked.message.body))

    def _receive_update(self, asked: Asked, now: float) -> None:
        """Take an UPDATE, with an offer or without. Source: RFC 3311 section 5.2; RFC 4028."""
        message, exchange = asked.message, self._exchange
        if refused_interval(message):
            exchange.answer(asked, 422, now, [MIN_SE])
        elif not message.body:
            exchange.answer(asked, 200, now, [ALLOW, *self._timer.accept(message, now)])
        elif exchange.invite_is_open or self._owes_answer:
            exchange.answer(asked, 491, now)
        elif self._pending():
            exchange.answer(asked, 500, now, [RETRY_SOON])
        else:
            self._update = asked
            self._events.append(Offered(message.body))

    def _dialog_of(self, message: Message) -> Dialog | None:
        """Return the dialog that a request is inside; forks of ours have some of their own."""
        ours = (tag_of(message.first(b"to")), tag_of(message.first(b"from")))
        forks = [fork.dialog for fork in self._out.forks.values()]
        known = [self.dialog, *forks] if self.dialog else forks
        return next((one for one in known if one and one.key[1:] == ours), None)

    # What both ways of beginning need

    def _invite(self, offer: bytes, now: float) -> None:
        self._offer = offer
        fields = [ALLOW, supported(reliable=self._account.reliable), *self._timer.wanted()]
        self._out.send(b"INVITE", now, fields, offer)

    def _bye(self, now: float) -> None:
        """Hang up, after the ACK of our 2xx where that is still out. Source: section 15."""
        served = self._exchange.served
        if served and served.open and not served.unanswered:
            self._owes_bye = True
            return
        self._out.ask(b"BYE", now)

    def _learn(self, message: Message) -> None:
        """Note what the other side can do."""
        self._updates = b"UPDATE" in message.values(b"allow")

    def _invited(self) -> bool:
        """Return whether an INVITE of theirs waits for our final response."""
        served = self._exchange.served
        return bool(served and served.unanswered)

    def _pending(self) -> bool:
        """Return whether an offer of theirs, or their wish for one, waits for our answer."""
        return self._update is not None or self._invited()

    def _end(self, event: Ended) -> None:
        self.state = State.ENDED
        self._again = self._patience = self._ring_again = inf
        self._update = None
        self._events.append(event)


def _why_cancelled(message: Message) -> str:
    """Return why a call that rang here is cancelled. Source: RFC 3326, Reason with cause 200."""
    for value in message.values(b"reason"):
        protocol, *parts = (part.strip().lower() for part in value.split(b";"))
        if protocol == b"sip" and b"cause=200" in parts:
            return "answered elsewhere"
    return "cancelled by the caller"
