"""A DHCPv4 client without a socket or a clock.

Theory of operation. The caller hands in datagrams and the time, sends what
`messages_to_send` returns, calls `handle_timer` when `get_timer` is due, and obeys the events.
A datagram counts only with our transaction and hardware address; one that then breaks a rule
becomes a `Refused` event and changes nothing, so that a good server beside a bad one still
wins. A server that offered and then failed us is asked again only if nobody else offers.

    INIT -> SELECTING -> REQUESTING -> BOUND -> RENEWING -> REBINDING
     ^       ^   DISCOVER     REQUEST  |  T1: unicast   T2: broadcast
     |       |                         +-> REBOOTING, when the wire was away
     |       +------ no answer, NAK, expiry
     +-------------- somebody else has the address: DECLINE, a pause; or given back: RELEASE
"""

import enum
from collections import deque
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp import ask
from ringfence.protocols.dhcp.ask import NOWHERE, Client, Outgoing
from ringfence.protocols.dhcp.lease import Lease, granted
from ringfence.protocols.dhcp.message import (
    Message,
    MessageType,
    build,
    is_reply,
    parse,
)
from ringfence.protocols.dhcp.options import Option, addresses, packed

FIRST_DELAY, LAST_DELAY = 4.0, 64.0
"""Seconds to the first and to every late retransmission, ±1. Source: RFC 2131 4.1."""
REQUEST_TRIES = 2
"""Requests to a server that offered, before the others are asked again."""
RENEWAL_PAUSE = 60.0
"""Least seconds between renewals; a sixteenth of a short lease. Source: RFC 2131 4.4.5."""
DECLINE_PAUSE, LONGEST_PAUSE = 10.0, 60.0
"""Seconds after an address that somebody has, until another one is asked for; each time longer.
Source: RFC 2131 3.1, step 5; RFC 5227 2.1.1."""
REMEMBERED = 16
"""Refusals reported for one transaction, and servers remembered as failed."""


class State(enum.Enum):
    """Where the client is. Source: RFC 2131 figure 5."""

    INIT = "Init"
    SELECTING = "Selecting"
    REQUESTING = "Requesting"
    BOUND = "Bound"
    RENEWING = "Renewing"
    REBINDING = "Rebinding"
    REBOOTING = "Rebooting"
    """Asking everyone whether the lease still holds on this wire."""


class Bound(Struct, frozen=True):
    """A server granted or renewed the lease."""

    lease: Lease
    asked_at: float
    """When the request was sent; the times of the lease count from here."""
    message: bytes
    """The acknowledgement, for `Exchange.adopt` after a restart."""


class Lost(Struct, frozen=True):
    """The lease is over: the address must no longer be used."""

    reason: str


class Refused(Struct, frozen=True):
    """A datagram for us broke a rule and was thrown away."""

    source: str
    """IPv4 address that it came from."""
    reason: str


class Unanswered(Struct, frozen=True):
    """Nobody answered in time; the message was sent again."""

    state: State
    tries: int


Event = Bound | Lost | Refused | Unanswered


