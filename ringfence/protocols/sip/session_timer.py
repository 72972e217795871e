"""The session timer: a call whose other side has vanished does not stay for ever.

Source: RFC 4028.
"""

import re
from collections.abc import Sequence
from math import inf

from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.grammar import parse_parameters
from ringfence.protocols.sip.message import Message

SHORTEST = 90
"""Least seconds of an interval. Source: RFC 4028 section 4."""
MIN_SE = (b"Min-SE", b"%d" % SHORTEST)
"""Field that a 422 has to have."""
LONGEST = 86400
_SECONDS = pattern(rb"([0-9]{1,9})[ \t]*+(;.*)?", re.DOTALL)

Fields = Sequence[tuple[bytes, bytes]]


class SessionTimer:
    """One side's view of the interval that both agreed on; nobody refreshes without one."""

    def __init__(self) -> None:
        self._interval = 0
        self._ours = False
        """We refresh."""
        self._due = inf
        self._asked = 0
        """Interval that a 422 made us ask for."""

    def wanted(self) -> Fields:
        """Return the fields of our INVITE beside `Supported: timer`.

        A re-INVITE repeats what holds, because an answer without an interval ends it.
        """
        if self._interval:
            refresher = b"uac" if self._ours else b"uas"
            return [(b"Session-Expires", b"%d;refresher=%b" % (self._interval, refresher))]
        if not self._asked:
            return ()
        text = b"%d" % self._asked
        return [(b"Session-Expires", text), (b"Min-SE", text)]

    def lengthen(self, response: Message) -> bool:
        """Take the Min-SE of a 422; return whether it is worth another try."""
        least = _number(response.first(b"min-se"))[0]
        if not self._asked < least <= LONGEST:
            return False
        self._asked = least
        return True

    def accept(self, request: Message, now: float) -> Fields:
        """Take the interval of a request that we answer with 2xx; return that answer's fields.

        The caller refreshes unless it says otherwise or cannot. Source: section 9.
        """
        interval, refresher = _number(request.first(b"session-expires"))
        if not interval:
            return ()
        supported = b"timer" in [word.lower() for word in request.values(b"supported")]
        if not supported or not refresher:
            refresher = b"uac" if supported else b"uas"
        self._start(interval, now, ours=refresher == b"uas")
        fields = [(b"Session-Expires", b"%d;refresher=%b" % (interval, refresher))]
        return [*fields, (b"Require", b"timer")] if supported else fields

    def agree(self, response: Message, now: float) -> None:
        """Take the interval of a 2xx to our INVITE or refresh; none there ends the timer."""
        interval, refresher = _number(response.first(b"session-expires"))
        if interval:
            self._start(interval, now, ours=refresher != b"uas")
        else:
            self._interval, self._due = 0, inf

    def refresh(self, now: float) -> Fields:
        """Return the fields of an UPDATE that refreshes now."""
        self.put_off(now)
        return [
            (b"Supported", b"timer"),
            (b"Session-Expires", b"%d;refresher=uac" % self._interval),
        ]

    def put_off(self, now: float) -> None:
        """Wait for the answer to a refresh, and try again after half an interval without one."""
        self._due = now + self._interval / 2

    def expired(self, now: float) -> bool:
        """Return whether the other side failed to refresh."""
        return now >= self._due and not self._ours

    def get_timer(self) -> float:
        """Return when to refresh, or when to hang up; infinity for never."""
        return self._due

    def _start(self, interval: int, now: float, *, ours: bool) -> None:
        """Begin an interval; half of it is ours, a third is left to them. Source: section 10."""
        self._interval = max(interval, SHORTEST)
        self._ours = ours
        early = self._interval / 2 if ours else min(32, self._interval / 3)
        self._due = now + self._interval - early


def refused_interval(request: Message) -> bool:
    """Return whether a request asks for an interval below the least (422)."""
    return 0 < _number(request.first(b"session-expires"))[0] < SHORTEST


def _number(text: bytes) -> tuple[int, bytes]:
    """Return seconds and refresher of Session-Expires or Min-SE; 0 where it is malformed."""
    found = _SECONDS.fullmatch(text.strip())
    if not found:
        return 0, b""
    return int(found[1]), parse_parameters(found[2] or b"").get(b"refresher", b"").lower()
