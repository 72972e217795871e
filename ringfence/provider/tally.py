"""Counters of several processes, in memory that they share; each process writes a row of its own.

The rows are made before the processes fork. A worker that takes the place of a dead one goes on
with its row, so that nothing counts backwards.
"""

import mmap
from collections.abc import Mapping

REQUESTS, SECONDS, CONNECTIONS = "requests", "seconds", "connections"
HANDSHAKES_FAILED, TURNED_AWAY, CUT_OFF = "handshakes_failed", "turned_away", "cut_off"
REPORTS, PROBLEMS, TEMPLATES_FAILED = "reports", "problems", "templates_failed"
STATUSES = ("200", "201", "400", "403", "404", "405", "413", "429", "500", "503", "other")
"""Status codes that are counted by themselves."""

NAMES = (
    *(REQUESTS, SECONDS, CONNECTIONS, HANDSHAKES_FAILED, TURNED_AWAY, CUT_OFF),
    *(REPORTS, PROBLEMS, TEMPLATES_FAILED),
    *STATUSES,
)
_PLACES = {name: place for place, name in enumerate(NAMES)}
_REQUESTS, _SECONDS = _PLACES[REQUESTS], _PLACES[SECONDS]


SLOTS = 1 << 16
"""Numbers that networks are counted under: that two of them share one is rare, and nobody can
aim at it, because Python hashes texts with a key that each server draws."""


class Crowd:
    """How many connections each network has, in all processes; each writes a row of its own."""

    def __init__(self, seats: "memoryview[int]", row: int) -> None:
        self._seats = seats
        self._row = row * SLOTS
        self.workers = len(seats) // SLOTS

    def of(self, network: str) -> int:
        """Return how many a network has."""
        return sum(self._seats[hash(network) % SLOTS :: SLOTS])

    def change(self, network: str, by: int) -> None:
        """Count connections of this process that came, or went."""
        self._seats[self._row + hash(network) % SLOTS] += by

    def clear(self) -> None:
        """Forget those of this row."""
        self._seats[self._row : self._row + SLOTS] = memoryview(bytes(2 * SLOTS)).cast("H")


class Tally:
    """The row of one process."""

    def __init__(self, row: "memoryview[float]", crowd: Crowd) -> None:
        self._row = row
        self.crowd = crowd

    def answered(self, status: str, seconds: float) -> None:
        """Count a request that was answered."""
        row = self._row
        row[_PLACES[status]] += 1
        row[_REQUESTS] += 1
        row[_SECONDS] += seconds

    def add(self, name: str, much: float = 1.0) -> None:
        """Add to a counter. Of the threads of a process, one alone counts."""
        self._row[_PLACES[name]] += much


class Tallies:
    """The rows of all."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._held = memoryview(mmap.mmap(-1, rows * len(NAMES) * 8)).cast("d")
        self._seats = memoryview(mmap.mmap(-1, rows * SLOTS * 2)).cast("H")

    def row(self, number: int) -> Tally:
        """Return the row of one process."""
        start = number * len(NAMES)
        return Tally(self._held[start : start + len(NAMES)], Crowd(self._seats, number))

    def totals(self) -> Mapping[str, float]:
        """Return `{counter: sum over all processes}`."""
        width = len(NAMES)
        return {
            name: sum(self._held[row * width + place] for row in range(self._rows))
            for name, place in _PLACES.items()
        }


def alone() -> Tally:
    """Return the row of a process that nobody asks."""
    return Tallies(1).row(0)
