"""One call from INVITE to BYE, placed or taken, without socket, clock or codec.

Session descriptions pass through as bytes: what they mean is the negotiation's business. Every
request of a call travels the path on which the call began.

Source: RFC 3261 sections 9, 12 to 15; RFC 4028; RFC 5407 (races).
"""

from collections import deque
from collections.abc import Callable
from math import inf

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.authorisation import Authorisation
from ringfence.protocols.sip.call_events import (
    Answered,
    Ended,
    Event,
    Offered,
    OfferRefused,
    Ringing,
    State,
)
from ringfence.protocols.sip.dialog import Dialog, tag_of
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.exchange import Asked, Exchange, Fields, branch_of
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.request import Request
from ringfence.protocols.sip.response import Reply, to_tag
from ringfence.protocols.sip.session_timer import SessionTimer, refused_interval

ALLOW = b"INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"
GLARE = 2.1
"""Least seconds until the maker of a call repeats a re-INVITE after 491, up to 4 at random; the
other side waits up to 2. Source: RFC 3261 section 14.1."""


class Call:
    """One call; forget it once it is `over`."""

    def __init__(
        self,
        account: Account,
        credentials: Credentials,
        flow: Flow,
        entropy: Callable[[int], bytes],
        agreement: Agreement | None = None,
    ) -> None:
        self.state = State.CALLING
        self.dialog: Dialog | None = None
        self._account = account
        self._entropy = entropy
        self._agreement = agreement or Agreement()
        self._authorisation = Authorisation(credentials, entropy, account.max_auth)
        self.call_id = b""
        self._exchange = Exchange(account, flow, self._authorisation, entropy, entropy(16))
        self._timer = SessionTimer()
        self._events: deque[Event] = deque()
        self._ours = False
        """We placed the call."""
        self._offer = b""
        """The description of our INVITE that is under way."""
        self._rang = False
        """A provisional response came, so that the INVITE may be cancelled."""
        self._leaving = False
        """To be cancelled, or hung up as soon as it is established."""
        self._ack: Request | None = None
        """Sent again when a 2xx is repeated."""
        self._owes_answer = False
        """Their INVITE brought no offer: the ACK will bring the answer."""
        self._again = inf
        """When a re-INVITE that met theirs is repeated."""
        self._who: Fields = ()
        self._uri = b""
        self._cseq = 1

    # Placing

    def place(self, target: bytes, offer: bytes, now: float) -> None:
        """Send the INVITE to a SIP URI."""
        self._ours, self._uri = True, target
        self.call_id = self._entropy(12).hex().encode()
        self._who = (
            (b"From", self._account.sender(self._entropy(6).hex().encode())),
            (b"To", b"<%b>" % target),
            (b"Call-ID", self.call_id),
            *self._account.routes(),
        )
        self._authorisation.begin()
        self._invite(offer, now)

    def reoffer(self, offer: bytes, now: float) -> bool:
        """Send a re-INVITE; False while another offer is under way."""
        if self.state is not State.ESTABLISHED or self._exchange.invite_is_open or self._pending():
            return False
        self._authorisation.begin()
        self._invite(offer, now)
        return True

    # Taking

    @classmethod
    def of_invite(  # noqa: PLR0913 - a call has as many parts
        cls,
        account: Account,
        flow: Flow,
        asked: Asked,
        entropy: Callable[[int], bytes],
        key: bytes,
        agreement: Agreement | None = None,
    ) -> "Call":
        """Return the call of an INVITE that may ring; `key` is that of the stateless answers.

        Raises:
            RemoteProtocolError: it cannot make a dialog (400), or asks for too short a session
                timer (422).

        """
        made = cls(account, Credentials(account.user, ""), flow, entropy, agreement)
        message = asked.message
        if refused_interval(message):
            raise RemoteProtocolError("the session interval is too small", 422)
        made._exchange.key = key
        tag = to_tag(key, message.first(b"call-id"), message.first(b"from"))
        made.dialog = Dialog.of_request(message, tag)
        made.call_id = message.first(b"call-id")
        made.state = State.INCOMING
        made._exchange.serve(asked)
        made._exchange.respond(100, (), 0)
        made._owes_answer = not message.body
        made._events.append(Offered(message.body))
        return made

    def ring(self, now: float) -> None:
        """Tell the caller that the phone rings."""
        if self.state is State.INCOMING:
            self._exchange.respond(180, [(b"Allow", ALLOW)], now)

    def answer(self, body: bytes, now: float) -> None:
        """Accept what `Offered` brought; `body` answers it, or offers where it was empty."""
        asked = self._exchange.asked
        if asked is None or not self._pending():
            return
        fields: list[tuple[bytes, bytes]] = [(b"Allow", ALLOW), (b"Supported", b"timer")]
        fields += self._timer.accept(asked.message, now)
        self._exchange.respond(200, fields, now, body)
        self.state = State.ESTABLISHED

    def refuse(self, status: int, now: float, reason: str = "refused") -> None:
        """Refuse what `Offered` brought; an established call goes on as it was."""
        self._exchange.respond(status, (), now)
        if self.state is State.INCOMING:
            self._end(Ended(status, reason, by_us=True))

    # Ending

    def hang_up(self, now: float) -> None:
        """End the call by CANCEL, refusal or BYE, whichever fits."""
        if self.state is State.INCOMING:
            self.refuse(603, now, "declined")
        elif self.state is State.CALLING:
            self._leaving = True
            if self._rang:
                self._cancel(now)
        elif self.state is State.ESTABLISHED:
            self._bye(now)
            self._end(Ended(200, "hung up", by_us=True))

    # Wire

    def receive_response(self, message: Message, now: float) -> bool:
        """Take a response that passed `check_response`; False where it is none of ours."""
        request = self._exchange.receive_response(message, now)
        if request is None:
            return False
        if request.method == b"INVITE":
            self._receive_invite_response(message, now)
        elif message.status in (401, 407, 494) and request.method in (b"BYE", b"UPDATE", b"INFO"):
            if not self._obstacle(message):
                self._request(request.method, now, fields=(), body=request.body)
        elif message.status in (408, 481) and self.state is State.ESTABLISHED:
            self._end(Ended(message.status, "the other side has lost the call"))
        elif request.method == b"UPDATE" and message.status < 300:
            self._timer.agree(message, now)
        return True

    def owns(self, message: Message) -> bool:
        """Return whether a request with our Call-ID is inside the call, or repeats its INVITE."""
        held = self._exchange.asked
        if held and held.branch == branch_of(message):
            return True
        ours = (tag_of(message.first(b"to")), tag_of(message.first(b"from")))
        return bool(self.dialog and self.dialog.key[1:] == ours)

    def receive_request(self, asked: Asked, now: float) -> None:
        """Take a request of this call that passed `check_request`."""
        message, exchange = asked.message, self._exchange
        if message.method == b"ACK":
            self._receive_ack(message, now)
        elif exchange.is_repeated(asked):
            return
        elif message.method == b"CANCEL":
            self._receive_cancel(asked, now)
        elif self.dialog is None or self.state is State.ENDED:
            exchange.answer(asked, 481, now)
        else:
            try:
                self.dialog.receive_request(message)
            except RemoteProtocolError as error:
                exchange.answer(asked, error.status_hint, now)
                return
            self._receive_in_dialog(asked, now)

    def messages_to_send(self) -> list[Reply]:
        """Return what to send now, and forget it; port 0 stands for the call's own path."""
        return self._exchange.messages_to_send()

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called; infinity for never."""
        session = self._timer.get_timer() if self.state is State.ESTABLISHED else inf
        return min(self._exchange.get_timer(), self._again, session)

    def handle_timer(self, now: float) -> None:
        """Send again, refresh, or give up, whatever is due."""
        for method in self._exchange.handle_timer(now):
            self._give_up(method, now)
        if now >= self._again:
            self._again = inf
            if not self.reoffer(self._offer, now):
                self._again = now + GLARE
        if self.state is State.ESTABLISHED and now >= self._timer.get_timer():
            if self._timer.expired(now):
                self._bye(now)
                self._end(Ended(408, "the session timer ran out", by_us=True))
            else:
                self._request(b"UPDATE", now, self._timer.refresh(now))

    def next_event(self) -> Event | None:
        """Return the next thing that happened, None when there is none."""
        return self._events.popleft() if self._events else None

    @property
    def over(self) -> bool:
        """Whether it has ended and nothing of it has to be sent again."""
        return self.state is State.ENDED and self._exchange.over

    # Our requests

    def _invite(self, offer: bytes, now: float) -> None:
        self._offer = offer
        fields = [(b"Allow", ALLOW), (b"Supported", b"timer"), *self._timer.wanted()]
        self._request(b"INVITE", now, fields, offer)

    def _request(
        self, method: bytes, now: float, fields: Fields = (), body: bytes = b""
    ) -> Request:
        """Build and send a request inside the dialog, or the INVITE that is to make it."""
        uri, who = self._uri, self._who
        if self.dialog:
            uri, who = self.dialog.path()
        invite = self._exchange.invite
        if method == b"ACK":
            cseq, fields = self._cseq, invite.request.credentials() if invite else ()
        else:
            cseq = self.dialog.next_cseq() if self.dialog else self._cseq
            self._cseq = cseq if method == b"INVITE" else self._cseq
            fields = [*fields, *self._agreement.fields(method)]
        made = self._exchange.build(method, cseq, uri, [*who, *fields], body)
        self._exchange.send(made, now)
        return made

    def _cancel(self, now: float) -> None:
        if self._exchange.invite:
            self._exchange.send(self._exchange.invite.request.cancel(), now)

    def _bye(self, now: float) -> None:
        self._authorisation.begin()
        self._request(b"BYE", now)

    def _give_up(self, method: bytes, now: float) -> None:
        """Note that nobody answered a request, or acknowledged our 2xx."""
        if self.state is State.CALLING and method in (b"INVITE", b"CANCEL"):
            self._exchange.invite = None
            reason = "cancelled" if self._leaving else "no answer"
            self._end(Ended(0, reason, by_us=self._leaving))
        elif self.state is State.ESTABLISHED:
            if method != b"BYE":
                self._bye(now)
            self._end(Ended(408, f"no answer to {method.decode()}"))

    # Responses to our INVITE

    def _receive_invite_response(self, message: Message, now: float) -> None:
        if message.status < 200:
            self._receive_provisional(message, now)
        elif message.status < 300:
            self._receive_success(message, now)
        elif message.status in (401, 407, 494) and not self._leaving:
            if reason := self._obstacle(message):
                self._receive_failure(message.status, reason, now)
                return
            self._cseq += not self.dialog
            self._rang = False
            self._invite(self._offer, now)
        elif message.status == 422 and self._timer.lengthen(message):
            self._cseq += not self.dialog
            self._invite(self._offer, now)
        else:
            text = message.reason.decode(errors="replace")[:80]
            self._receive_failure(message.status, text, now)

    def _obstacle(self, message: Message) -> str:
        """Take a 401, 407 or 494; return why nothing can be done about it, else empty."""
        if message.status != 494:
            return self._authorisation.receive_challenge(message)
        if self._agreement.receive_call_response(message):
            return ""
        return "no security agreement"

    def _receive_provisional(self, message: Message, now: float) -> None:
        if self.state is not State.CALLING:
            return
        first, self._rang = not self._rang, True
        if self._leaving and first:
            self._cancel(now)
        elif message.status > 100 and not self._leaving:
            self._events.append(Ringing(message.status, message.body))

    def _receive_success(self, message: Message, now: float) -> None:
        """Acknowledge a 2xx; a second dialog of a forked INVITE is hung up at once."""
        if self.dialog and tag_of(message.first(b"to")) == tag_of(self.dialog.remote):
            if self.state is State.ESTABLISHED and message.cseq()[0] == self._cseq:
                self._acknowledge(message, now)
            return
        try:
            made = Dialog.of_response(message, self._cseq)
        except RemoteProtocolError as error:
            self._end(Ended(message.status, f"unusable answer: {error}"))
            return
        held, self.dialog = self.dialog, made
        if held or self._leaving or self.state is State.ENDED:
            self._ack = self._request(b"ACK", now)
            self._bye(now)
            self.dialog = held or made
            if not held and self.state is not State.ENDED:
                self._end(Ended(487, "cancelled", by_us=True))
            return
        self.state = State.ESTABLISHED
        self._acknowledge(message, now)

    def _acknowledge(self, message: Message, now: float) -> None:
        if self._ack and self._ack.first(b"CSeq") == b"%d ACK" % self._cseq:
            self._exchange.send(self._ack, now)
            return
        if self.dialog:
            self.dialog.refresh(message)
        self._timer.agree(message, now)
        self._ack = self._request(b"ACK", now)
        self._events.append(Answered(message.body))

    def _receive_failure(self, status: int, reason: str, now: float) -> None:
        if self.state is State.CALLING:
            self._end(Ended(status, "cancelled" if self._leaving else reason, self._leaving))
        elif self.state is State.ESTABLISHED and status == 491:
            share = int.from_bytes(self._entropy(4)) / 2**32
            self._again = now + (GLARE + share * 1.9 if self._ours else share * 2)
        elif self.state is State.ESTABLISHED and status in (408, 481):
            self._bye(now)
            self._end(Ended(status, reason))
        elif self.state is State.ESTABLISHED:
            self._events.append(OfferRefused(status))

    # Their requests

    def _receive_ack(self, message: Message, now: float) -> None:
        if self._exchange.served:
            self._exchange.served.receive_ack(now)
        if self._owes_answer and self.state is State.ESTABLISHED:
            self._owes_answer = False
            self._events.append(Answered(message.body))

    def _receive_cancel(self, asked: Asked, now: float) -> None:
        held = self._exchange.asked
        if not held or held.branch != asked.branch:
            self._exchange.answer(asked, 481, now)
            return
        self._exchange.answer(asked, 200, now)
        if self._pending():
            self._exchange.respond(487, (), now)
            if self.state is State.INCOMING:
                self._end(Ended(487, "cancelled by the caller"))

    def _receive_in_dialog(self, asked: Asked, now: float) -> None:
        message, exchange = asked.message, self._exchange
        if message.method == b"BYE":
            if self._pending():
                exchange.respond(487, (), now)
            exchange.answer(asked, 200, now)
            self._end(Ended(200, "hung up by the other side"))
        elif message.method == b"INVITE":
            self._receive_reinvite(asked, now)
        elif message.method == b"UPDATE":
            if message.body or refused_interval(message):
                exchange.answer(asked, 488 if message.body else 422, now)
            else:
                exchange.answer(asked, 200, now, self._timer.accept(message, now))
        elif message.method in (b"OPTIONS", b"INFO"):
            exchange.answer(asked, 200, now, [(b"Allow", ALLOW)])
        else:
            exchange.answer(asked, 405, now, [(b"Allow", ALLOW)])

    def _receive_reinvite(self, asked: Asked, now: float) -> None:
        exchange = self._exchange
        if self.state is not State.ESTABLISHED or exchange.invite_is_open:
            exchange.answer(asked, 491, now)
        elif exchange.served and exchange.served.open:
            exchange.answer(asked, 500, now, [(b"Retry-After", b"1")])
        else:
            exchange.serve(asked)
            self._owes_answer = not asked.message.body
            self._events.append(Offered(asked.message.body))

    def _pending(self) -> bool:
        """Return whether an INVITE of theirs waits for our final response."""
        served = self._exchange.served
        return bool(served and served.unanswered)

    def _end(self, event: Ended) -> None:
        self.state = State.ENDED
        self._again = inf
        self._events.append(event)
