"""The nearest known name of an unknown tag."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cache

from ringfence.config.settings import LINES, ROWS

_NUMBER = re.compile(r"_([0-9]{1,3})_?$")
_IGNORED = re.compile(r"[^a-z0-9]")
_LIKENESS = 0.8
"""Least ratio of equal letters; below it a guess would only mislead."""
_SHARED = 0.45
"""Least share of equal parts; below it nobody looks closer."""
_LONGEST = 80


def nearest(tag: str) -> str:
    """Return the catalogue's tag that an unknown one most likely means, or nothing.

    A number at the end is kept, so that a misspelt tag of line 3 gets the tag of line 3.
    """
    if len(tag) > _LONGEST:
        return ""
    number = _NUMBER.search(tag)
    if number and 1 <= int(number[1]) <= LINES:
        per_line = _nearest(tag[: number.start()], lines=True)
        if per_line:
            return per_line.replace("{n}", number[1])
    return _nearest(tag, lines=False)


def beyond(tag: str) -> bool:
    """Return whether the tag would be known if the phone had more lines."""
    number = _NUMBER.search(tag)
    if not number or 1 <= int(number[1]) <= LINES:
        return False
    return f"{tag[: number.start()]}_{{n}}_" in {row.tag for row in ROWS["ext"].values()}


def _nearest(name: str, *, lines: bool) -> str:
    plain = _plain(name)
    plains, by_part = _index(lines)
    if exact := plains.get(plain):
        return exact
    parts = _parts(plain)
    votes = Counter(other for part in parts for other in by_part.get(part, ()))
    likeness, best = max(
        (
            (SequenceMatcher(None, plain, other).ratio(), other)
            for other, shared in votes.most_common(3)
            if shared / len(parts) >= _SHARED
        ),
        default=(0.0, ""),
    )
    return plains[best] if likeness >= _LIKENESS else ""


@cache
def _index(lines: bool) -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
    """Return `{plain name: tag}` and `{three letters: plain names}`."""
    plains: dict[str, str] = {}
    for tab, rows in ROWS.items():
        if (tab == "ext") is lines:
            for row in rows.values():
                plains[_plain(row.tag.removesuffix("_{n}_"))] = row.tag
    by_part = defaultdict(list)
    for plain in plains:
        for part in _parts(plain):
            by_part[part].append(plain)
    return plains, by_part


def _plain(name: str) -> str:
    return _IGNORED.sub("", name.lower())


def _parts(plain: str) -> set[str]:
    return {plain[at : at + 3] for at in range(max(1, len(plain) - 2))}
