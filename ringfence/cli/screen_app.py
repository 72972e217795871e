"""The phone's face in a terminal: its screen, its keys, and a mouse for both."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from rich.style import Style
from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from ringfence.cli.phone_screen import send
from ringfence.errors import RingfenceError
from ringfence.surfaces.screen.picture import Picture, Span

KEYS = {
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "enter": "Select",
    "escape": "Back",
    "backspace": "Delete",
    "ctrl+u": "Clear",
    "home": "Home",
    "f9": "Applications",
    "f10": "Mute",
    "pageup": "Louder",
    "pagedown": "Softer",
    **{f"f{n}": f"Soft{n}" for n in range(1, 5)},
    **{f"f{n + 4}": f"Line{n}" for n in range(1, 5)},
}
"""`{key of the terminal: key of the phone}`."""
STYLES = {
    "title": Style(bold=True),
    "icon": Style(bold=True, color="#7fd4ff"),
    "chosen": Style(bold=True, reverse=True),
    "dim": Style(dim=True),
    "picture": Style(dim=True, italic=True),
    "time": Style(bold=True),
    "good": Style(color="#8fd694"),
    "bad": Style(color="#ff9b8f", bold=True),
    "note": Style(color="#ffd479"),
    "softkey": Style(bold=True, reverse=True),
}
PAD = (
    ("1", "2", "3"),
    ("4", "5", "6"),
    ("7", "8", "9"),
    ("*", "0", "#"),
    ("Left", "Up", "Right"),
    ("Back", "Down", "Select"),
    ("Softer", "Mute", "Louder"),
    ("Applications",),
)
HELP = "F1-F4 softkeys  F5-F8 lines  F9 Applications  F10 Mute  PgUp/Dn volume  ^Q quit"
PAUSE = 0.5
"""Seconds until a phone that does not answer is asked again."""


class ScreenApp(App[None]):
    """Paints what the phone says, and tells it each key."""

    CSS = """
    Screen { align: center middle; }
    #face { width: auto; height: auto; }
    #screen { width: 52; height: 19; border: round $primary; padding: 0 1; }
    #pad { width: 25; height: 19; border: round $surface-lighten-2; padding: 1 1; }
    #help { width: auto; height: 1; color: $text-muted; }
    Static { link-style: none; link-style-hover: bold reverse; link-background-hover: $accent; }
    """
    TITLE = "Ringfence"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, state: Path) -> None:
        super().__init__()
        self._state = state
        self._typed: asyncio.Queue[str] = asyncio.Queue()

    def compose(self) -> ComposeResult:
        """Lay out the face: screen, keys, a line of help."""
        with Horizontal(id="face"):
            yield Static(id="screen")
            yield Static(_pad(), id="pad")
        yield Static(HELP, id="help")

    def on_mount(self) -> None:
        """Begin to look, and to press."""
        self._watch()
        self._tell()

    def on_key(self, event: events.Key) -> None:
        """Tell the phone a key of the keyboard."""
        key = KEYS.get(event.key) or (event.character if event.is_printable else None)
        if key:
            event.stop()
            self._typed.put_nowait(key)

    def action_press(self, key: str) -> None:
        """Tell the phone a key of the mouse."""
        self._typed.put_nowait(key)

    @work
    async def _tell(self) -> None:
        while True:
            await self._ask({"key": await self._typed.get()})

    @work
    async def _watch(self) -> None:
        mark = ""
        while True:
            mark = await self._ask({"mark": mark})
            if not mark:
                await asyncio.sleep(PAUSE)

    async def _ask(self, arguments: dict[str, str]) -> str:
        """Return the mark of the picture that was painted; empty where the phone refused."""
        screen = self.query_one("#screen", Static)
        try:
            picture, mark = await asyncio.to_thread(send, self._state, arguments)
        except RingfenceError as error:
            if "key" in arguments:
                self.bell()
            else:
                screen.update(str(error))
            return ""
        screen.update(paint(picture))
        return mark


def paint(picture: Picture) -> Text:
    """Return a picture with its colours, and a click where it has keys."""
    return Text("\n").join(Text.assemble(*_spans(row)) for row in picture.rows)


def _spans(row: tuple[Span, ...]) -> Iterator[tuple[str, Style]]:
    for span in row:
        style = STYLES.get(span.style, Style())
        yield (span.text, style + _click(span.key) if span.key else style)


def _click(key: str) -> Style:
    return Style(meta={"@click": f"app.press({key!r})"})


def _pad() -> Text:
    """Return the keys for the mouse."""
    lines = []
    for row in PAD:
        room = 21 // len(row)
        keys = [(f"{key[: room - 1]:^{room}}", Style(bold=True) + _click(key)) for key in row]
        lines.append(Text.assemble(*keys))
    return Text("\n\n").join(lines)
