"""What a program of the lab prints: kept in a file, and waited for line by line."""

import asyncio
import re
from collections import deque
from itertools import islice
from pathlib import Path

KEPT = 2000
"""Lines that can still be found; the file has them all."""


class Output:
    """The lines of one program, from its start."""

    def __init__(self, name: str, file: Path) -> None:
        self.name = name
        self._file = file
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self.ended = False
        self.count = 0
        """Lines so far: a mark for `find` and `wait`."""

    async def pump(self, stream: asyncio.StreamReader) -> None:
        """Take lines until the stream ends."""
        with self._file.open("ab", buffering=0) as log:
            while True:
                try:
                    line = await stream.readline()
                except ValueError:  # a line beyond the reader's limit
                    continue
                if not line:
                    break
                log.write(line)
                self.add(line.decode(errors="replace").rstrip("\n"))
        self.ended = True
        self._changed.set()

    async def end(self) -> None:
        """Return when the program has closed its output."""
        while not self.ended:
            self._changed.clear()
            await self._changed.wait()

    def add(self, line: str) -> None:
        """Take one line."""
        self._lines.append(line)
        self.count += 1
        self._changed.set()

    def find(self, pattern: str, since: int = 0) -> list[re.Match[str]]:
        """Return every match among the lines so far, oldest first, from the mark `since` on."""
        gone = self.count - len(self._lines)
        lines = islice(self._lines, max(0, since - gone), None)
        return [match for line in lines if (match := re.search(pattern, line))]

    def last(self, count: int = 1) -> list[str]:
        """Return the last lines."""
        return list(self._lines)[-count:]

    async def wait(self, pattern: str, since: int = 0) -> re.Match[str]:
        """Return the first match from the mark `since` on, now or later.

        Raises:
            EOFError: the program ended without such a line.

        """
        while True:
            found = self.find(pattern, since)
            if found:
                return found[0]
            if self.ended:
                raise EOFError(self.name)
            self._changed.clear()
            await self._changed.wait()
