"""Finished profiles, each valid for as long as nothing that went into it has changed.

A phone that asks again for what it has costs neither a template nor its secrets. Whether
something changed is asked again and again: the inventory's generation, and the files.
"""

import os
from collections.abc import Sequence
from threading import Lock

from msgspec import Struct

from ringfence.provider.identity import Shown

LARGEST = 32 << 20
"""Bytes of profiles on the shelf of one process."""

Key = tuple[str, Shown | None]
"""URL path and certificate: all that a profile depends on besides templates and inventory."""


class File(Struct, frozen=True):
    """A file as it was when a profile was made."""

    path: str
    changed: int
    """Time of its last change, in nanoseconds; -1 where there was none."""


class Made(Struct, frozen=True):
    """A profile, and what it was made from."""

    body: bytes
    who: str
    version: str
    generation: int
    files: tuple[File, ...]


class Shelf:
    """The profiles of one process; the oldest go where there are too many."""

    def __init__(self) -> None:
        self._held: dict[Key, Made] = {}
        self._bytes = 0
        self._lock = Lock()
        self._looked: dict[str, int] = {}
        """When files were changed last, as it was found since `look_again`."""

    def look_again(self) -> None:
        """Ask for each file once more."""
        self._looked = {}

    def find(self, key: Key, generation: int) -> Made | None:
        """Return a profile that still is what would be made now."""
        made = self._held.get(key)
        if made is None or made.generation != generation or not self._same(made.files):
            return None
        return made

    def put(self, key: Key, made: Made) -> None:
        """Keep a profile."""
        with self._lock:
            if before := self._held.pop(key, None):
                self._bytes -= len(before.body)
            self._held[key] = made
            self._bytes += len(made.body)
            while self._bytes > LARGEST:
                oldest = self._held.pop(next(iter(self._held)))
                self._bytes -= len(oldest.body)

    def _same(self, files: Sequence[File]) -> bool:
        looked = self._looked
        for file in files:
            if file.path not in looked:
                looked[file.path] = changed(file.path)
            if looked[file.path] != file.changed:
                return False
        return True


def changed(path: str) -> int:
    """Return when a file was changed last, in nanoseconds; -1 where there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
