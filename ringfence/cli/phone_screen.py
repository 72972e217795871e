"""`ringfence phone screen`: the phone's screen in a terminal, or by a script of keys."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ringfence.cli import DONE, FINDINGS
from ringfence.cli.phone_keys import keys
from ringfence.errors import ComponentError, ConfigError
from ringfence.runtime.control import ask
from ringfence.surfaces.screen.picture import Picture, Row, Span

PATIENCE = 30.0
"""Seconds that `wait:` waits for its words."""
NOT_RUNNING = "no phone runs on this state folder; ringfence phone run --state DIR starts one"


def run_screen(arguments: argparse.Namespace) -> int:
    """Press keys, and print the screen once or stay."""
    try:
        for key in keys(arguments.keys):
            press(arguments.state, key)
        if arguments.once:
            print(look(arguments.state).text())
            return DONE
    except (ConfigError, ComponentError):
        if arguments.once:
            print(look(arguments.state).text(), file=sys.stderr)
        raise
    try:
        from ringfence.cli.screen_app import ScreenApp
    except ImportError as error:
        raise ComponentError(
            "phone screen", f"{error.name} is missing: pip install 'ringfence[screen]', or --once"
        ) from error
    app: Any = ScreenApp(arguments.state)
    app.run()
    return DONE if app.return_code == 0 else FINDINGS


def press(state: Path, key: str) -> None:
    """Press one key of a script, or do what its word says.

    Raises:
        ComponentError: no phone runs, it knows no such key here, or the words did not come.

    """
    if key.startswith("wait:"):
        _wait(state, key.removeprefix("wait:"))
        return
    for one in key.removeprefix("text:") if key.startswith("text:") else (key,):
        send(state, {"key": one})


def _wait(state: Path, words: str) -> None:
    until, mark = time.monotonic() + PATIENCE, ""
    while True:
        picture, mark = send(state, {"mark": mark})
        if words in picture.text():
            return
        if time.monotonic() > until:
            raise ComponentError("phone screen", f"{words!r} did not come in {PATIENCE:g} s")


def look(state: Path) -> Picture:
    """Return the screen as it is now.

    Raises:
        ComponentError: no phone runs there.

    """
    return send(state, {})[0]


def send(state: Path, arguments: dict[str, str]) -> tuple[Picture, str]:
    """Give the screen's command; return the picture and its mark.

    Raises:
        ComponentError: no phone runs there, or it refused.

    """
    request = {"verb": "command", "name": "screen", "arguments": arguments}
    answer = ask(state, request)
    if answer is None:
        raise ComponentError("phone screen", NOT_RUNNING)
    return Picture(tuple(_rows(answer["rows"]))), str(answer["mark"])


def _rows(rows: Sequence[Sequence[dict[str, str]]]) -> Iterator[Row]:
    for row in rows:
        yield tuple(Span(**span) for span in row)
