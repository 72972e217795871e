"""Words of another language, as a server has them: bounded, and filled as the English ones are.

    <dictionary code="es"><phrase english="Lines">Líneas</phrase></dictionary>

Source: ADR 51.
"""

from collections.abc import Mapping
from string import Formatter

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols import xml
from ringfence.protocols.pattern import pattern

LIMITS = xml.Limits(size=1 << 20, elements=5001, depth=3)
LONGEST = 1000
"""Characters of a phrase."""
_CODE = pattern(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


class Words(Struct, frozen=True, tag=True):
    """What a dictionary has."""

    code: str
    """Of BCP 47, `es`; `und` where it does not say."""
    phrases: Mapping[str, str]
    """`{English: the other language}`."""
    skipped: int
    """Phrases that cannot be used."""


def read(data: bytes) -> Words:
    """Return the words of a dictionary; what is no phrase is ignored.

    A phrase that would be filled with something else than the English one, or that has what
    cannot be seen, is skipped.

    Raises:
        RemoteProtocolError: it is no dictionary, or too large.

    """
    root = xml.read(data, LIMITS)
    if root.name != "dictionary":
        raise RemoteProtocolError(f"the dictionary is refused: its root is {root.name[:40]!r}")
    code = root.attributes.get("code", "und")
    if not _CODE.fullmatch(code):
        raise RemoteProtocolError(f"the dictionary is refused: {code[:40]!r} is no language")
    found: dict[str, str] = {}
    skipped = 0
    for phrase in root.all("phrase"):
        english, said = phrase.attributes.get("english", ""), " ".join(phrase.text.split())
        if english and said and len(said) <= LONGEST and fits(english, said):
            found.setdefault(english, said)
        else:
            skipped += 1
    if not found:
        raise RemoteProtocolError("the dictionary is refused: it has no phrase that can be used")
    return Words(code, found, skipped)


def fits(english: str, said: str) -> bool:
    """Return whether a phrase can stand for an English one: it fills in nothing else."""
    try:
        return said.isprintable() and _places(said) <= _places(english)
    except ValueError:
        return False


def _places(text: str) -> frozenset[tuple[str, str, str]]:
    """Return what is filled in: names, formats, conversions. Raises `ValueError`: a brace alone."""
    return frozenset(
        (name, form or "", conversion or "")
        for _, name, form, conversion in Formatter().parse(text)
        if name is not None
    )
