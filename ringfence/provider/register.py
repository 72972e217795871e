"""The authority's books: which certificates it issued, and which of them it revoked.

Each book is a file of JSON lines that only grows. A line that a power cut left unfinished was
never acted on, and gives way to the next one; any other damage is an error, because a lost line
could make a revoked certificate good again.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.provider.files import failure, settle

ISSUED, REVOKED = "issued.jsonl", "revoked.jsonl"
LONGEST = 1 << 17
"""Bytes of a line; a signing request, whose subject stands in it, has half of them."""

REASONS = (
    *("unspecified", "keyCompromise", "affiliationChanged", "superseded"),
    *("cessationOfOperation", "privilegeWithdrawn"),
)
"""Reasons for taking back the certificate of a server or a phone. Source: RFC 5280 5.3.1."""


class Entry(Struct, frozen=True):
    """A certificate that was issued."""

    serial: str
    """Serial number, hexadecimal."""
    kind: str
    """`server`, `device`, `generic`, or `custom` for what a phone got by SCEP."""
    product: str
    subject: str
    until: datetime
    digest: str = "sha256"


class Revocation(Struct, frozen=True):
    """A certificate that was taken back."""

    serial: str
    at: datetime
    reason: str
    """One of `REASONS`."""


Line = TypeVar("Line", Entry, Revocation)


def issued(folder: Path) -> list[Entry]:
    """Return every certificate that was issued, the oldest first.

    Raises:
        ComponentError: the book cannot be read.

    """
    return _lines(folder / ISSUED, Entry)


def revoked(folder: Path) -> dict[str, Revocation]:
    """Return `{serial number: revocation}`.

    Raises:
        ComponentError: the book cannot be read.

    """
    return {line.serial: line for line in _lines(folder / REVOKED, Revocation)}


def record(folder: Path, line: Entry | Revocation) -> None:
    """Add a line to its book; when this returns it survives a power cut. The folder is locked.

    Raises:
        ComponentError: the book cannot be written.

    """
    append(folder / (ISSUED if isinstance(line, Entry) else REVOKED), msgspec.json.encode(line))


def append(path: Path, line: bytes) -> None:
    """Add a line to a book; when this returns it survives a power cut. The folder is locked.

    Raises:
        ComponentError: the book cannot be written.

    """
    try:
        with path.open("a+b") as file:
            file.truncate(_whole(file))
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        settle(path.parent)
    except OSError as error:
        raise failure(path, error) from error


def lines(path: Path) -> list[bytes]:
    """Return the whole lines of a book; none where there is no book yet.

    Raises:
        ComponentError: the book cannot be read.

    """
    try:
        with path.open("rb") as file:
            return file.read(_whole(file)).split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise failure(path, error) from error


def last_line(path: Path) -> bytes:
    """Return the last whole line of a book; nothing where there is none.

    Raises:
        ComponentError: the book cannot be read.

    """
    try:
        with path.open("rb") as file:
            end = _whole(file)
            file.seek(max(0, end - LONGEST))
            return file.read(end - file.tell())[:-1].rpartition(b"\n")[2]
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise failure(path, error) from error


def _lines(path: Path, kind: type[Line]) -> list[Line]:
    found = []
    for number, line in enumerate(lines(path), start=1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ComponentError(f"file {path}", f"line {number} is damaged: {error}") from error
    return found


def _whole(file: BinaryIO) -> int:
    """Return how many bytes of a book are whole lines; the file is then at its beginning."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - LONGEST)
    file.seek(start)
    newline = file.read(LONGEST).rfind(b"\n")
    file.seek(0)
    return start + newline + 1