class Exchange:
    """One client on one wire."""

    def __init__(self, client: Client, entropy: Callable[[int], bytes]) -> None:
        self.state = State.INIT
        self.tries = 0
        """Messages sent in this state."""
        self.refused = 0
        """Datagrams thrown away."""
        self._client = client
        self._entropy = entropy
        self._events: deque[Event] = deque()
        self._outgoing: list[Outgoing] = []
        self._timer: float | None = None
        self._xid = 0
        self._began = 0.0
        self._asked_at = 0.0
        self._asked: Lease | None = None
        self._held: Lease | None = None
        self._lease: Lease | None = None
        self._bound_at = 0.0
        self._declined = 0
        """Addresses declined since one was renewed."""
        self._failed: set[str] = set()
        self._reported: set[tuple[str, str]] = set()

    def start(self, now: float) -> None:
        """Look for a server, at once."""
        self._lease = self._asked = None
        self._began = now
        self._enter(State.SELECTING)
        self._send(now)

    def adopt(self, message: bytes, asked_at: float, now: float) -> Lease:
        """Go on with a lease of an earlier life whose address is still in place.

        It counts as bound; its server is asked at once whether that still holds.

        Raises:
            RemoteProtocolError: `message` grants this client nothing.

        """
        acknowledged = parse(message)
        lease = granted(acknowledged)
        if acknowledged.chaddr != self._client.hardware:
            raise RemoteProtocolError("a lease of another interface")
        self._lease, self._bound_at = lease, asked_at
        self._enter(State.RENEWING)
        self._send(now)
        return lease

    def receive_carrier(self, now: float) -> None:
        """Take notice that the wire is back, and perhaps another one.

        Source: RFC 2131 3.7 and 4.4.2.
        """
        if self._lease is None:
            self.start(now)
        else:
            self._enter(State.REBOOTING)
            self._send(now)

    def decline(self, reason: str, now: float) -> None:
        """Tell the server that somebody else has the address; look for another one in a while.

        Source: RFC 2131 3.1, step 5.
        """
        if (lease := self._lease) is None:
            return
        self._declined += 1
        self._last_word(MessageType.DECLINE, lease)
        self._events.append(Lost(reason))
        self._timer = now + min(self._declined * DECLINE_PAUSE, LONGEST_PAUSE)

    def release(self, now: float) -> None:
        """Give the lease back; afterwards only `start` begins anew. Source: RFC 2131 4.4.6."""
        if (lease := self._lease) is not None:
            self._last_word(MessageType.RELEASE, lease)
            self._timer = None

    def _last_word(self, kind: MessageType, lease: Lease) -> None:
        self._lease = self._asked = None
        self._enter(State.INIT)
        self._outgoing = [ask.last_word(self._client, self._xid, kind, lease)]

    def receive_message(self, data: bytes, source: str, now: float) -> None:
        """Take a datagram that came to the client's port from the address `source`."""
        if self.state in (State.INIT, State.BOUND):
            return
        if not is_reply(data, self._xid, self._client.hardware):
            return
        try:
            message = parse(data)
            if message.type is MessageType.OFFER:
                self._receive_offer(message, now)
            elif message.type is MessageType.ACK:
                self._receive_ack(message, data, now)
            elif message.type is MessageType.NAK:
                self._receive_nak(message, now)
        except RemoteProtocolError as error:
            self._refuse(source, str(error))

    def messages_to_send(self) -> list[Outgoing]:
        """Return what is to be sent now, once."""
        ready, self._outgoing = self._outgoing, []
        return ready

    def get_timer(self) -> float | None:
        """Return when `handle_timer` is due; None while nothing can time out."""
        return self._timer

    def handle_timer(self, now: float) -> None:
        """Retransmit, renew, rebind or give up, if it is time to."""
        if self._timer is None or now < self._timer:
            return
        lease = self._lease
        if lease is not None:
            age = now - self._bound_at
            if age >= lease.lease_time:
                self._lose("it expired", now)
            elif age >= lease.rebinding_time and self.state is not State.REBINDING:
                self._enter(State.REBINDING)
                self._send(now)
            elif self.state is State.BOUND:
                self._enter(State.RENEWING)
                self._send(now)
            elif self.state is State.REBOOTING and self.tries >= REQUEST_TRIES:
                self._events.append(Unanswered(self.state, self.tries))
                self._enter(State.BOUND)
                self._arm(now)
            else:
                self._resend(now)
        elif self.state is State.INIT:
            self.start(now)
        elif self.state is State.SELECTING and self._held is not None:
            self._request(self._held, now)
        elif self.state is State.REQUESTING and self.tries >= REQUEST_TRIES:
            self._events.append(Unanswered(self.state, self.tries))
            self._fail_server(now)
        else:
            self._resend(now)

    def next_event(self) -> Event | None:
        """Return the next event; None when there is none."""
        return self._events.popleft() if self._events else None

    def _receive_offer(self, message: Message, now: float) -> None:
        if self.state is not State.SELECTING:
            return
        offer = granted(message)
        if offer.server in self._failed:
            self._held = offer
        else:
            self._request(offer, now)

    def _receive_ack(self, message: Message, data: bytes, now: float) -> None:
        if self.state is State.SELECTING:
            return
        lease = granted(message)
        self._check_server(lease.server)
        asked = self._lease if self.state is State.REBOOTING else self._asked
        if asked is not None and lease.address != asked.address:
            raise RemoteProtocolError(f"{lease.address} instead of what was asked for")
        if self.state is State.RENEWING:
            self._declined = 0
        self._lease, self._bound_at, self._asked = lease, self._asked_at, None
        self._failed.clear()
        self._enter(State.BOUND)
        self._arm(now)
        self._events.append(Bound(lease, self._bound_at, data))

    def _receive_nak(self, message: Message, now: float) -> None:
        if self.state is State.SELECTING:
            return
        server = addresses(message.options.get(Option.SERVER_IDENTIFIER, b""))[0]
        self._check_server(server)
        if self._lease is not None:
            self._lose("the server refused to renew it", now)
        else:
            self._events.append(Refused(server, "it took its offer back"))
            self._fail_server(now)

    def _check_server(self, server: str) -> None:
        """Allow any server to answer a broadcast for a lease, and else only the one asked."""
        asked = self._asked or (self._lease if self.state is State.RENEWING else None)
        if asked is not None and server != asked.server:
            raise RemoteProtocolError(f"server {server} was not asked")

    def _request(self, offer: Lease, now: float) -> None:
        xid = self._xid
        self._asked = offer
        self._enter(State.REQUESTING)
        self._xid = xid
        self._send(now)

    def _fail_server(self, now: float) -> None:
        if self._asked is not None and len(self._failed) < REMEMBERED:
            self._failed.add(self._asked.server)
        self.start(now)

    def _lose(self, reason: str, now: float) -> None:
        self._events.append(Lost(reason))
        self.start(now)

    def _enter(self, state: State) -> None:
        self.state = state
        self.tries = 0
        self._held = None
        self._xid = int.from_bytes(self._entropy(4), "big")
        self._reported.clear()

    def _resend(self, now: float) -> None:
        self._events.append(Unanswered(self.state, self.tries))
        self._send(now)

    def _send(self, now: float) -> None:
        self.tries += 1
        self._asked_at = now
        message, destination = self._message(now)
        self._outgoing.append(Outgoing(build(message), message.ciaddr, destination))
        self._arm(now)

    def _message(self, now: float) -> tuple[Message, str]:
        message = ask.question(self._client, self._xid, int(now - self._began))
        options = dict(message.options)
        if self.state is State.SELECTING:
            return replace(message, type=MessageType.DISCOVER), ""
        if self._asked is not None:
            options[Option.REQUESTED_ADDRESS] = packed(self._asked.address)
            options[Option.SERVER_IDENTIFIER] = packed(self._asked.server)
            return replace(message, options=options), ""
        lease = self._lease
        if lease and self.state is State.REBOOTING:
            options[Option.REQUESTED_ADDRESS] = packed(lease.address)
            return replace(message, options=options), ""
        ciaddr = lease.address if lease else NOWHERE
        unicast = lease.server if lease and self.state is State.RENEWING else ""
        return replace(message, broadcast=False, ciaddr=ciaddr, secs=0), unicast

    def _arm(self, now: float) -> None:
        """Set the timer for the state that was just entered, or the message just sent."""
        lease = self._lease
        if lease is None:
            self._timer = now + self._delay()
            return
        if self.state is State.BOUND:
            due = self._bound_at + lease.renewal_time
        elif self.state is State.REBOOTING:
            due = min(now + self._delay(), self._bound_at + lease.lease_time)
        else:
            limit = lease.rebinding_time if self.state is State.RENEWING else lease.lease_time
            end = self._bound_at + limit
            pause = min(RENEWAL_PAUSE, lease.lease_time / 16)
            due = min(now + max((end - now) / 2, pause), end)
        self._timer = None if due == float("inf") else due

    def _delay(self) -> float:
        delay: float = min(FIRST_DELAY * 2 ** (self.tries - 1), LAST_DELAY)
        spread = int.from_bytes(self._entropy(2), "big") / 0xFFFF
        return delay - 1 + 2 * spread

    def _refuse(self, source: str, reason: str) -> None:
        self.refused += 1
        known = (source, reason)
        if known not in self._reported and len(self._reported) < REMEMBERED:
            self._reported.add(known)
            self._events.append(Refused(source, reason))
