"""What a phone remembers of its last day: bounded, in memory alone, gone at a restart."""

import math
from collections import deque
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

MINUTE = 60.0
"""Seconds that one count stands for: the resolution of what is counted."""
SPANS = (900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""Seconds that a plot may show: the first that has room for all that is remembered."""
KEPT = SPANS[-1]
BARS = 60
"""Most bars of a plot."""
MOST = 200
"""Changes that are remembered of one lane; what is older is forgotten first."""


class Span(Struct, frozen=True):
    """How something stood for a time."""

    begin: float
    """Monotonic seconds."""
    end: float | None
    """None while it still stands so; equal to `begin` for what happens at once."""
    good: bool
    words: str


class Lanes(Struct, frozen=True):
    """How several things stood, one lane each."""

    title: str
    name: str
    """Word for addresses."""
    begin: float
    end: float
    lanes: Mapping[str, tuple[Span, ...]]


class Bars(Struct, frozen=True):
    """How often something happened, one bar for each step."""

    title: str
    name: str
    unit: str
    begin: float
    end: float
    counts: tuple[int, ...]

    @property
    def step(self) -> float:
        """Return the seconds that a bar stands for."""
        return (self.end - self.begin) / len(self.counts)


Plot = Lanes | Bars


class Stood:
    """Remembers how each of a few things stood."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._lanes: dict[str, deque[Span]] = {}

    def note(self, now: float, states: Mapping[str, tuple[bool, str]]) -> None:
        """Note how everything stands, `{name: (whether it is good, why)}`.

        No reason keeps the last one; what is not named any more stands no longer.
        """
        for name, (good, words) in states.items():
            held = self._lanes.setdefault(name, deque(maxlen=MOST))
            if held and held[-1].end is None and held[-1].good is good:
                held[-1] = replace(held[-1], words=words or held[-1].words)
                continue
            self._close(held, now)
            held.append(Span(now, None, good, words))
        for name in self._lanes.keys() - states.keys():
            self._close(self._lanes[name], now)
        self._forget(now)

    def happen(self, now: float, name: str, good: bool, words: str) -> None:
        """Note something that happens at once."""
        self._lanes.setdefault(name, deque(maxlen=MOST)).append(Span(now, now, good, words))
        self._forget(now)

    def lanes(self, title: str, name: str, now: float) -> Lanes:
        """Return the plot of all that is remembered."""
        begin, end = _window(self._began, now)
        ordered = sorted(self._lanes.items(), key=lambda lane: _number(lane[0]))
        return Lanes(title, name, begin, end, {key: tuple(held) for key, held in ordered})

    def _close(self, held: deque[Span], now: float) -> None:
        if held and held[-1].end is None:
            held[-1] = replace(held[-1], end=now)

    def _forget(self, now: float) -> None:
        for name, held in list(self._lanes.items()):
            while held and held[0].end is not None and held[0].end < now - KEPT:
                held.popleft()
            if not held:
                del self._lanes[name]


class Counted:
    """Remembers how often something happened, minute by minute, by a counter that only grows."""

    def __init__(self, began: float, total: int) -> None:
        """Begin with a counter that may have counted before: that was not now."""
        self._began = began
        self._total = total
        self._minutes: dict[int, int] = {}
        """`{minute: count}`, without the minutes in which nothing happened."""

    def note(self, now: float, total: int) -> None:
        """Note where the counter is; one that is lower than it was has begun anew."""
        more = total - self._total if total >= self._total else total
        self._total = total
        if more:
            minute = int(now // MINUTE)
            self._minutes[minute] = self._minutes.get(minute, 0) + more
        oldest = int((now - KEPT) // MINUTE)
        for minute in [one for one in self._minutes if one < oldest]:
            del self._minutes[minute]

    def bars(self, title: str, name: str, unit: str, now: float) -> Bars:
        """Return the plot of all that is remembered."""
        begin, end = _window(self._began, now)
        counts = [0] * min(BARS, round((end - begin) / MINUTE))
        for minute, count in self._minutes.items():
            at = int((minute * MINUTE - begin) / (end - begin) * len(counts))
            if 0 <= at < len(counts):
                counts[at] += count
        return Bars(title, name, unit, begin, end, tuple(counts))


def _number(name: str) -> tuple[int, str]:
    """Return the order of a name: `Ext 2` stands before `Ext 10`."""
    return len(name), name


def _window(began: float, now: float) -> tuple[float, float]:
    """Return from when to when a plot is; it moves once a minute."""
    end = math.ceil(now / MINUTE) * MINUTE
    span = next((span for span in SPANS if end - began <= span), SPANS[-1])
    return end - span, end
