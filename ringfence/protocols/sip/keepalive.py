"""When to send a byte so that a NAT keeps a flow open, and when a silent connection is dead.

Source: RFC 5626 sections 3.5.1 and 4.4.1; phone-facts 1.3 (NAT Keep Alive Intvl).
"""

from collections.abc import Callable
from math import inf

PING = b"\r\n\r\n"
"""Sent over a connection; a server that knows it answers with one empty line."""
PATIENCE = 10.0
"""Seconds that such a server has for its answer."""
SPREAD = 0.2
"""Largest part by which an interval is shortened, so that phones do not send in step."""


class KeepAlive:
    """The pings of one flow. Only a server that has answered one must answer the next."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.dead = False
        """A ping was not answered."""
        self._entropy = entropy
        self._interval = 0.0
        self._next = inf
        self._answers = False
        self._awaited = inf

    def keep(self, interval: float, now: float) -> None:
        """Ping every so many seconds from now on; 0 for never. The same again changes nothing."""
        if interval != self._interval:
            self._interval = interval
            self._plan(now)

    def receive_data(self, data: bytes) -> None:
        """Take bytes from a connection: any of them answer, empty lines alone prove who can."""
        self._awaited = inf
        self._answers = self._answers or (bool(data) and not data.strip(b"\r\n"))

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called; infinity for never."""
        return min(self._next, self._awaited)

    def handle_timer(self, now: float) -> bool:
        """Return whether to send a ping now."""
        if now >= self._awaited:
            self.dead, self._awaited = True, inf
        if self.dead or now < self._next:
            return False
        self._plan(now)
        if self._answers and self._awaited == inf:
            self._awaited = now + PATIENCE
        return True

    def _plan(self, now: float) -> None:
        share = int.from_bytes(self._entropy(4)) / 2**32
        self._next = now + self._interval * (1 - SPREAD * share) if self._interval else inf
