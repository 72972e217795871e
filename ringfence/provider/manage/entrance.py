"""Who may do what: tokens for programs, and sessions that a token opens for a browser."""

import hmac
import secrets
from collections.abc import Callable

from msgspec import Struct

from ringfence.policy.throttle import Throttle
from ringfence.provider.inventory import tokens
from ringfence.provider.inventory.database import Inventory, now
from ringfence.provider.inventory.tokens import Role, Token

IDLE, LONGEST = 900.0, 8 * 3600.0
"""Seconds after which a session ends that nobody uses, and any."""
MOST = 64
"""Sessions at a time; a further login ends the one that was idle longest."""
NOTED = 60
"""Seconds between two times that the use of a token is written down."""


class Session(Struct):
    """One login; the browser holds nothing but its name. Times are monotonic seconds."""

    name: str
    csrf: str
    """Must come back in a form."""
    token: Token
    text: str
    """Of the token, which must go on counting."""
    began: float
    used: float


class Entrance:
    """Judges tokens and keeps sessions. `judge` and `open` ask the inventory: in a thread."""

    def __init__(self, inventory: Inventory, clock: Callable[[], float]) -> None:
        self._inventory = inventory
        self._clock = clock
        self._held: dict[str, Session] = {}
        self.throttle = Throttle()
        """Slows down whoever guesses at the page."""

    def judge(self, text: str, wanted: Role) -> Token | None:
        """Return the token of a text, where it counts and allows what is wanted.

        Raises:
            ComponentError: the inventory does not answer.

        """
        with self._inventory.reading() as connection:
            token = tokens.judge(connection, text[:128])
        if token is None:
            return None
        if now() - token.used > NOTED:
            with self._inventory.noting() as connection:
                tokens.used(connection, token.id)
        return token if token.role.allows(wanted) else None

    def begin(self, text: str, token: Token) -> Session:
        """Return a new session."""
        if len(self._held) >= MOST:
            self.end(min(self._held.values(), key=lambda held: held.used))
        at = self._clock()
        made = Session(secrets.token_hex(32), secrets.token_hex(16), token, text, at, at)
        self._held[made.name] = made
        return made

    def find(self, name: str) -> Session | None:
        """Return a session that has not ended, and note its use. Its token is yet to be judged."""
        held = self._held.get(name)
        if held is None:
            return None
        at = self._clock()
        if at - held.used >= IDLE or at - held.began >= LONGEST:
            self.end(held)
            return None
        held.used = at
        return held

    def end(self, session: Session) -> None:
        """End a session."""
        self._held.pop(session.name, None)


def same(sent: str, kept: str) -> bool:
    """Return whether two words are one, in the same time whatever they are."""
    return hmac.compare_digest(sent.encode(), kept.encode())
