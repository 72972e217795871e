"""Repairs of the misprints that documentation has spread, for files that are not well-formed.

Lines keep their numbers; a column is exact up to the first misprint of its line.
Source: phone-facts 9, errata 1–3.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import Finding, Severity

_TAG = re.compile(r"<(?:!--|!\[CDATA\[|(/?)([A-Za-z_][^<>\s/=\"'!?]*+)([^<>]*+)>|[^<>!?/]*+>)")
_CLOSERS = {"<!--": "-->", "<![CDATA[": "]]>"}
ROOT = "flat-profile"
"""Root element of a cfg.xml."""
_NEAR = 8
"""Tags after the opening one among which its end is looked for."""


class _Tag(Struct):
    """One tag of the file, or the raw `<...>` of a placeholder."""

    start: int
    end: int
    closes: bool
    name: str
    rest: str
    """Everything after the name, before the `>`."""

    @property
    def opens(self) -> bool:
        return bool(self.name) and not self.closes and not self.rest.endswith("/")

    def text(self) -> str:
        return f"<{'/' if self.closes else ''}{self.name}{self.rest}>"


def repair(text: str, canonical: Callable[[str], str | None]) -> tuple[str, list[Finding]]:
    """Return the text with its known misprints put right, and a finding for each of them.

    `canonical` returns the catalogue's tag for a tag or an alias, and so decides what is meant.
    A value with a raw `<placeholder>` is taken out of the file, and its finding says so.
    """
    tags = list(_tags(text))
    edits: list[_Edit] = []
    position = 0
    while position < len(tags):
        edit, step = _repair_at(text, tags, position, canonical)
        edits += edit
        position += step
    return _edited(text, edits), list(_findings(text, edits))


class _Edit(Struct):
    """One stretch of the text and what takes its place."""

    start: int
    end: int
    replacement: str
    finding: Finding | None = None
    """Without its position."""


def _repair_at(
    text: str, tags: list[_Tag], position: int, canonical: Callable[[str], str | None]
) -> tuple[list[_Edit], int]:
    """Return what to change at one tag, and how many tags that settles."""
    tag = tags[position]
    before = tag.text()
    changed = _split_attribute(tag)
    if not tag.opens or tag.name == ROOT:
        return [], 1
    step, close = _close_of(tags, position)
    if close is None:
        return [], 1
    if step > 2:
        finding = Finding(
            Severity.ERROR,
            "cfgxml-placeholder",
            canonical(tag.name) or tag.name,
            "the value looks like a documentation placeholder; it is not used",
            "write the real value; a < of the value is written &lt;",
        )
        kept = "\n" * text.count("\n", tag.start, close.end)
        return [_Edit(tag.start, close.end, kept, finding)], step
    if not changed and close.name == tag.name:
        return [], step
    name = canonical(tag.name) or canonical(close.name) or tag.name
    tag.name = close.name = name
    finding = Finding(
        Severity.WARNING,
        "cfgxml-misprint",
        name,
        f"repaired the misprint {before[:80]}",
        f"write <{name}>...</{name}>",
    )
    return [
        _Edit(tag.start, tag.end, tag.text(), finding),
        _Edit(close.start, close.end, close.text()),
    ], step


def _tags(text: str) -> Iterator[_Tag]:
    position = 0
    while match := _TAG.search(text, position):
        position = match.end()
        if closer := _CLOSERS.get(match[0]):
            position = text.find(closer, position)
            if position < 0:
                return
        else:
            yield _Tag(match.start(), match.end(), bool(match[1]), match[2] or "", match[3] or "")


def _split_attribute(tag: _Tag) -> bool:
    """Put back the blank that is lost in `<X_ua="rw">`."""
    if not (tag.rest.startswith("=") and tag.name.endswith("ua") and tag.name != "ua"):
        return False
    tag.name, tag.rest = tag.name.removesuffix("ua"), " ua" + tag.rest
    return True


def _close_of(tags: list[_Tag], position: int) -> tuple[int, _Tag | None]:
    """Return the number of tags up to the one that closes an element, and that one."""
    bare = tags[position].name.replace("_", "")
    for step, tag in enumerate(tags[position + 1 : position + 1 + _NEAR], start=2):
        if tag.closes:
            return (step, tag) if tag.name.replace("_", "") == bare else (1, None)
    return 1, None


def _edited(text: str, edits: list[_Edit]) -> str:
    pieces = []
    position = 0
    for edit in edits:
        pieces += [text[position : edit.start], edit.replacement]
        position = edit.end
    return "".join([*pieces, text[position:]])


def _findings(text: str, edits: list[_Edit]) -> Iterator[Finding]:
    line, position = 1, 0
    for edit in edits:
        line += text.count("\n", position, edit.start)
        position = edit.start
        if edit.finding:
            column = position - text.rfind("\n", 0, position)
            yield replace(edit.finding, line=line, column=column)
