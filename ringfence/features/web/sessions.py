"""Who is logged in, and how often somebody may guess; no clock and no randomness of its own."""

import ipaddress
from collections.abc import Callable

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.parameter import Level
from ringfence.config.snapshot import Snapshot
from ringfence.surfaces.forms import NOTHING, Draft

MOST = 16
"""Sessions at a time; a further login ends the one that was idle longest."""


class Session(Struct):
    """One login, kept on the phone; the browser holds nothing but the token."""

    level: Level
    password: Secret
    """The one that opened it; a session does not outlive its password."""
    token: str
    csrf: str
    """Must come back in every form."""
    began: float
    used: float
    draft: Draft = NOTHING
    shown: dict[str, Snapshot] = {}
    """`{tab: snapshot}` that each tab was last made from."""
    notices: list[str] = []
    """Said once, on the next page."""


class Sessions:
    """The sessions of one phone, with both limits. Times are monotonic seconds."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._held: dict[str, Session] = {}

    def __len__(self) -> int:
        """Return how many there are, ended ones that nobody has asked for included."""
        return len(self._held)

    def begin(self, level: Level, password: Secret, now: float) -> Session:
        """Return a new session."""
        if len(self._held) >= MOST:
            self.end(min(self._held.values(), key=lambda session: session.used))
        made = Session(level, password, self._entropy(32).hex(), self._entropy(16).hex(), now, now)
        self._held[made.token] = made
        return made

    def find(self, token: str, now: float, idle: float, longest: float) -> Session | None:
        """Return the session of a token and note its use; None where it has ended."""
        session = self._held.get(token)
        if session is None:
            return None
        if now - session.used >= idle or now - session.began >= longest:
            self.end(session)
            return None
        session.used = now
        return session

    def end(self, session: Session) -> None:
        """End one session."""
        self._held.pop(session.token, None)


class Throttle:
    """Slows down whoever guesses: some failures are free, then each costs time."""

    def __init__(self, free: int = 5, cost: float = 12.0, addresses: int = 1024) -> None:
        self._allowance = (free - 1) * cost
        self._cost = cost
        """Seconds until one failure is forgiven."""
        self._addresses = addresses
        self._until: dict[str, float] = {}
        """`{address: when all is forgiven}`, the longest untouched first."""

    def wait(self, address: str, now: float) -> float:
        """Return how many seconds an address must wait before it may try again; 0 for none."""
        return max(0.0, self._until.get(_bucket(address), now) - now - self._allowance)

    def failed(self, address: str, now: float) -> None:
        """Count a failure."""
        bucket = _bucket(address)
        until = max(self._until.pop(bucket, now), now) + self._cost
        if len(self._until) >= self._addresses:
            del self._until[next(iter(self._until))]
        self._until[bucket] = until

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._until.pop(_bucket(address), None)


def _bucket(address: str) -> str:
    """Return what counts as one address: for IPv6 its /64, which a single host owns whole."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
