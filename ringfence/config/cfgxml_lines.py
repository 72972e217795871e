"""The next version of a cfg.xml, read by the lines that differ.

In the form that the quick reader takes, an element never spans lines. Each line of an accepted
file is thus acceptable by itself, and lines may come, go and change places: what a file says
anew is in the lines that differ from those of an accepted one.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import compress
from operator import ne

from msgspec import Struct

from ringfence.config.cfgxml_fast import ELEMENTS, LONG, Element, Tokens, body, tokens_of

_FEW = 4
"""A file is read anew where more than one line in so many differs."""


class Lines(Struct, frozen=True):
    """What to remember of a document, to compare its next version to."""

    lines: list[str]
    """All that stands inside the root, but comments."""
    count: int
    """Elements."""
    last: Mapping[str, Element]
    """`{tag: element}`, the last of each tag."""
    repeated: frozenset[str]
    """Tags of several elements."""

    def __repr__(self) -> str:
        """Return the number only, because texts may be secrets."""
        return f"Lines({len(self.lines)})"


def lines_of(text: str, tokens: Tokens) -> Lines | None:
    """Return the lines of a document, and what was found in them; None where they are too many."""
    lines = _split(text)
    if lines is None:
        return None
    return Lines(lines, len(tokens.elements), tokens.last, _repeated(tokens))


def next_lines(text: str, old: Lines) -> tuple[Lines, frozenset[str]] | None:
    """Return what a document says, and the tags of which it may say anything else than `old`.

    None where the lines that differ are too many, or do not tell by themselves.
    """
    lines = _split(text)
    if lines is None:
        return None
    gone, come = _difference(old.lines, lines)
    if len(gone) + len(come) > len(lines) // _FEW:
        return None
    before, after = tokens_of("\n".join(gone)), tokens_of("\n".join(come))
    if before is None or after is None:
        return None
    count = old.count - len(before.elements) + len(after.elements)
    lost, new = before.last.keys(), after.last.keys()
    alone = old.repeated.isdisjoint(lost | new) and old.last.keys().isdisjoint(new - lost)
    if not alone or count > ELEMENTS:
        return None
    last = {**old.last, **after.last}
    for tag in lost - new:
        del last[tag]
    return Lines(lines, count, last, old.repeated | _repeated(after)), frozenset(lost | new)


def _split(text: str) -> list[str] | None:
    inside = body(text)
    if inside is None or (len(inside) > LONG and inside.count("\n") > ELEMENTS):
        return None
    return inside.split("\n")


def _repeated(tokens: Tokens) -> frozenset[str]:
    if len(tokens.last) == len(tokens.elements):
        return frozenset()
    times = Counter(element[0] for element in tokens.elements)
    return frozenset(tag for tag, count in times.items() if count > 1)


def _difference(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines that have gone and those that have come.

    Without them, both are the same lines in the same order.
    """
    short = min(len(old), len(new))
    differing = compress(range(short), map(ne, old, new))
    if len(old) == len(new):
        places = list(differing)
        return [old[at] for at in places], [new[at] for at in places]
    start = next(differing, short)
    backwards = compress(range(short - start), map(ne, reversed(old), reversed(new)))
    end = next(backwards, short - start)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    held, given = set(old), set(new)
    if [line for line in old if line in given] != [line for line in new if line in held]:
        return old, new
    return [line for line in old if line not in given], [line for line in new if line not in held]
