"""Files of the authority: whole or not at all, and one command at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringfence.errors import ComponentError, ConfigError
from ringfence.policy.certificate import printable

LARGEST = 1 << 20
"""Bytes of a file that is read as a whole."""


def write(path: Path, data: bytes, mode: int) -> None:
    """Create or replace a file that never, not even for a moment, has wider rights than `mode`.

    When this returns the file survives a power cut.

    Raises:
        ComponentError: it cannot be written.

    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        settle(path.parent)
    except OSError as error:
        raise failure(path, error) from error
    finally:
        _forget(temporary)


def read(path: Path, most: int = LARGEST) -> bytes:
    """Return the contents of a file.

    Raises:
        ConfigError: it has more than `most` bytes.
        ComponentError: it cannot be read.

    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise failure(path, error) from error
    if len(data) > most:
        raise ConfigError(f"file {printable(str(path))}", f"is larger than {most >> 10} KiB")
    return data


def settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk.

    Raises:
        OSError: the folder cannot be opened.

    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a folder against every other command that wants to change it.

    Raises:
        ComponentError: there is no such folder; or, without `wait`, someone holds it.

    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, ValueError) as error:
        raise failure(folder, error, "folder") from error
    try:
        _take(descriptor, folder, wait=wait)
        yield
    finally:
        os.close(descriptor)


def failure(path: Path, error: Exception, kind: str = "file") -> ComponentError:
    """Return what went wrong with a path, in one line."""
    said = error.strerror if isinstance(error, OSError) else None
    return ComponentError(f"{kind} {printable(str(path))}", said or str(error))


def pem_problem(error: Exception) -> str:
    """Return in a few words why the library cannot read a PEM text."""
    if "PEM" in str(error) or isinstance(error, IndexError):
        return "no PEM of that kind is in it"
    return printable(str(error).partition("\n")[0])


def _take(descriptor: int, folder: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise ComponentError(f"folder {folder}", "another command is at work in it") from None


def _forget(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except (OSError, ValueError):
        return
