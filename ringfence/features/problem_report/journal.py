"""The last lines of the phone's log, in memory."""

import logging
from collections import deque

from ringfence.runtime.log import OneLine

LINES = 2000
LONGEST = 1000
"""Characters of a line that are kept."""


class Journal(logging.Handler):
    """Remembers what the whole phone logs; not the wire, which `--debug` adds."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=LINES)
        self.setFormatter(OneLine())

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a record; nothing that goes wrong here reaches who logged."""
        try:
            self._lines.append(self.format(record)[:LONGEST])
        except (TypeError, ValueError):
            self.handleError(record)

    def lines(self) -> tuple[str, ...]:
        """Return them, the oldest first."""
        self.acquire()  # other threads log, too
        try:
            return tuple(self._lines)
        finally:
            self.release()
