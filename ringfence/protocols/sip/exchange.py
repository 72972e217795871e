"""The transactions of one call: what we asked, what we were asked, and what is to be sent again."""

from collections.abc import Callable, Sequence
from math import inf

from msgspec import Struct

from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.authorisation import Authorisation
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.request import BRANCH_MAGIC, Request
from ringfence.protocols.sip.response import Reply, Source, build_response
from ringfence.protocols.sip.transaction import (
    ClientTransaction,
    InviteClientTransaction,
    InviteServerTransaction,
    ReliableProvisional,
    ServerTransaction,
    State,
    Transaction,
)

Fields = Sequence[tuple[bytes, bytes]]
ON_PATH = ("", 0)
"""The place of a request that travels the path of its call."""
MOST_SERVED = 16
"""Most requests of the other side that are remembered at once, besides its INVITE."""


class Asked(Struct, frozen=True):
    """A request as it came in, and where its response goes."""

    message: Message
    via: bytes
    """The topmost Via of the response, stamped."""
    source: Source
    """Where it came from, with the port to answer to."""

    @property
    def branch(self) -> bytes:
        """What a retransmission and a CANCEL have in common with it."""
        return self.message.branch

    def is_alike(self, other: "Asked") -> bool:
        """Return whether it repeats, cancels or acknowledges another one of the same sender.

        Source: RFC 3261 sections 9.2 and 17.2.3.
        """
        number = self.message.cseq()[0], self.branch, self.source.address
        return number == (other.message.cseq()[0], other.branch, other.source.address)

    def reply(self, data: bytes) -> Reply:
        """Return a response to it with the place it goes to."""
        return Reply(data, self.source.port, self.source.address)


class Sent(Struct):
    """A request of ours other than INVITE, and its transaction."""

    request: Request
    transaction: ClientTransaction


