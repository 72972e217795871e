"""The four transactions: when a message is sent again, and when its sender gives up.

Each holds one deadline and one retransmission; the owner passes the time in, sends what
`messages_to_send` returns, and forgets the transaction once it is `over`.

Source: RFC 3261 section 17; RFC 6026.
"""

import enum
from math import inf

from msgspec import Struct

from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.request import Request


class Timers(Struct, frozen=True):
    """Seconds, from Voice > SIP > SIP Timer Values. Source: RFC 3261 table 4; phone-facts 1.3."""

    t1: float = 0.5
    t2: float = 4.0
    f: float = 16.0
    """Longest wait for the final response of a request other than INVITE."""
    b: float = 16.0
    """Longest wait for the first response of an INVITE."""
    h: float = 16.0
    """Longest wait for an ACK."""
    d: float = 16.0
    """How long repeated final responses of an INVITE are answered with the ACK."""
    j: float = 16.0
    """How long a request other than INVITE may be repeated."""
    t4: float = 5.0

    @property
    def accepted(self) -> float:
        """Longest life of an INVITE after its 2xx, L and M. Source: RFC 6026 section 8.4."""
        return 64 * self.t1


class State(enum.Enum):
    """States of RFC 3261 section 17 and RFC 6026; a kind of transaction uses some of them."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


_TRYING = State.TRYING


class Transaction:
    """A message that may be repeated, until a time."""

    __slots__ = (
        "_again",
        "_deadline",
        "_interval",
        "_message",
        "_reliable",
        "_timers",
        "_to_send",
        "state",
        "timed_out",
    )

    def __init__(
        self,
        timers: Timers,
        reliable: bool,
        message: bytes = b"",
        again: float = inf,
        deadline: float = inf,
    ) -> None:
        """Send a message, if there is one yet; again and to the end at these times."""
        self.state = _TRYING
        self.timed_out = False
        """The other side did not answer in time."""
        self._timers = timers
        self._reliable = reliable
        self._message = message
        self._interval = timers.t1
        self._again = inf if reliable else again
        self._deadline = deadline
        self._to_send = [message] if message else []

    @property
    def over(self) -> bool:
        """Whether the owner may forget it."""
        return self.state is State.TERMINATED

    def messages_to_send(self) -> list[bytes]:
        """Return what to send now, and forget it."""
        due, self._to_send = self._to_send, []
        return due

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called; infinity while nothing is waited for."""
        return min(self._again, self._deadline)

    def handle_timer(self, now: float) -> None:
        """Send again, or end."""
        if now >= self._deadline:
            self._expire()
        elif now >= self._again:
            self._to_send.append(self._message)
            self._interval = self._next_interval()
            self._again = now + self._interval

    def _expire(self) -> None:
        self.timed_out = self.state in (State.TRYING, State.PROCEEDING)
        self._end()

    def _next_interval(self) -> float:
        return min(self._interval * 2, self._timers.t2)

    def _send(self, message: bytes, now: float, *, repeat: bool) -> None:
        self._message = message
        self._to_send.append(message)
        self._interval = self._timers.t1
        self._again = now + self._interval if repeat and not self._reliable else inf

    def _stay(self, state: State, until: float) -> None:
        self.state, self._again, self._deadline = state, inf, until

    def _end(self) -> None:
        self._stay(State.TERMINATED, inf)


class ClientTransaction(Transaction):
    """A request other than INVITE. Source: RFC 3261 section 17.1.2.

    A final response ends it: the caller forgets it then, so timer K has nothing to absorb.
    """

    __slots__ = ()

    def __init__(self, request: bytes, timers: Timers, reliable: bool, now: float) -> None:
        Transaction.__init__(self, timers, reliable, request, now + timers.t1, now + timers.f)

    def receive_provisional(self, now: float) -> None:
        """Slow the retransmissions down: the server has the request."""
        self.state = State.PROCEEDING
        if self._again != inf:
            self._interval = self._timers.t2
            self._again = now + self._interval


