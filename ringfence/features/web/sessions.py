"""Who is logged in; no clock and no randomness of its own."""

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
    streams: int = 0
    """Streams of events that it has opened; only the last one goes on."""


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

    def find(
        self, token: str, now: float, idle: float, longest: float, *, quiet: bool = False
    ) -> Session | None:
        """Return the session of a token and note its use, unless `quiet`; None where it ended."""
        session = self._held.get(token)
        if session is None:
            return None
        if now - session.used >= idle or now - session.began >= longest:
            self.end(session)
            return None
        if not quiet:
            session.used = now
        return session

    def end(self, session: Session) -> None:
        """End one session."""
        self._held.pop(session.token, None)
