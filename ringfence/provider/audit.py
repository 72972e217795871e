"""What was done with the authority and by whom: lines that only grow, each bound to the one before.

A line has the SHA-256 of the line before it, so that none can be changed, taken out or put in
without changing all that follow. Who notes the head elsewhere also sees a log that was cut or
written anew. What cannot be logged is not done.
"""

import hashlib
import os
import pwd
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.provider.register import append, issued, last_line, lines, revoked

BOOK = "audit.jsonl"
NOTHING = "0" * 64
"""What the first line is bound to."""
INIT, BEGUN, ISSUED, REVOKED = "init", "log begun", "issued", "revoked"


class Event(Struct, frozen=True):
    """One thing that was done."""

    number: int
    """From 1, without a gap."""
    at: datetime
    by: str
    """User of the operating system whose program did it."""
    what: str
    about: Mapping[str, str]
    before: str
    """SHA-256 of the line before, hexadecimal."""


class Chain(Struct, frozen=True):
    """A log that holds together."""

    events: tuple[Event, ...]
    head: str
    """SHA-256 of the last line; who notes it can hold the log to it later."""
    hashes: tuple[str, ...] = ()
    """Of each line, in order."""


def record(folder: Path, what: str, now: datetime, about: Mapping[str, str]) -> None:
    """Add an event; when this returns it survives a power cut. The folder is locked.

    An authority that is older than its log begins it with what it had issued until then.

    Raises:
        ComponentError: the log is damaged, or cannot be written.

    """
    last = last_line(folder / BOOK)
    if not last and what != INIT:
        known = {"issued": str(len(issued(folder))), "revoked": str(len(revoked(folder)))}
        last = _add(folder, last, BEGUN, now, known)
    _add(folder, last, what, now, about)


def read(folder: Path) -> Chain:
    """Return the log.

    Raises:
        ComponentError: it cannot be read, or does not hold together.

    """
    events: list[Event] = []
    hashes = [NOTHING]
    for number, line in enumerate(lines(folder / BOOK), start=1):
        event = _decoded(folder, line, f"line {number}")
        if (event.number, event.before) != (number, hashes[-1]):
            raise _damaged(folder, f"line {number}", "does not follow the line before it")
        events.append(event)
        hashes.append(_bound(line))
    return Chain(tuple(events), hashes[-1], tuple(hashes[1:]))


def unlogged(folder: Path, chain: Chain) -> list[str]:
    """Return the serial numbers of the books that the log knows nothing of.

    Raises:
        ComponentError: the books cannot be read.

    """
    known = {what: _serials(chain, what) for what in (ISSUED, REVOKED)}
    first = chain.events[0] if chain.events else None
    older = first.about if first and first.what == BEGUN else {}
    made = [entry.serial for entry in issued(folder)][int(older.get("issued", 0)) :]
    back = list(revoked(folder))[int(older.get("revoked", 0)) :]
    return [s for s in made if s not in known[ISSUED]] + [
        s for s in back if s not in known[REVOKED]
    ]


def _serials(chain: Chain, what: str) -> set[str]:
    return {event.about.get("serial", "") for event in chain.events if event.what == what}


def _add(folder: Path, last: bytes, what: str, now: datetime, about: Mapping[str, str]) -> bytes:
    number = _decoded(folder, last, "the last line").number + 1 if last else 1
    line = msgspec.json.encode(Event(number, now, _user(), what, about, _bound(last)))
    append(folder / BOOK, line)
    return line


def _bound(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest() if line else NOTHING


def _decoded(folder: Path, line: bytes, place: str) -> Event:
    try:
        return msgspec.json.decode(line, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(folder, place, f"is damaged: {error}") from error


def _damaged(folder: Path, place: str, why: str) -> ComponentError:
    return ComponentError(f"file {folder / BOOK}", f"{place} {why}")


def _user() -> str:
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
