"""Search filters: read as text once, and then filled with what was typed.

What was typed is put into assertion values of a filter that has been taken apart already, so that
no character of it can mean anything but itself.

Source: RFC 4515; RFC 4511 section 4.5.1.7.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ringfence.protocols.ldap import ber
from ringfence.protocols.pattern import pattern

VALUE = "$VALUE"
"""Stands for what was typed. Source: phone-facts 1.5."""
DEEPEST = 16
"""Levels of brackets."""
_ATTRIBUTE = pattern(r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*")
_SIGNS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}
_ITEM = pattern(r"([^=~<>:()]*)(>=|<=|~=|=)(.*)", re.DOTALL)
_SPECIAL = "*()\\\0"
_FEW = 0x80
"""The first octet of UTF-8 that is not a character by itself."""


class Compare(Struct, frozen=True):
    """An attribute compared with a value, whose text may hold `$VALUE`."""

    attribute: str
    sign: str
    """`=`, `>=`, `<=` or `~=`."""
    value: bytes


class Substrings(Struct, frozen=True):
    """An attribute that has these pieces, with anything between; `()` asks that it is there."""

    attribute: str
    pieces: tuple[bytes, ...]
    """The first begins the value and the last ends it; an empty one binds nothing."""


class Set(Struct, frozen=True):
    """Some filters together: `&`, `|`; or one denied: `!`."""

    sign: str
    parts: "tuple[Filter, ...]"


Filter = Compare | Substrings | Set
_SETS = {"&": 0xA0, "|": 0xA1, "!": 0xA2}


def parse(text: str) -> Filter:
    """Return what a filter says.

    Raises:
        ValueError: it is none that RFC 4515 knows, or nests too deep.

    """
    found, rest = _filter(text.strip(), DEEPEST)
    if rest:
        raise ValueError(f"{rest[:20]!r} stands behind the last bracket")
    return found


def is_attribute(text: str) -> bool:
    """Return whether a text names an attribute. Source: RFC 4512 section 2.5."""
    return bool(_ATTRIBUTE.fullmatch(text))


def either(filters: Sequence[Filter]) -> Filter:
    """Return the filter of whatever matches one of them."""
    return filters[0] if len(filters) == 1 else Set("|", tuple(filters))


def encode(asked: Filter, typed: str) -> bytes:
    """Return a filter in BER with what was typed in its place."""
    filled = fill(asked, typed)
    if isinstance(filled, Set):
        parts = b"".join(encode(part, typed) for part in filled.parts)
        return ber.element(_SETS[filled.sign], parts)
    if isinstance(filled, Compare):
        parts = ber.octets(filled.attribute) + ber.octets(filled.value)
        return ber.element(_SIGNS[filled.sign], parts)
    if not any(filled.pieces):
        return ber.octets(filled.attribute, 0x87)
    pieces = [
        ber.octets(piece, 0x80 if at == 0 else 0x82 if at == len(filled.pieces) - 1 else 0x81)
        for at, piece in enumerate(filled.pieces)
        if piece
    ]
    return ber.element(0xA4, ber.octets(filled.attribute), ber.element(ber.SEQUENCE, *pieces))


def fill(asked: Filter, typed: str) -> Filter:
    """Return a filter with what was typed in its place; sets are filled part by part later."""
    raw = typed.encode("utf-8", errors="replace")
    match asked:
        case Compare():
            return Compare(asked.attribute, asked.sign, asked.value.replace(VALUE.encode(), raw))
        case Substrings():
            pieces = (piece.replace(VALUE.encode(), raw) for piece in asked.pieces)
            return Substrings(asked.attribute, tuple(pieces))
    return asked


def written(asked: Filter, typed: str = VALUE) -> str:
    """Return a filter as text, with what was typed escaped as RFC 4515 section 3 wants it."""
    filled = fill(asked, typed)
    match filled:
        case Set():
            return f"({filled.sign}{''.join(written(part, typed) for part in filled.parts)})"
        case Compare():
            return f"({filled.attribute}{filled.sign}{escaped(filled.value)})"
        case Substrings():
            pieces = filled.pieces if any(filled.pieces) else (b"", b"")
            return f"({filled.attribute}={'*'.join(map(escaped, pieces))})"


def escaped(value: bytes) -> str:
    """Return an assertion value as text. Source: RFC 4515 section 3."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "".join(
            chr(c) if c < _FEW and chr(c) not in _SPECIAL else f"\\{c:02x}" for c in value
        )
    return "".join(f"\\{ord(c):02x}" if c in _SPECIAL else c for c in text)


def _filter(text: str, depth: int) -> tuple[Filter, str]:
    """Return the filter that a text begins with, and what follows it."""
    if not depth:
        raise ValueError(f"more than {DEEPEST} levels of brackets")
    if not text.startswith("("):
        raise ValueError(f"a bracket is missing before {text[:20]!r}")
    if text[1:2] in _SETS:
        return _set(text[1], text[2:].lstrip(), depth)
    body, bracket, rest = text[1:].partition(")")
    if not bracket:
        raise ValueError(f"a bracket is missing behind {text[:20]!r}")
    return _item(body), rest.lstrip()


def _set(sign: str, rest: str, depth: int) -> tuple[Filter, str]:
    parts: list[Filter] = []
    while rest.startswith("("):
        part, rest = _filter(rest, depth - 1)
        parts.append(part)
    if not rest.startswith(")"):
        raise ValueError(f"a bracket is missing behind ({sign}")
    if not parts or (sign == "!" and len(parts) > 1):
        raise ValueError(f"({sign} has {len(parts)} parts")
    return Set(sign, tuple(parts)), rest[1:].lstrip()


def _item(body: str) -> Filter:
    found = _ITEM.fullmatch(body)
    if found is None:
        raise ValueError(f"{body[:40]!r} compares nothing")
    attribute, sign, value = found.groups()
    if not is_attribute(attribute := attribute.strip()):
        raise ValueError(f"{attribute[:40]!r} is no attribute")
    if sign == "=" and "*" in value:
        pieces = tuple(bytes(_unescaped(piece)) for piece in value.split("*"))
        if not all(pieces[1:-1]):
            raise ValueError(f"{value[:40]!r} has ** in it")
        return Substrings(attribute, pieces)
    return Compare(attribute, sign, bytes(_unescaped(value)))


def _unescaped(text: str) -> Iterator[int]:
    """Yield the octets of an assertion value."""
    at = 0
    while at < len(text):
        if text[at] == "\\":
            pair = text[at + 1 : at + 3]
            if len(pair) < 2 or not all(c in "0123456789abcdefABCDEF" for c in pair):
                raise ValueError(f"{text[at : at + 3]!r} is no escape: write \\2a for *")
            yield int(pair, 16)
            at += 3
        else:
            if text[at] in _SPECIAL:
                raise ValueError(f"{text[at]!r} must be escaped")
            yield from text[at].encode("utf-8", errors="replace")
            at += 1
