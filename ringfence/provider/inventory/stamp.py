"""Tells the processes of a machine at once that an inventory has changed.

Each change leaves other bytes in a small file. To read them is one call of the system, where
SQLite takes more time for its answer than all else that a profile at hand needs.
"""

import os
from contextlib import suppress
from pathlib import Path

BYTES = 8


class Stamp:
    """The bytes of one inventory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def read(self) -> bytes:
        """Return what differs from what it was before the last change.

        Raises:
            OSError: the file cannot be read.

        """
        if self._file < 0:
            self._file = self._open()
        return os.pread(self._file, BYTES, 0)

    def change(self) -> None:
        """Tell of a change that is made; where that fails SQLite is asked a little later."""
        with suppress(OSError):
            file = self._open()
            try:
                os.pwrite(file, os.urandom(BYTES), 0)
            finally:
                os.close(file)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
