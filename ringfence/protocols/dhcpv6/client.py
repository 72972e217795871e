"""A DHCPv6 client without a socket or a clock.

Theory of operation. As that of IPv4: the caller hands in datagrams and the time, sends what
`messages_to_send` returns to every server on the link, calls `handle_timer` when `get_timer` is
due, and obeys the events. A message counts only with our transaction and our identifier; one that
then breaks a rule becomes a `Refused` event and changes nothing.

    SOLICITING -> REQUESTING -> BOUND -> RENEWING -> REBINDING
        |  rapid commit           | T1           T2
        |                         +-> CONFIRMING, when the wire was away or the phone began anew
        +-- no answer, no address, not on this link, expiry; DECLINING where somebody has it

    INFORMING -> INFORMED, where addresses are formed and a server only tells the rest

Source: RFC 8415 15, 18.2.
"""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcpv6.ask import Client6, ask
from ringfence.protocols.dhcpv6.lease import Lease6, StatusError, granted, told
from ringfence.protocols.dhcpv6.message import Message6, MessageType, parse
from ringfence.protocols.dhcpv6.options import Option6, StatusCode, seconds
from ringfence.protocols.dhcpv6.times import TIMES, State, wait

SERVER_PORT, CLIENT_PORT = 547, 546
SERVERS = "ff02::1:2"
"""Every server and relay on the link."""
LARGEST_DELAY = 1.0
"""Seconds before the first message, so that a site that comes back does not ask as one."""
BEST = 255
"""Preference of a server whose advertisement is taken at once."""
REMEMBERED = 16
"""Refusals reported for one transaction."""
REFRESH, SHORTEST_REFRESH = 86400.0, 600.0
"""Seconds until information is asked for again. Source: RFC 8415 21.23."""


_TO_ONE_SERVER = (State.REQUESTING, State.RENEWING, State.DECLINING)

_ELSEWHERE = (StatusCode.NO_ADDRESS, StatusCode.NOT_ON_LINK)
_LIMITS = range(60, 86401)
"""Seconds that options 82 and 83 may say."""


class Bound(Struct, frozen=True):
    """A server granted or renewed the lease, or told what it tells."""

    lease: Lease6
    asked_at: float
    """When the request was sent; the times of the lease count from here."""
    message: bytes
    """The reply, for `Exchange6.adopt` after a restart."""


class Lost(Struct, frozen=True):
    """The lease is over: the address must no longer be used."""

    reason: str


class Refused(Struct, frozen=True):
    """A datagram for us broke a rule and was thrown away."""

    source: str
    reason: str


class Unanswered(Struct, frozen=True):
    """Nobody answered in time; the message was sent again."""

    state: State
    tries: int


Event = Bound | Lost | Refused | Unanswered


