"""How `ringfence phone screen` is told its keys."""

import argparse

from ringfence.errors import ConfigError

WORDS = ("text:", "wait:")


def add_screen(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--keys",
        default="",
        metavar="KEYS",
        help="keys to press, with commas between: 0 to 9, * and #, Up, Down, Select, Back,"
        " Applications, Home, Line1, Soft1, the label of a softkey, Delete, Clear, text:WORDS to"
        r" type, wait:WORDS to wait until they are seen; \, is a comma",
    )
    parser.add_argument("--once", action="store_true", help="print the screen and end")


def keys(text: str) -> tuple[str, ...]:
    r"""Return the keys of a script; `\,` is a comma, and `\\` a backslash.

    Raises:
        ConfigError: one is empty.

    """
    found, word, escaped = [], "", False
    for character in text:
        if escaped:
            word, escaped = word + character, False
        elif character == "\\":
            escaped = True
        elif character == ",":
            found.append(word)
            word = ""
        else:
            word += character
    wanted = (*found, word) if text else ()
    if any(not key.strip() for key in wanted):
        raise ConfigError("--keys", "an empty key", "write the keys with one comma between them")
    return tuple(key if key.startswith(WORDS) else key.strip() for key in wanted)
