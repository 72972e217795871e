"""The quick way into a cfg.xml: one regular expression for the form that nearly all files have.

What it accepts is a subset of XML on which it yields what the XML parser yields; whatever it
does not know, it refuses, and the XML parser reads the file. A comment is taken out where it
follows a `>`: in the form that is accepted, that is always between two elements or inside a value.
"""

import re

from msgspec import Struct

ELEMENTS = 16384
"""Most elements of a document."""
Element = tuple[str, str, str]
"""`(tag, ua, text)`: `ua` empty where the attribute is absent, entities of the text resolved,
line ends and tabs turned into blanks.

A plain tuple, because a profile has thousands of them.
"""

LONG = 1 << 17
"""Characters from which on a document is looked at for what it might cost."""
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


class Tokens(Struct, frozen=True):
    """What stands inside the root of a document, or in some of its lines."""

    elements: list[Element]
    """In the order of the file, entities as they are written."""
    last: dict[str, Element]
    """`{tag: element}`, the last of each tag."""

    def __repr__(self) -> str:
        """Return the number only, because texts may be secrets."""
        return f"Tokens({len(self.elements)})"


def tokenize(text: str) -> Tokens | None:
    """Return what a document holds, or None where only a parser can tell."""
    inside = body(text)
    tokens = None if inside is None else tokens_of(inside)
    return tokens if tokens and len(tokens.elements) <= ELEMENTS else None


def body(text: str) -> str | None:
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
    return len(text) < LONG or text.count("<") <= 2 * ELEMENTS


def tokens_of(lines: str) -> Tokens | None:
    """Return what some lines of a body hold; None where there is anything but elements."""
    elements: list[Element] = _ELEMENT.findall(lines)
    last = {element[0]: element for element in elements}
    if "" in last or ("&" in lines and _ODD_ENTITY.search(lines)):
        return None
    if "&" in lines:
        for tag, ua, text in [one for one in last.values() if "&" in one[2]]:
            last[tag] = tag, ua, _resolved(text)
    return Tokens(elements, last)


def _resolved(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")
