"""What a program of the lab prints: kept in a file, and waited for line by line."""

import asyncio
import re
from collections import deque
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
        self._changed.set()

    def find(self, pattern: str) -> list[re.Match[str]]:
        """Return every match among the lines so far, oldest first."""
        matches = (re.search(pattern, line) for line in self._lines)
        return [match for match in matches if match]

    def last(self, count: int = 1) -> list[str]:
        """Return the last lines."""
        return list(self._lines)[-count:]

    async def wait(self, pattern: str) -> re.Match[str]:
        """Return the first match, now or later.

        Raises:
            EOFError: the program ended without such a line.

        """
        while True:
            found = self.find(pattern)
            if found:
                return found[0]
            if self.ended:
                raise EOFError(self.name)
            self._changed.clear()
            await self._changed.wait()
