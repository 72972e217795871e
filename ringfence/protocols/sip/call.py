"""One call from INVITE to BYE, placed or taken, without socket, clock or codec.

Source: RFC 3261 sections 9, 12 to 15; RFC 3262; RFC 3311; RFC 4028; RFC 5407 (races).
"""

from collections.abc import Callable
from math import inf

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.call_events import (
    Answered,
    Ended,
    KeysLost,
    Offered,
    OfferRefused,
    RefreshDue,
    Ringing,
    State,
)
from ringfence.protocols.sip.capabilities import (
    ALLOW,
    RELIABLE,
    names,
)
from ringfence.protocols.sip.dialog import Dialog
from ringfence.protocols.sip.exchange import ON_PATH, Asked, Fields
from ringfence.protocols.sip.identity import may_be_heard
from ringfence.protocols.sip.key_relay import CONTENT
from ringfence.protocols.sip.message import Message, said
from ringfence.protocols.sip.request import Request
from ringfence.protocols.sip.response import to_tag
from ringfence.protocols.sip.session import Session
from ringfence.protocols.sip.session_timer import refused_interval
from ringfence.protocols.sip.transfer import moved_to

GLARE = 2.1
"""Least seconds until the maker of a call repeats a re-INVITE after 491, up to 4 at random; the
other side waits up to 2. Source: RFC 3261 section 14.1."""
NO_ANSWER = 180.0
"""Longest ringing in seconds, ours and theirs. Source: RFC 3261 section 16.6, timer C."""
ASKING = (401, 407, 494)
"""Responses after which a request may be repeated with what they ask for."""
RING_AGAIN = 60.0
"""Seconds after which a caller hears again that the phone rings. Source: RFC 3261 13.3.1.1."""


