"""How the verbs of `ringfence provider` print: tables, JSON, moments, and who did it."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ringfence.policy.certificate import printable


def who() -> str:
    """Return who gives a command, in the words of the history."""
    try:
        return f"{getpass.getuser()}, command line"
    except (KeyError, OSError):
        return "command line"


def when(seconds: int) -> str:
    """Return a moment; empty for never."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}Z" if seconds else ""


def day(seconds: int) -> str:
    """Return a day; empty for never."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}" if seconds else ""


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