class Exchange:
    """Builds the requests and responses of a call and repeats them as they need."""

    def __init__(
        self,
        account: Account,
        flow: Flow,
        authorisation: Authorisation,
        entropy: Callable[[int], bytes],
        key: bytes,
    ) -> None:
        self.flow = flow
        self.invite: InviteClientTransaction | None = None
        """Our last INVITE, until nothing of it can be repeated any more."""
        self.served: InviteServerTransaction | None = None
        """Their INVITE."""
        self.asked: Asked | None = None
        """Their INVITE itself."""
        self.promised: ReliableProvisional | None = None
        """A provisional response of ours that waits for its PRACK."""
        self._promises = 0
        """RSeq of the last one."""
        self._redeemable = False
        self._account = account
        self._authorisation = authorisation
        self._entropy = entropy
        self.key = key
        """Makes our tags."""
        self._earlier: list[InviteClientTransaction] = []
        """INVITEs of ours that were refused, and whose refusal may be repeated."""
        self._sent: list[Sent] = []
        self._answered: dict[tuple[bytes, bytes], tuple[ServerTransaction, Asked]] = {}
        self._due: list[Reply] = []

    def build(  # noqa: PLR0913 - a request has as many parts
        self,
        method: bytes,
        cseq: int,
        uri: bytes,
        fields: Fields,
        body: bytes = b"",
        place: tuple[str, int] = ON_PATH,
    ) -> Request:
        """Return a request; From, To and Call-ID come among the fields.

        One that leaves the path to the line's proxy shows nobody else credentials.
        """
        branch = BRANCH_MAGIC + self._entropy(10).hex().encode()
        made = [
            (b"Via", self.flow.via(branch)),
            (b"Max-Forwards", b"%d" % self._account.max_forwards),
            *fields,
            (b"CSeq", b"%d %b" % (cseq, method)),
        ]
        if method in (b"INVITE", b"UPDATE", b"REFER", b"NOTIFY"):
            made.append((b"Contact", b"<%b>" % self._account.contact(self.flow)))
        if method != b"ACK" and place == ON_PATH:
            made += self._authorisation.fields(method, uri)
        if self._account.user_agent:
            made.append((b"User-Agent", self._account.user_agent.encode()))
        if body and all(name != b"Content-Type" for name, _ in made):
            made.append((b"Content-Type", b"application/sdp"))
        return Request(method, uri, tuple(made), body, place)

    def send(self, request: Request, now: float) -> None:
        """Send a request, and again as its method needs; an ACK only once."""
        timers, reliable = self._account.timers, self.flow.reliable
        if request.method == b"ACK":
            self._due.append(_to(request, request.encode()))
        elif request.method == b"INVITE":
            if self.invite:
                self._earlier.append(self.invite)
            self.invite = InviteClientTransaction(
                request, reliable=reliable, timers=timers, now=now
            )
        else:
            transaction = ClientTransaction(request.encode(), timers, reliable, now)
            self._sent.append(Sent(request, transaction))

    def receive_response(self, message: Message, now: float) -> Request | None:
        """Return the request that a response is for, None where there is nothing to do about it."""
        branch, method = message.branch, message.cseq()[1]
        if method == b"INVITE":
            for invite in self._invites():
                if branch_of_request(invite.request) == branch:
                    return invite.request if invite.receive_response(message, now) else None
            return None
        for one in self._sent:
            if one.request.method == method and branch_of_request(one.request) == branch:
                if message.status < 200:
                    one.transaction.receive_provisional(now)
                    return None
                self._sent.remove(one)
                return one.request
        return None

    def serve(self, asked: Asked) -> None:
        """Take an INVITE that will be answered by `respond`."""
        self.asked = asked
        self.served = InviteServerTransaction(
            reliable=asked.source.reliable, timers=self._account.timers
        )

    def respond(self, status: int, fields: Fields, now: float, body: bytes = b"") -> None:
        """Answer their INVITE."""
        if self.asked and self.served:
            if self.promised and status >= 200:
                self.promised.stop()
            self.served.respond(status, self._response(self.asked, status, fields, body), now)

    def promise(self, status: int, fields: Fields, now: float) -> None:
        """Answer their INVITE provisionally, until it is acknowledged. Source: RFC 3262."""
        if self.asked is None or (self.promised and not self.promised.over):
            return
        self._promises = self._promises + 1 if self._promises else 1 + self._entropy(2)[0]
        fields = [*fields, (b"Require", b"100rel"), (b"RSeq", b"%d" % self._promises)]
        response = self._response(self.asked, status, fields, b"")
        self.promised = ReliableProvisional(response, timers=self._account.timers, now=now)
        self._redeemable = True

    def redeem(self, acknowledged: bytes) -> bool:
        """Take the RAck of a PRACK; return whether it is for our last provisional response."""
        if self.asked is None or not self._redeemable:
            return False
        number, method = self.asked.message.cseq()
        if acknowledged.split() != [b"%d" % self._promises, b"%d" % number, method]:
            return False
        self._redeemable = False
        if self.promised:
            self.promised.stop()
        return True

    def answer(
        self, asked: Asked, status: int, now: float, fields: Fields = (), body: bytes = b""
    ) -> None:
        """Answer a request other than their pending INVITE, and its retransmissions alike."""
        response = self._response(asked, status, fields, body)
        method = asked.message.method
        if method == b"INVITE" or len(self._answered) >= MOST_SERVED:
            self._due.append(asked.reply(response))
            return
        made = ServerTransaction(reliable=asked.source.reliable, timers=self._account.timers)
        made.respond(response, now)
        self._answered[asked.branch, method] = (made, asked)

    def is_repeated(self, asked: Asked) -> bool:
        """Answer a retransmission as before; return whether it was one."""
        method = asked.message.method
        if method == b"INVITE" and self.asked and self.asked.is_alike(asked):
            if self.served:
                self.served.receive_again()
            return True
        held = self._answered.get((asked.branch, method))
        if held and held[1].is_alike(asked):
            held[0].receive_again()
            return True
        return False

    @property
    def invite_is_open(self) -> bool:
        """Whether our INVITE has no final response yet."""
        return bool(self.invite and self.invite.state in (State.TRYING, State.PROCEEDING))

    def messages_to_send(self) -> list[Reply]:
        """Return what to send now, and forget it; port 0 stands for the call's own path."""
        due, self._due = self._due, []
        for invite in self._invites():
            due += [_to(invite.request, data) for data in invite.messages_to_send()]
        for transaction, asked in self._answered.values():
            due += [asked.reply(data) for data in transaction.messages_to_send()]
        for one in self._sent:
            due += [_to(one.request, data) for data in one.transaction.messages_to_send()]
        for served in (self.served, self.promised):
            if served and self.asked:
                due += [self.asked.reply(data) for data in served.messages_to_send()]
        return due

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called; infinity for never."""
        return min((one.get_timer() for one in self._all()), default=inf)

    def handle_timer(self, now: float) -> list[bytes]:
        """Send again what is due; return the methods of requests that nobody answered.

        `ACK` stands for an INVITE of theirs whose ACK never came, `RAck` for a PRACK.
        """
        for one in self._all():
            if now >= one.get_timer():
                one.handle_timer(now)
        lost = [one.request.method for one in self._sent if one.transaction.over]
        self._sent = [one for one in self._sent if not one.transaction.over]
        self._earlier = [one for one in self._earlier if not one.over]
        if self.invite and self.invite.over:
            lost += [b"INVITE"] * self.invite.timed_out
            self.invite = None
        if self.served and self.served.over:
            lost += [b"ACK"] * self.served.timed_out
            self.served = self.asked = None
        if self.promised and self.promised.over:
            lost += [b"RAck"] * self.promised.timed_out
            self.promised = None
        self._answered = {key: one for key, one in self._answered.items() if not one[0].over}
        return lost

    @property
    def over(self) -> bool:
        """Whether nothing is under way any more."""
        waiting = (*self._invites(), self.served, *self._sent, *self._answered, *self._due)
        return not any(waiting)

    def _invites(self) -> list[InviteClientTransaction]:
        return [*self._earlier, self.invite] if self.invite else list(self._earlier)

    def _all(self) -> list[Transaction]:
        return [
            *self._invites(),
            *(one for one in (self.served, self.promised) if one),
            *(one.transaction for one in self._sent),
            *(one for one, _ in self._answered.values()),
        ]

    def _response(self, asked: Asked, status: int, fields: Fields, body: bytes) -> bytes:
        made = list(fields)
        if asked.message.method in (b"INVITE", b"UPDATE", b"REFER") and 100 < status < 300:
            made += [(b"Record-Route", value) for value in asked.message.all(b"record-route")]
            made.append((b"Contact", b"<%b>" % self._account.contact(self.flow)))
        return build_response(asked.message, asked.via, self.key, status, made, body)


def _to(request: Request, data: bytes) -> Reply:
    """Return a message of a request with the place that it goes to."""
    address, port = request.place
    return Reply(data, port, address)


def branch_of_request(request: Request) -> bytes:
    """Return the branch of a request of ours."""
    return request.fields[0][1].partition(b";branch=")[2].partition(b";")[0]