class Exchange6:
    """One client on one link."""

    def __init__(self, client: Client6, entropy: Callable[[int], bytes]) -> None:
        self.state = State.IDLE
        self.tries = 0
        """Messages sent in this state."""
        self.refused = 0
        """Datagrams thrown away."""
        self._client = client
        self._entropy = entropy
        self._events: deque[Event] = deque()
        self._outgoing: list[bytes] = []
        self._timer: float | None = None
        self._interval = 0.0
        self._xid = 0
        self._began = 0.0
        self._asked_at = 0.0
        self._offer: tuple[int, Lease6] | None = None
        self._asked: Lease6 | None = None
        self._lease: Lease6 | None = None
        self._bound_at = 0.0
        self._limits = {state: times.largest for state, times in TIMES.items()}
        self._reported: set[tuple[str, str]] = set()

    def start(self, now: float, *, address: bool) -> None:
        """Look for a server after a short random time; without `address`, only ask it."""
        self._lease = self._asked = None
        self._enter(State.SOLICITING if address else State.INFORMING, now)
        self._timer = now + LARGEST_DELAY * int.from_bytes(self._entropy(2), "big") / 0xFFFF

    def adopt(self, message: bytes, asked_at: float, now: float) -> Lease6:
        """Go on with a lease of an earlier life; ask at once whether it holds on this link.

        Raises:
            RemoteProtocolError: `message` grants this client nothing.

        """
        reply = parse(message)
        if reply.first(Option6.CLIENT_ID) != self._client.duid:
            raise RemoteProtocolError("a lease of another client")
        lease = granted(reply, self._client.identity)
        self._lease, self._bound_at = lease, asked_at
        self._enter(State.CONFIRMING, now)
        self._send(now)
        return lease

    def receive_carrier(self, now: float) -> None:
        """Take notice that the wire is back, and perhaps another one. Source: RFC 8415 18.2.3."""
        if self._lease is not None:
            self._enter(State.CONFIRMING, now)
            self._send(now)
        elif self.state is not State.IDLE:
            self.start(now, address=self.state not in (State.INFORMING, State.INFORMED))

    def decline(self, now: float) -> None:
        """Tell the server that somebody else has the address, and ask for another one."""
        if self._lease is not None:
            self._asked, self._lease = self._lease, None
            self._events.append(Lost("somebody else has the address"))
            self._enter(State.DECLINING, now)
            self._send(now)

    def release(self, now: float) -> None:
        """Give the lease back, by one message that nobody waits for, and ask for nothing more."""
        if self._lease is not None:
            self._asked, self._lease = self._lease, None
            self._enter(State.IDLE, now)
            self._outgoing.append(self._ask(MessageType.RELEASE, now))
        self.state, self._timer = State.IDLE, None

    def receive_message(self, data: bytes, source: str, now: float) -> None:
        """Take a datagram that came to the client's port from the address `source`."""
        if self.state not in TIMES or not self.tries or not self._is_ours(data):
            return
        try:
            message = parse(data)
            if message.first(Option6.CLIENT_ID) != self._client.duid:
                raise RemoteProtocolError("it is for another client")
            self._obey_limits(message)
            if message.type is MessageType.ADVERTISE:
                self._receive_advertisement(message, now)
            elif message.type is MessageType.REPLY:
                self._receive_reply(message, data, now)
        except RemoteProtocolError as error:
            self._refuse(source, str(error))

    def messages_to_send(self) -> list[bytes]:
        """Return what is to be sent to `SERVERS` now, once."""
        ready, self._outgoing = self._outgoing, []
        return ready

    def get_timer(self) -> float | None:
        """Return when `handle_timer` is due; None while nothing can time out."""
        return self._timer

    def handle_timer(self, now: float) -> None:
        """Retransmit, renew, rebind or give up, if it is time to."""
        if self._timer is None or now < self._timer:
            return
        if self._lease is not None:
            self._handle_lease(self._lease, now)
        elif self.state is State.INFORMED:
            self._enter(State.INFORMING, now)
            self._send(now)
        elif self.state is State.SOLICITING and self._offer is not None:
            self._request(self._offer[1], now)
        elif self._is_spent(now):
            self._events.append(Unanswered(self.state, self.tries))
            self.start(now, address=True)
        else:
            self._repeat(now)

    def next_event(self) -> Event | None:
        """Return the next event; None when there is none."""
        return self._events.popleft() if self._events else None

    def _handle_lease(self, lease: Lease6, now: float) -> None:
        age = now - self._bound_at
        if age >= lease.valid:
            self._lose("it expired", now)
        elif age >= lease.rebinding_time and self.state is not State.REBINDING:
            self._enter(State.REBINDING, now)
            self._send(now)
        elif self.state is State.BOUND:
            self._enter(State.RENEWING, now)
            self._send(now)
        elif self._is_spent(now):  # a link without an answer is taken for the old one
            self._events.append(Unanswered(self.state, self.tries))
            self._enter(State.BOUND, now)
            self._timer = self._due(lease, now)
        else:
            self._repeat(now)

    def _is_ours(self, data: bytes) -> bool:
        return (
            len(data) >= 4
            and data[0] in (MessageType.ADVERTISE, MessageType.REPLY)
            and data[1:4] == self._xid.to_bytes(3, "big")
        )

    def _receive_advertisement(self, message: Message6, now: float) -> None:
        if self.state is not State.SOLICITING:
            return
        offer = granted(message, self._client.identity)
        if not offer.valid:
            raise RemoteProtocolError("an address without life")
        told = message.first(Option6.PREFERENCE) or b"\0"
        if self._offer is None or told[0] > self._offer[0]:
            self._offer = told[0], offer
        if self.tries > 1 or told[0] == BEST:
            self._request(self._offer[1], now)

    def _receive_reply(self, message: Message6, data: bytes, now: float) -> None:
        if self.state is State.SOLICITING and Option6.RAPID_COMMIT not in message.options:
            raise RemoteProtocolError("a reply that was not asked for")
        asked = self._asked or self._lease
        if self.state in _TO_ONE_SERVER and asked:
            server = message.first(Option6.SERVER_ID)
            if server != asked.server:
                raise RemoteProtocolError("a server that was not asked")
        if self.state is State.DECLINING:
            self.start(now, address=True)
        elif self.state is State.CONFIRMING:
            self._receive_confirmation(message, now)
        elif self.state is State.INFORMING:
            self._enter_informed(told(message), data, now)
        else:
            self._receive_lease(message, data, now)

    def _receive_confirmation(self, message: Message6, now: float) -> None:
        try:
            told(message)
        except StatusError as error:
            if error.code != StatusCode.NOT_ON_LINK:
                raise
            self._lose("it is not of this link", now)
            return
        self._enter(State.BOUND, now)
        if self._lease:
            self._timer = self._due(self._lease, now)

    def _receive_lease(self, message: Message6, data: bytes, now: float) -> None:
        try:
            lease = granted(message, self._client.identity)
        except StatusError as error:
            self._receive_status(error, now)
            raise
        if not lease.valid:
            if self._lease is None:
                raise RemoteProtocolError("an address without life")
            self._lose("the server ended it", now)
            return
        if self._lease is not None and self._lease.address != lease.address:
            self._events.append(Lost("the server lent another address"))
        self._lease, self._bound_at, self._asked = lease, self._asked_at, None
        self._enter(State.BOUND, now)
        self._timer = self._due(lease, now)
        self._events.append(Bound(lease, self._bound_at, data))

    def _receive_status(self, error: StatusError, now: float) -> None:
        """Go on after a server said that it cannot. Source: RFC 8415 18.2.10.1."""
        renewing = self.state in (State.RENEWING, State.REBINDING)
        if error.code == StatusCode.NO_BINDING and renewing and self._lease:
            self._request(self._lease, now)
        elif error.code in _ELSEWHERE and self.state is State.REQUESTING:
            self.start(now, address=True)

    def _enter_informed(self, lease: Lease6, data: bytes, now: float) -> None:
        refresh = REFRESH
        for value in lease.options.get(Option6.REFRESH_TIME, ()):
            refresh = max(float(seconds(value)), SHORTEST_REFRESH)
        self._enter(State.INFORMED, now)
        self._timer = now + refresh
        self._events.append(Bound(lease, self._asked_at, data))

    def _obey_limits(self, message: Message6) -> None:
        for code, state in (
            (Option6.SOLICIT_MAX, State.SOLICITING),
            (Option6.INFORMATION_MAX, State.INFORMING),
        ):
            value = message.first(code) or b""
            if len(value) == 4 and (limit := int.from_bytes(value, "big")) in _LIMITS:
                self._limits[state] = float(limit)

    def _request(self, offer: Lease6, now: float) -> None:
        self._asked = offer
        self._enter(State.REQUESTING, now)
        self._send(now)

    def _lose(self, reason: str, now: float) -> None:
        self._events.append(Lost(reason))
        self.start(now, address=True)

    def _enter(self, state: State, now: float) -> None:
        self.state = state
        self.tries, self._interval = 0, 0.0
        self._offer = None
        self._began = now
        self._xid = int.from_bytes(self._entropy(3), "big")
        self._reported.clear()

    def _is_spent(self, now: float) -> bool:
        times = TIMES[self.state]
        over = bool(times.duration) and now - self._began >= times.duration
        return over or bool(times.tries and self.tries >= times.tries)

    def _repeat(self, now: float) -> None:
        if self.tries:
            self._events.append(Unanswered(self.state, self.tries))
        else:
            self._began = now
        self._send(now)

    def _send(self, now: float) -> None:
        self.tries += 1
        self._asked_at = now
        times = TIMES[self.state]
        self._outgoing.append(self._ask(times.kind, now))
        self._interval = wait(
            self.state, self._interval, self._limits[self.state], self._entropy(2)
        )
        self._timer = now + self._interval
        lease = self._lease
        if times.duration:
            self._timer = min(self._timer, self._began + times.duration)
        if lease is not None:
            late = self.state is State.REBINDING
            end = self._bound_at + (lease.valid if late else lease.rebinding_time)
            self._timer = min(self._timer, max(end, now))

    def _ask(self, kind: MessageType, now: float) -> bytes:
        return ask(self._client, kind, self._xid, now - self._began, self._asked or self._lease)

    def _due(self, lease: Lease6, now: float) -> float | None:
        due = self._bound_at + min(lease.renewal_time, lease.valid)
        return None if due == float("inf") else max(due, now)

    def _refuse(self, source: str, reason: str) -> None:
        self.refused += 1
        known = (source, reason)
        if known not in self._reported and len(self._reported) < REMEMBERED:
            self._reported.add(known)
            self._events.append(Refused(source, reason))
