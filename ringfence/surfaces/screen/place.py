"""What is open on the screen, and what a key may ask of the phone."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.surfaces.screen.menu import Sheet

LONGEST = 1024
"""Characters of one typed text."""
MOST_SHEETS = 10
"""Pages over one another; of more the lowest are forgotten."""


class Face(Struct, frozen=True):
    """What is open; no part of the phone's state."""

    path: tuple[str, ...] = ()
    """Labels of what is open, from the root; empty for the idle screen and calls."""
    cursors: tuple[int, ...] = ()
    """The chosen item of each."""
    edits: Mapping[str, str] = {}
    """What was typed into the open form, by tag or argument; secrets among it."""
    dialled: str = ""
    line: int = 0
    """Line of the next call; 0 for the first."""
    call: int = 0
    """The chosen call; 0 for the one that needs somebody."""
    aside: bool = False
    """The idle screen is wanted although there are calls."""
    transfers: int = 0
    """The call that goes to the number which is typed; 0 where that is to be called."""
    message: str = ""
    """How the last key came out."""
    signed_in: bool = False
    shut: bool = False
    """Nobody was here for long: without the password calls come in, and help can be called."""
    behind: tuple[str, ...] = ()
    """What opens after signing in."""
    sheets: tuple[Sheet, ...] = ()
    """What commands have brought, each over the one before, and over whatever else is open."""

    def __repr__(self) -> str:
        """Leave out what was typed."""
        return f"Face({'/'.join(self.path)})"

    @property
    def cursor(self) -> int:
        """Return the chosen item of what is open."""
        return self.cursors[-1] if self.cursors else 0


class Store(Struct, frozen=True):
    """Store a form."""

    changes: Mapping[str, str]

    def __repr__(self) -> str:
        """Leave out the values."""
        return f"Store({', '.join(self.changes)})"


class Run(Struct, frozen=True):
    """Give the phone a command."""

    command: str
    arguments: Mapping[str, str] = {}
    done: str = ""
    signs_in: bool | None = None
    replaces: bool = False
    """The sheet that it brings takes the place of the one that is open."""
    aside: bool = False
    """What is open stays open, whatever comes of it."""

    def __repr__(self) -> str:
        """Leave out the arguments."""
        return f"Run({self.command})"


Action = Store | Run
Pressed = tuple[Face, Action | None]


def closed(face: Face) -> Face:
    """Return the screen with nothing open."""
    return replace(face, path=(), cursors=(), edits={}, behind=(), sheets=(), transfers=0)


def back(face: Face) -> Face:
    """Return the screen without what was opened last."""
    cursors = face.cursors[:-1]
    if face.sheets:
        return replace(face, sheets=face.sheets[:-1], cursors=cursors, edits={})
    return replace(face, path=face.path[:-1], cursors=cursors, edits={}, behind=())


def brought(face: Face, sheet: Sheet, *, replaces: bool = False) -> Face:
    """Return the screen with a sheet open."""
    if replaces and face.sheets:
        face = back(face)
    sheets = (*face.sheets, sheet)[-MOST_SHEETS:]
    cursors = (*face.cursors, 0) if len(sheets) > len(face.sheets) else (*face.cursors[:-1], 0)
    return replace(
        face, sheets=sheets, cursors=cursors, edits={ask.name: ask.text for ask in sheet.asks}
    )


def moved(face: Face, step: int, count: int) -> Face:
    """Return the screen with another of `count` items chosen."""
    to = (min(face.cursor, count - 1) + step) % count if count else 0
    return replace(face, cursors=(*face.cursors[:-1], to))


def written(text: str, key: str) -> str:
    """Return a text after a key was typed."""
    if key == "Delete":
        return text[:-1]
    return "" if key == "Clear" else (text + key)[:LONGEST]
