"""Who is logged in, and who tried too often. Time is an argument, in monotonic seconds."""

import hmac
import secrets
from collections import OrderedDict

from msgspec import Struct

LIFE, IDLE = 3600.0, 900.0
"""Seconds after which a session ends, used or not; and unused."""
MOST = 256
"""Sessions at once."""
TRIES, WINDOW = 5, 300.0
"""Wrong passwords of one address in so many seconds, after which it is not heard for as long."""
REMEMBERED = 4096


class Session(Struct):
    """One who is logged in."""

    user: str
    token: str
    """What a form must bring back, so that no other site can fill it in."""
    begun: float
    used: float


class Sessions:
    """The sessions of one server, in memory alone."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Session] = OrderedDict()

    def begin(self, user: str, now: float) -> str:
        """Return the cookie of a new session; the oldest gives way where there are too many."""
        cookie = secrets.token_urlsafe(32)
        self._held[cookie] = Session(user, secrets.token_urlsafe(32), now, now)
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return cookie

    def find(self, cookie: str, now: float) -> Session | None:
        """Return the session of a cookie; None where there is none any more."""
        held = self._held.get(cookie)
        if held is None:
            return None
        if now - held.begun > LIFE or now - held.used > IDLE:
            del self._held[cookie]
            return None
        held.used = now
        return held

    def end(self, cookie: str) -> None:
        """End a session."""
        self._held.pop(cookie, None)


def is_own(session: Session, token: str) -> bool:
    """Return whether a form came from a page of this session."""
    return hmac.compare_digest(session.token.encode(), token.encode())


class Tries:
    """Wrong passwords, by address."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def may(self, address: str, now: float) -> bool:
        """Return whether an address may try once more."""
        recent = [at for at in self._wrong.get(address, []) if now - at < WINDOW]
        return len(recent) < TRIES

    def wrong(self, address: str, now: float) -> None:
        """Note a wrong password."""
        held = self._wrong.setdefault(address, [])
        held.append(now)
        del held[:-TRIES]
        self._wrong.move_to_end(address)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
