"""Client transactions: when a request is sent again, and when it has failed."""

from msgspec import Struct

BRANCH_MAGIC = b"z9hG4bK"
"""Start of every branch. Source: RFC 3261 section 8.1.1.7."""


class Timers(Struct, frozen=True):
    """Seconds, from Voice > SIP > SIP Timer Values. Source: RFC 3261 table 4; phone-facts 1.3."""

    t1: float = 0.5
    t2: float = 4.0
    f: float = 16.0
    """Longest wait for the final response of a non-INVITE request."""


class ClientTransaction:
    """A non-INVITE client transaction. Source: RFC 3261 section 17.1.2.

    A final response ends it: the caller forgets it then, so timer K has nothing to absorb.
    """

    def __init__(self, request: bytes, *, reliable: bool, timers: Timers, now: float) -> None:
        self._request = request
        self._timers = timers
        self._deadline = now + timers.f
        self._interval = timers.t1
        self._again: float | None = None if reliable else now + timers.t1
        self._to_send = [request]
        self.timed_out = False
        """No final response came in time."""

    def receive_provisional(self, now: float) -> None:
        """Slow the retransmissions down: the server has the request."""
        if self._again is not None:
            self._interval = self._timers.t2
            self._again = now + self._interval

    def messages_to_send(self) -> list[bytes]:
        """Return what to send now, and forget it."""
        due, self._to_send = self._to_send, []
        return due

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called."""
        return self._deadline if self._again is None else min(self._again, self._deadline)

    def handle_timer(self, now: float) -> None:
        """Send again, or give up."""
        if now >= self._deadline:
            self.timed_out = True
            self._again = None
        elif self._again is not None and now >= self._again:
            self._to_send.append(self._request)
            self._interval = min(self._interval * 2, self._timers.t2)
            self._again = now + self._interval
