"""The quick way into a cfg.xml: one regular expression for the form that nearly all files have.

What it accepts is a subset of XML on which it yields what the XML parser yields; whatever it
does not know, it refuses, and the XML parser reads the file. A comment is taken out where it
follows a `>`: in the form that is accepted, that is always between two elements or inside a value.

An element never spans lines here, so each line of an accepted file is acceptable by itself, and
lines may come, go and change places: a file that differs from an accepted one in a few lines
needs a look at those only.
"""

import re
from collections.abc import Mapping
from itertools import compress
from operator import ne

from msgspec import Struct

ELEMENTS = 16384
"""Most elements of a document."""
Element = tuple[str, str, str]
"""`(tag, ua, text)`: `ua` empty where the attribute is absent, entities of the text resolved,
line ends and tabs turned into blanks.

A plain tuple, because a profile has thousands of them.
"""

_LONG = 1 << 17
_FEW = 4
"""A file is read anew where more than one line in so many differs."""
_BLANK = r"[ \t\r\n]*+"
_DECLARATIONS = frozenset(
    '<?xml version="1.0"' + encoding + end
    for encoding in ("", ' encoding="UTF-8"', ' encoding="utf-8"')
    for end in ("?>", " ?>")
)
_HEAD = re.compile(rf"(?:(<\?xml [^<>]*+>))?{_BLANK}<flat-profile>{_BLANK}")
_ROOT_END = "</flat-profile>"
_IN_COMMENT = r"[^\x00-\x08\x0b\x0c\x0e-\x1f-]"
_COMMENT = re.compile(rf"(?<=>)({_BLANK})<!--{_IN_COMMENT}*+(?:-{_IN_COMMENT}++)*-->")
_ELEMENT = re.compile(
    r"<([A-Za-z_][A-Za-z0-9_.-]*+)(?: ua=\"(na|r[wo])\"|(?=[ />]))"
    rf"(?:>([^<\x00-\x1f]*+)</\1>| ?/>){_BLANK}|[^ \t\r\n][^<]*+"
)
"""One element and the blanks behind it; or, with no tag, whatever else stands there."""
_ODD_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")


class Plain(Struct, frozen=True):
    """What stands inside the root of a document in the quick form."""

    lines: list[str]
    """All of it but comments."""
    count: int
    """Elements."""
    last: Mapping[str, Element]
    """`{tag: element}`, the last of each tag."""
    repeated: frozenset[str]
    """Tags of several elements."""


def tokenize(text: str) -> Plain | None:
    """Return what a text holds, or None where only a parser can tell."""
    body = _body(text)
    plain = None if body is None else _plain(body)
    return plain if plain and plain.count <= ELEMENTS else None


def retokenize(text: str, old: Plain) -> tuple[Plain, frozenset[str]] | None:
    """Return what a text holds, and the tags of which it may hold another last element than `old`.

    None where the lines that differ are too many, or do not tell by themselves.
    """
    body = _body(text)
    if body is None:
        return None
    lines = body.split("\n")
    gone, come = _difference(old.lines, lines)
    if len(gone) + len(come) > len(lines) // _FEW:
        return None
    before, after = _plain("\n".join(gone)), _plain("\n".join(come))
    if before is None or after is None:
        return None
    count = old.count - before.count + after.count
    lost, new = before.last.keys(), after.last.keys()
    alone = old.repeated.isdisjoint(lost | new) and old.last.keys().isdisjoint(new - lost)
    if not alone or count > ELEMENTS:
        return None
    last = {**old.last, **after.last}
    for tag in lost - new:
        del last[tag]
    return Plain(lines, count, last, old.repeated | after.repeated), frozenset(lost | new)


def _body(text: str) -> str | None:
    """Return what the root holds, without comments; None where the rest is not as usual."""
    if not _is_plain(text):
        return None
    if "!" in text:
        text = _COMMENT.sub(r"\1", text)
    head = _HEAD.match(text)
    end = text.rfind(_ROOT_END)
    if head is None or end < head.end() or (head[1] and head[1] not in _DECLARATIONS):
        return None
    if text[end + len(_ROOT_END) :].strip(" \t\r\n"):
        return None
    return text[head.end() : end]


def _is_plain(text: str) -> bool:
    """Return whether the text has nothing that XML forbids anywhere, and a bearable size.

    The first word of each pair is rare, and looking for one character is quicker than for three.
    """
    if ("]" in text and "]]>" in text) or "\ufffe" in text or "\uffff" in text:
        return False
    return len(text) < _LONG or text.count("<") <= 2 * ELEMENTS


def _plain(body: str) -> Plain | None:
    """Return what a stretch of lines holds; None where there is anything but elements."""
    elements: list[Element] = _ELEMENT.findall(body)
    last = {element[0]: element for element in elements}
    if "" in last or ("&" in body and _ODD_ENTITY.search(body)):
        return None
    repeated = frozenset[str]()
    if len(last) < len(elements):
        repeated = frozenset([one[0] for one in elements if last[one[0]] is not one])
    if "&" in body:
        for tag, ua, value in [one for one in last.values() if "&" in one[2]]:
            last[tag] = tag, ua, _resolved(value)
    return Plain(body.split("\n"), len(elements), last, repeated)


def _resolved(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")


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
