"""The file of a trace, and the memory where the TLS library leaves the keys that go into it."""

import errno
import fcntl
import mmap
import os
import stat
import struct
from pathlib import Path

from ringfence.errors import ComponentError

INHERITED = Path("/proc/self/fd")
"""Folder of descriptors that whoever started us opened."""
_SIZE = struct.Struct("=q")


def open_trace(path: Path) -> int:
    """Return the descriptor of a file that nobody but its owner can read.

    Its content, where it has one, stays; so two commands may open the same file.

    Raises:
        ComponentError: it cannot be written, is no file, or belongs to somebody else.

    """
    name = f"trace {path}"
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    if path.parent != INHERITED:
        flags |= os.O_NOFOLLOW  # somebody else's link could lead to any file of ours
    try:
        handle = os.open(path, flags, 0o600)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            reason = "is not a regular file"
        elif found.st_uid != os.geteuid():
            reason = "belongs to another user, who could read the keys in it"
        else:
            os.fchmod(handle, 0o600)
            return handle
    except (OSError, ValueError) as error:  # a name of a file may hold a NUL
        raise ComponentError(name, _why(error)) from error
    os.close(handle)
    raise ComponentError(name, reason)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        linked = error.errno == errno.ELOOP
        return "is a symbolic link" if linked else error.strerror or str(error)
    return str(error)


class TraceFile:
    """A file that grows by whole blocks, through every life of the phone that writes it.

    Opened before privileges are given up; how far it is whole is remembered in memory that the
    lives share, so that the next one goes on behind the last whole block of one that was killed.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and empty it.

        Raises:
            ComponentError: it cannot be used, or another phone writes it.

        """
        self._handle = open_trace(path)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._handle, 0)
            self.name = os.readlink(f"/proc/self/fd/{self._handle}")
        except OSError as error:
            os.close(self._handle)
            busy = isinstance(error, BlockingIOError)
            reason = "another phone writes it" if busy else error.strerror or ""
            raise ComponentError(f"trace {path}", reason) from error
        self._shared = mmap.mmap(-1, _SIZE.size)

    @property
    def size(self) -> int:
        """Bytes that are whole."""
        return int(_SIZE.unpack_from(self._shared)[0])

    def read(self) -> bytes:
        """Return what is whole.

        Raises:
            ComponentError: the disk refused.

        """
        try:
            return os.pread(self._handle, self.size, 0)
        except OSError as error:
            raise ComponentError(f"trace {self.name}", error.strerror or "") from error

    def append(self, data: bytes) -> None:
        """Add blocks, all or none.

        Raises:
            ComponentError: the disk refused.

        """
        at = self.size
        self.overwrite(at, data)
        _SIZE.pack_into(self._shared, 0, at + len(data))

    def overwrite(self, at: int, data: bytes) -> None:
        """Write at a place.

        Raises:
            ComponentError: the disk refused; what was added is gone.

        """
        try:
            left = memoryview(data)
            while left:
                written = os.pwrite(self._handle, left, at)
                left, at = left[written:], at + written
        except OSError as error:
            raise ComponentError(f"trace {self.name}", error.strerror or "") from error

    def trim(self) -> None:
        """Cut off what is not whole."""
        os.ftruncate(self._handle, self.size)


class KeyLog:
    """Memory that looks like a file to the TLS library; it never reaches a disk."""

    def __init__(self) -> None:
        self._handle = os.memfd_create("keys", os.MFD_CLOEXEC)
        self.path = f"/proc/self/fd/{self._handle}"
        """Where the TLS library writes to, of this process alone."""

    def take(self) -> bytes:
        """Return the lines that were written since the last call, and forget them."""
        size = os.fstat(self._handle).st_size
        if not size:
            return b""
        lines = os.pread(self._handle, size, 0)
        os.ftruncate(self._handle, 0)
        return lines