class InviteClientTransaction(Transaction):
    """An INVITE that we sent. Source: RFC 3261 section 17.1.1; RFC 6026 section 8.4."""

    __slots__ = ("request",)

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(timers, reliable, request.encode(), now + timers.t1, now + timers.b)
        self.request = request

    def receive_response(self, message: Message, now: float) -> bool:
        """Return whether the caller is to see a response; a failure is acknowledged here.

        The ACK of a 2xx is the caller's, because it belongs to the dialog.
        """
        if message.status < 200:
            if self.state not in (State.TRYING, State.PROCEEDING):
                return False
            self._stay(State.PROCEEDING, inf)
            return True
        if message.status < 300:
            if self.state not in (State.TRYING, State.PROCEEDING, State.ACCEPTED):
                return False
            if self.state is not State.ACCEPTED:
                self._stay(State.ACCEPTED, now + self._timers.accepted)
            return True
        if self.state is State.ACCEPTED:
            return False
        first = self.state is not State.COMPLETED
        self._to_send.append(self.request.ack(message.first(b"to")).encode())
        if first and self._reliable:
            self._end()
        elif first:
            self._stay(State.COMPLETED, now + self._timers.d)
        return first

    def _next_interval(self) -> float:
        return self._interval * 2


class ServerTransaction(Transaction):
    """A request other than INVITE that we answer. Source: RFC 3261 section 17.2.2."""

    __slots__ = ()

    def __init__(self, *, reliable: bool, timers: Timers) -> None:
        super().__init__(timers, reliable)

    def respond(self, response: bytes, now: float) -> None:
        """Send the final response."""
        self._send(response, now, repeat=False)
        self._stay(State.COMPLETED, now + (0 if self._reliable else self._timers.j))

    def receive_again(self) -> None:
        """Answer the same request as before."""
        if self._message:
            self._to_send.append(self._message)


class InviteServerTransaction(Transaction):
    """An INVITE that we answer. Source: RFC 3261 section 17.2.1; RFC 6026 section 8.5.

    The 2xx is repeated here as well until its ACK, over reliable transports, too (RFC 3261
    section 13.3.1.4).
    """

    __slots__ = ()

    def __init__(self, *, reliable: bool, timers: Timers) -> None:
        super().__init__(timers, reliable)
        self.state = State.PROCEEDING

    @property
    def unanswered(self) -> bool:
        """Whether it waits for a final response."""
        return self.state is State.PROCEEDING

    @property
    def open(self) -> bool:
        """Whether it is not answered yet, or its 2xx not acknowledged."""
        return self.unanswered or (self.state is State.ACCEPTED and self._again != inf)

    def respond(self, status: int, response: bytes, now: float) -> None:
        """Send a response; a final one is repeated until it is acknowledged."""
        if self.state is not State.PROCEEDING:
            return
        self._send(response, now, repeat=status >= 300)
        if 200 <= status < 300:
            self.state = State.ACCEPTED
            self._again, self._deadline = now + self._timers.t1, now + self._timers.accepted
        elif status >= 300:
            self.state = State.COMPLETED
            self._deadline = now + self._timers.h

    def receive_again(self) -> None:
        """Answer a repeated INVITE as before; after a 2xx the repetition does it."""
        if self._message and self.state in (State.PROCEEDING, State.COMPLETED):
            self._to_send.append(self._message)

    def receive_ack(self, now: float) -> None:
        """Stop the repetition."""
        if self.state is State.COMPLETED:
            self._stay(State.CONFIRMED, now + (0 if self._reliable else self._timers.t4))
        elif self.state is State.ACCEPTED:
            self._again = inf

    def _expire(self) -> None:
        self.timed_out = self.state is State.COMPLETED or self.open
        self._end()


class ReliableProvisional(Transaction):
    """A provisional response that is repeated until its PRACK. Source: RFC 3262 section 3."""

    __slots__ = ()

    def __init__(self, response: bytes, *, timers: Timers, now: float) -> None:
        super().__init__(timers, False, response, now + timers.t1, now + timers.accepted)

    def stop(self) -> None:
        """Repeat it no more: it was acknowledged, or a final response makes it pointless."""
        self._end()

    def _next_interval(self) -> float:
        return self._interval * 2
