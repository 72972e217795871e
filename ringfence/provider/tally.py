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


class Tally:
    """The row of one process."""

    def __init__(self, row: "memoryview[float]") -> None:
        self._row = row

    def add(self, name: str, much: float = 1.0) -> None:
        """Add to a counter. Of the threads of a process, one alone counts."""
        self._row[_PLACES[name]] += much


class Tallies:
    """The rows of all."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._held = memoryview(mmap.mmap(-1, rows * len(NAMES) * 8)).cast("d")

    def row(self, number: int) -> Tally:
        """Return the row of one process."""
        start = number * len(NAMES)
        return Tally(self._held[start : start + len(NAMES)])

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
