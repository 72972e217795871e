"""Our requests of one call: numbered, addressed, signed, and the dialogs that they make.

Source: RFC 3261 sections 12, 13.2 and 14.1; RFC 3262 section 4.
"""

from collections.abc import Callable

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.authorisation import Authorisation
from ringfence.protocols.sip.capabilities import RELIABLE, names
from ringfence.protocols.sip.dialog import Dialog, tag_of
from ringfence.protocols.sip.exchange import ON_PATH, Exchange, Fields
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.request import Request

OWN = frozenset(
    b"Content-Type Session-Expires Supported Refer-To Referred-By Event Subscription-State".split()
)
"""Fields of a request inside a dialog that say what it asks; a repetition has them, too."""
MOST_FORKS = 8
"""Most phones that may ring, or answer, for one INVITE of ours."""


class Fork(Struct):
    """A dialog that a provisional response made, and how far its reliable ones were taken."""

    dialog: Dialog
    sequence: int = 0
    """RSeq of the last one that was acknowledged."""
    answer: bytes = b""
    """The answer that one of them brought."""


class Outgoing:
    """What a call asks, inside its dialog and before there is one."""

    def __init__(
        self,
        account: Account,
        exchange: Exchange,
        authorisation: Authorisation,
        entropy: Callable[[int], bytes],
        agreement: Agreement,
    ) -> None:
        self.dialog: Dialog | None = None
        self.forks: dict[bytes, Fork] = {}
        """By the tag of whom rings."""
        self._account = account
        self._exchange = exchange
        self._authorisation = authorisation
        self._entropy = entropy
        self._agreement = agreement
        self._strays: dict[bytes, Request] = {}
        """The ACK of each answer that came too late, by its tag."""
        self._ack: Request | None = None
        """Sent again when a 2xx is repeated."""
        self._who: Fields = ()
        self._first: Fields = ()
        """Of the INVITE that makes the dialog alone."""
        self._uri = b""
        self._cseq = 1
        """Of our last INVITE."""
        self._early_answer = b""
        self.places: set[str] = set()
        """Addresses that requests went to beside the path of the call."""

    def begin(self, target: bytes, fields: Fields = ()) -> bytes:
        """Address the INVITE that is to make the dialog; return its Call-ID.

        It has further fields, which no request inside the dialog has.
        """
        self._first = fields
        call_id = self._entropy(12).hex().encode()
        self._uri = target
        self._who = (
            (b"From", self._account.sender(self._entropy(6).hex().encode())),
            (b"To", b"<%b>" % target),
            (b"Call-ID", call_id),
            *self._account.routes(),
        )
        return call_id

    def send(self, method: bytes, now: float, fields: Fields = (), body: bytes = b"") -> Request:
        """Send a request inside the dialog, or the INVITE that is to make it."""
        uri, who = self.dialog.path() if self.dialog else (self._uri, self._who)
        cseq = self.dialog.next_cseq() if self.dialog else self._cseq
        self._cseq = cseq if method == b"INVITE" else self._cseq
        place = self._place(self.dialog)
        agreed = self._agreement.fields(method) if place == ON_PATH else ()
        fields = [*who, *fields, *(() if self.dialog else self._first), *agreed]
        made = self._exchange.build(method, cseq, uri, fields, body, place)
        self._exchange.send(made, now)
        return made

    def ask(self, method: bytes, now: float, fields: Fields = (), body: bytes = b"") -> None:
        """Send a new request; challenges to it are counted afresh."""
        self._authorisation.begin()
        self.send(method, now, fields, body)

    def _place(self, dialog: Dialog | None) -> tuple[str, int]:
        """Return where a request goes: the path of the call, unless the line follows dialogs."""
        flow = self._exchange.flow
        if dialog is None or flow.reliable or not self._account.straight:
            return ON_PATH
        place = dialog.place
        if not place[0] or (":" in place[0]) != (":" in flow.host):
            return ON_PATH
        self.places.add(place[0])
        return place

    def repeat(self, request: Request, now: float) -> None:
        """Send a request inside the dialog again, with credentials that a challenge asked for."""
        own = [field for field in request.fields if field[0] in OWN]
        self.send(request.method, now, own, request.body)

    def again(self) -> None:
        """Give the next INVITE another number, because the last one was refused or challenged."""
        self._cseq += not self.dialog
        self.forks.clear()

    def cancel(self, now: float) -> None:
        """Cancel our INVITE."""
        if self._exchange.invite:
            self._exchange.send(self._exchange.invite.request.cancel(), now)

    # Reliable provisional responses

    def acknowledge_provisional(self, message: Message, now: float) -> None:
        """Note who rings, and send the PRACK of a response that asks for one.

        Those out of order are left for their repetition. Source: RFC 3262 section 4.
        """
        tag = tag_of(message.first(b"to"))
        if not tag or not self._account.reliable or not message.first(b"contact"):
            return
        if tag not in self.forks:
            if len(self.forks) >= MOST_FORKS:
                return
            try:
                self.forks[tag] = Fork(Dialog.of_response(message, self._cseq))
            except RemoteProtocolError:
                return
        fork, number = self.forks[tag], _number(message.first(b"rseq"))
        if not names(message, b"require", RELIABLE) or not number:
            return
        if fork.sequence and number != fork.sequence + 1:
            return
        fork.sequence = number
        fork.answer = fork.answer or message.body
        self._prack(fork, b"%d %d INVITE" % (number, message.cseq()[0]), now)

    def repeat_prack(self, request: Request, now: float) -> None:
        """Send a PRACK again, with the credentials that a challenge asked for."""
        fork = self.forks.get(tag_of(request.first(b"To")))
        if fork:
            self._prack(fork, request.first(b"RAck"), now)

    def _prack(self, fork: Fork, acknowledged: bytes, now: float) -> None:
        uri, who = fork.dialog.path()
        place = self._place(fork.dialog)
        agreed = self._agreement.fields(b"PRACK") if place == ON_PATH else ()
        fields = [*who, (b"RAck", acknowledged), *agreed]
        cseq = fork.dialog.next_cseq()
        made = self._exchange.build(b"PRACK", cseq, uri, fields, place=place)
        self._exchange.send(made, now)

    # Answers to our INVITE

    def confirm(self, message: Message, *, wanted: bool, now: float) -> bool:
        """Take a 2xx that makes a dialog; return whether it is ours now.

        One that is not `wanted`, or comes second, is acknowledged and hung up. Source: RFC 3261
        section 13.2.2.4.

        Raises:
            RemoteProtocolError: it makes no dialog.

        """
        tag = tag_of(message.first(b"to"))
        if stray := self._strays.get(tag):
            self._exchange.send(stray, now)
            return False
        if len(self._strays) >= MOST_FORKS:
            return False
        number = message.cseq()[0]
        made = Dialog.of_response(message, number)
        fork = self.forks.get(tag)
        if fork:
            made.cseq = max(made.cseq, fork.dialog.cseq)
            made.remote_cseq = fork.dialog.remote_cseq
        if wanted and self.dialog is None:
            self.dialog = made
            self._early_answer = fork.answer if fork else b""
            return True
        held, self.dialog = self.dialog, made
        self._strays[tag] = self._acknowledge(number, now)
        self._authorisation.begin()
        self.send(b"BYE", now)
        self.dialog = held
        return False

    def is_confirmed(self, message: Message) -> bool:
        """Return whether a response belongs to the dialog."""
        held = self.dialog
        return bool(held and tag_of(message.first(b"to")) == tag_of(held.remote))

    def answers_last(self, message: Message) -> bool:
        """Return whether a response is for our last INVITE."""
        return message.cseq()[0] == self._cseq

    def acknowledge(self, message: Message, now: float) -> bool:
        """Send the ACK of a 2xx; return whether that is the first one."""
        if self._ack and self._ack.first(b"CSeq") == b"%d ACK" % self._cseq:
            self._exchange.send(self._ack, now)
            return False
        if self.dialog:
            self.dialog.refresh(message)
        self._ack = self._acknowledge(self._cseq, now)
        return True

    def answer_of(self, message: Message) -> bytes:
        """Return the answer that a 2xx completes; a reliable 1xx may have brought it before."""
        early, self._early_answer = self._early_answer, b""
        return message.body or early

    def _acknowledge(self, cseq: int, now: float) -> Request:
        invite, place = self._exchange.invite, self._place(self.dialog)
        fields = invite.request.credentials() if invite and place == ON_PATH else []
        uri, who = self.dialog.path() if self.dialog else (self._uri, self._who)
        made = self._exchange.build(b"ACK", cseq, uri, [*who, *fields], place=place)
        self._exchange.send(made, now)
        return made


def _number(text: bytes) -> int:
    """Return an RSeq; 0 where it is none."""
    return int(text) if text.isdigit() and len(text) <= 10 and int(text) < 2**31 else 0
