"""Files that call parameters by names of their own: the option `--alias` of a profile rule.

A map has entries `/customer/number = /flat-profile/User_ID_1_ ;`. The left side matches every
element whose path ends with it. Source: phone-facts 2.5; judgement: the form of the family's
older lines.
"""

import re

from msgspec import Struct

from ringfence.config.cfgxml_fast import ELEMENTS
from ringfence.config.cfgxml_repair import ROOT
from ringfence.errors import DocumentError

ALIASES = 30
"""Entries of a map."""
DEPTH = 8
"""Most nested elements of a document."""

_NAME = r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}"
_ENTRY = re.compile(rf"\s*(?P<path>(?:/{_NAME}){{1,{DEPTH}}})\s*=\s*/{ROOT}/(?P<tag>{_NAME})\s*")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Alias(Struct, frozen=True):
    """One entry of a map."""

    path: tuple[str, ...]
    """The last names of the element's path, outermost first."""
    tag: str


def parse_aliases(text: str) -> tuple[Alias, ...]:
    """Return the entries of a map.

    Raises:
        ValueError: an entry is not `/path = /flat-profile/TAG`, there are too many, or none.

    """
    entries = [entry for entry in text.split(";") if entry.strip()]
    if not 1 <= len(entries) <= ALIASES:
        raise ValueError(f"a map of tags has 1 to {ALIASES} entries, this one {len(entries)}")
    found = []
    for entry in entries:
        if (match := _ENTRY.fullmatch(entry)) is None:
            raise ValueError(f"{entry.strip()[:60]!r} is not /path/name = /{ROOT}/TAG")
        found.append(Alias(tuple(match["path"][1:].split("/")), match["tag"]))
    return tuple(found)


def renamed(text: str, aliases: tuple[Alias, ...]) -> str:
    """Return a cfg.xml with the parameters of a document, each on its own line of before.

    Those are the elements that an alias names, and those that stand in a `<flat-profile>`
    anyway; everything else is left out.

    Raises:
        DocumentError: the document is not XML, or exceeds a limit.

    """
    return _Renaming(text, aliases).result()


class _Renaming:
    """One pass of the XML parser over a document."""

    def __init__(self, text: str, aliases: tuple[Alias, ...]) -> None:
        self._aliases = aliases
        self._path: list[str] = []
        self._open: tuple[str, str, int] | None = None
        """Tag, `ua` and depth of the parameter that is being read."""
        self._text: list[str] = []
        self._out = [f"<{ROOT}>"]
        self._line = 1
        """Of what was written last."""
        self._count = 0
        from xml.parsers import expat  # a DOCTYPE is refused, so nothing expands

        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code) or "not well-formed"
            place = parser.ErrorLineNumber, parser.ErrorColumnNumber + 1
            raise DocumentError(f"XML: {reason}", "correct the file", *place) from None

    def result(self) -> str:
        return "".join([*self._out, f"</{ROOT}>\n"])

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        self._path.append(tag)
        if len(self._path) > DEPTH or self._count > ELEMENTS:
            text = f"more than {DEPTH} nested elements, or {ELEMENTS} in all"
            raise DocumentError(text, "split the file", self._parser.CurrentLineNumber)
        if self._open is None and (name := self._named()) is not None:
            line = self._parser.CurrentLineNumber
            self._out.append("\n" * (line - self._line))
            self._open, self._line = (name, attributes.get("ua", ""), len(self._path)), line
            self._text = []

    def _named(self) -> str | None:
        """Return the parameter that the present element stands for."""
        for alias in self._aliases:
            if tuple(self._path[-len(alias.path) :]) == alias.path:
                return alias.tag
        return self._path[-1] if self._path[-2:-1] == [ROOT] else None

    def _end(self, tag: str) -> None:
        if self._open is not None and self._open[2] == len(self._path):
            name, access, _ = self._open
            self._open = None
            ua = f' ua="{access}"' if access in ("na", "ro", "rw") else ""
            said = "".join(self._text).replace("\n", " ").strip().translate(_ESCAPES)
            self._out.append(f"<{name}{ua}>{said}</{name}>")
        self._path.pop()

    def _characters(self, text: str) -> None:
        if self._open is not None and self._open[2] == len(self._path):
            self._text.append(text)

    def _doctype(self, *_: object) -> None:
        raise DocumentError("a DOCTYPE is not allowed", "delete it", self._parser.CurrentLineNumber)