class Call(Session):
    """One call; forget it once it is `over`."""

    # Placing

    def place(self, target: bytes, offer: bytes, now: float, fields: Fields = ()) -> None:
        """Send the INVITE to a SIP URI, with further header fields."""
        self._ours = True
        self.call_id = self._out.begin(target, (*self._account.announces, *fields))
        self._authorisation.begin()
        self._invite(offer, now)

    # Taking

    @classmethod
    def of_invite(
        cls,
        account: Account,
        flow: Flow,
        asked: Asked,
        entropy: Callable[[int], bytes],
        agreement: Agreement | None = None,
    ) -> "Call":
        """Return the call of an INVITE that may ring; it answers no challenge.

        Its tag is its own, so that no stateless answer gives it away.

        Raises:
            RemoteProtocolError: it cannot make a dialog (400), or asks for too short a session
                timer (422).

        """
        made = cls(account, None, flow, entropy, agreement)
        message = asked.message
        if refused_interval(message):
            raise RemoteProtocolError("the session interval is too small", 422)
        tag = to_tag(made._exchange.key, message.first(b"call-id"), message.first(b"from"))
        made._out.dialog = Dialog.of_request(message, tag)
        made.call_id = message.first(b"call-id")
        made.state = State.INCOMING
        made._learn(message)
        made._exchange.serve(asked)
        made._exchange.respond(100, (), 0)
        made._owes_answer = not message.body
        made._events.append(Offered(message.body))
        return made

    def ring(self, now: float) -> None:
        """Tell the caller that the phone rings; after a while without an answer, refuse.

        A reliable response would have to bring the offer that an INVITE without one asks for, so
        there is none then. Source: RFC 3262 sections 3 and 5.
        """
        asked = self._exchange.asked
        if self.state is not State.INCOMING or asked is None:
            return
        if self._patience == inf:
            self._patience = now + min(NO_ANSWER, _expires(asked.message))
        self._ring_again = now + RING_AGAIN
        required = names(asked.message, b"require", RELIABLE)
        wanted = required or names(asked.message, b"supported", RELIABLE)
        if self._account.reliable and wanted and not self._owes_answer:
            self._exchange.promise(180, [ALLOW], now)
        elif not required:
            self._exchange.respond(180, [ALLOW], now)

    # Ending

    def hang_up(self, now: float, reason: str = "") -> None:
        """End the call by CANCEL, refusal or BYE, whichever fits; without a reason by choice."""
        if self.state is State.INCOMING:
            self.refuse(603, now, "declined")
        elif self.state is State.CALLING and not self._leaving:
            self._leaving = reason or "cancelled"
            if self._rang:
                self._cancel(now)
        elif self.state is State.ESTABLISHED:
            self._bye(now)
            self._end(Ended(0, reason) if reason else Ended(200, "hung up"))

    # Within

    def press(self, keys: str, now: float) -> None:
        """Tell keys by INFO."""
        self._keys.press(keys)
        self._tell_keys(now)

    def _tell_keys(self, now: float) -> None:
        if self.state is State.ESTABLISHED and (body := self._keys.next_body(now)):
            self._out.ask(b"INFO", now, [CONTENT], body)

    # Wire

    def receive_response(self, message: Message, now: float) -> bool:
        """Take a response of `read_response`; False where it is none of ours."""
        request = self._exchange.receive_response(message, now)
        if request is None:
            return False
        method, status = request.method, message.status
        if method == b"INVITE":
            self._receive_invite_response(request, message, now)
        elif method != b"CANCEL" and status in ASKING and not self._obstacle(request, message):
            repeat = self._out.repeat_prack if method == b"PRACK" else self._out.repeat
            repeat(request, now)
        elif method == b"NOTIFY":  # who does not want to hear more keeps the call (RFC 5057 5.1)
            self.referring.receive_response(method, message)
        elif method != b"PRACK" and status in (408, 481) and self.state is State.ESTABLISHED:
            self._end(Ended(status, "the other side has lost the call"))
        elif method == b"UPDATE":
            self._receive_update_response(message, now)
        elif method == b"REFER":
            self.referring.receive_response(method, message)
        elif method == b"INFO":
            if lost := self._keys.receive_status(status):
                self._events.append(KeysLost(lost, status))
            self._tell_keys(now)
        return True

    def _receive_update_response(self, message: Message, now: float) -> None:
        if message.status < 300:
            self._timer.agree(message, now)
        elif message.status in (405, 501):
            self._updates = False
            self._events.append(RefreshDue())

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called; infinity for never."""
        session = self._timer.get_timer() if self.state is State.ESTABLISHED else inf
        keys = self._keys.get_timer() if self.state is State.ESTABLISHED else inf
        waits = self.referring.get_timer() if self.state is State.ESTABLISHED else inf
        own = min(self._again, self._patience, self._ring_again, session, keys, waits)
        return min(self._exchange.get_timer(), own)

    def handle_timer(self, now: float) -> None:
        """Send again, refresh, or give up, whatever is due."""
        for method in self._exchange.handle_timer(now):
            self._give_up(method, now)
        if now >= self._patience:
            self._lose_patience(now)
        if now >= self._ring_again:
            self.ring(now)
        if now >= self._again:
            self._again = inf
            if not self.reoffer(self._offer, now):
                self._again = now + GLARE
        if self.state is State.ESTABLISHED and now >= self._timer.get_timer():
            self._keep_session(now)
        self._tell_keys(now)
        if self.state is State.ESTABLISHED:
            self.referring.handle_timer(now)

    # Giving up

    def _cancel(self, now: float) -> None:
        """Cancel our INVITE; the final response must come in time. Source: section 9.1."""
        self._patience = now + self._account.timers.accepted
        self._out.cancel(now)

    def _give_up(self, method: bytes, now: float) -> None:
        """Note that nobody answered a request, or acknowledged our response."""
        if method == b"ACK" and self._owes_bye:
            self._owes_bye = False
            self._bye(now)
        elif method == b"RAck":
            self.refuse(504, now, "no answer to our provisional response")
        elif self.state is State.CALLING and method in (b"INVITE", b"CANCEL"):
            self._exchange.invite = None
            unreached = method == b"INVITE" and not (self._leaving or self._rang)
            self._end(Ended(0, self._leaving or "no answer", unreached))
        elif self.state is State.ESTABLISHED and method not in (b"PRACK", b"NOTIFY"):
            if method != b"BYE":
                self._bye(now)
            self._end(Ended(408, f"no answer to {method.decode()}"))

    def _lose_patience(self, now: float) -> None:
        self._patience = inf
        if self.state is State.INCOMING:
            self.refuse(480, now, "nobody answered")
        elif self.state is State.CALLING and self._leaving:
            self._give_up(b"INVITE", now)
        elif self.state is State.CALLING:
            self.hang_up(now, "nobody answered")

    def _keep_session(self, now: float) -> None:
        """Refresh the session, or end it where the other side did not."""
        if self._timer.expired(now):
            self._bye(now)
            self._end(Ended(408, "the session timer ran out"))
        elif self._updates:
            self._out.ask(b"UPDATE", now, self._timer.refresh(now))
        else:
            self._timer.put_off(now)
            self._events.append(RefreshDue())

    # Responses to our INVITE

    def _receive_invite_response(self, request: Request, message: Message, now: float) -> None:
        if message.status < 200:
            self._receive_provisional(message, now)
        elif message.status < 300:
            self._receive_success(message, now)
        elif message.status in ASKING and not self._leaving:
            if reason := self._obstacle(request, message):
                self._receive_failure(message.status, reason, now)
                return
            self._out.again()
            self._rang = False
            self._patience = inf
            self._invite(self._offer, now)
        elif message.status == 422 and self._timer.lengthen(message):
            self._out.again()
            self._invite(self._offer, now)
        else:
            self._receive_failure(message.status, said(message.reason), now, moved_to(message))

    def _obstacle(self, request: Request, message: Message) -> str:
        """Take a 401, 407 or 494; return why nothing can be done about it, else empty."""
        if request.place != ON_PATH:
            return "challenged by somebody else than the line's proxy"
        if message.status != 494:
            return self._authorisation.receive_challenge(message)
        if self._agreement.receive_call_response(message):
            return ""
        return "no security agreement"

    def _receive_provisional(self, message: Message, now: float) -> None:
        if self.state is not State.CALLING:
            return
        first, self._rang = not self._rang, True
        if self._leaving:
            if first:
                self._cancel(now)
            return
        if first:
            self._patience = now + NO_ANSWER
        if message.status > 100:
            self._out.acknowledge_provisional(message, now)
            self._tell_progress(message)

    def _tell_progress(self, message: Message) -> None:
        """Tell what happens before the answer, unless the line does not want to know it."""
        if self._account.sticky_183 and self._progressed and message.status == 180:
            return
        self._progressed = self._progressed or message.status == 183
        heard = not self._account.judges_early_media or may_be_heard(message)
        self._events.append(Ringing(message.status, message.body if heard else b""))

    def _receive_success(self, message: Message, now: float) -> None:
        """Acknowledge a 2xx; a second dialog of a forked INVITE is hung up at once."""
        if self._out.is_confirmed(message):
            if self.state is State.ESTABLISHED and self._out.answers_last(message):
                self._acknowledge(message, now)
            return
        wanted = self.state is State.CALLING and not self._leaving
        try:
            made = self._out.confirm(message, wanted=wanted, now=now)
        except RemoteProtocolError as error:
            if self.state is State.CALLING:
                self._end(Ended(message.status, f"unusable answer: {error}"))
            return
        if made:
            self.state, self._patience = State.ESTABLISHED, inf
            self._acknowledge(message, now)
        elif self.state is State.CALLING:
            self._end(Ended(487, self._leaving))

    def _acknowledge(self, message: Message, now: float) -> None:
        if self._out.acknowledge(message, now):
            self._learn(message)
            self._timer.agree(message, now)
            self._events.append(Answered(self._out.answer_of(message)))

    def _receive_failure(self, status: int, reason: str, now: float, moved: bytes = b"") -> None:
        if self.state is State.CALLING:
            unreached = status == 503 and not self._leaving
            moved = b"" if self._leaving else moved
            self._end(Ended(status, self._leaving or reason, unreached, moved))
        elif self.state is State.ESTABLISHED and status == 491:
            share = int.from_bytes(self._entropy(4)) / 2**32
            self._again = now + (GLARE + share * 1.9 if self._ours else share * 2)
        elif self.state is State.ESTABLISHED and status in (408, 481):
            self._bye(now)
            self._end(Ended(status, reason))
        elif self.state is State.ESTABLISHED:
            self._events.append(OfferRefused(status))


def _expires(message: Message) -> float:
    """Return how long an INVITE is good for, in seconds. Source: RFC 3261 section 13.3.1."""
    return int(message.first(b"expires") or 2**31)
