"""Reads the words of a command by `argparse`, which a phone's start does without."""

import argparse
import os
from typing import Any, NoReturn

from ringfence.cli import USAGE, printable


class _Lines(argparse.HelpFormatter):
    """Knows how wide the terminal is without a module that takes milliseconds to load."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width() - 2)


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns or 80
    except (ValueError, OSError):
        return 80


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the words in one line; `--help` says the rest."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**{"formatter_class": _Lines, **words})

    def error(self, message: str) -> NoReturn:
        """End with the exit code for wrong words."""
        self.exit(USAGE, f"{self.prog}: {printable(message)}; --help tells the words\n")
