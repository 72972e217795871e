"""The quick way into a cfg.xml: one regular expression for the form that nearly all files have.

What it accepts is a subset of XML on which it yields what the XML parser yields; whatever it
does not know, it refuses, and the XML parser reads the file. A comment is taken out where it
follows a `>`: in the form that is accepted, that is always between two elements or inside a value.
"""

import re
from collections.abc import Mapping

ELEMENTS = 16384
"""Most elements of a document."""
Element = tuple[str, str, str]
"""`(tag, ua, text)`: `ua` empty where the attribute is absent, entities of the text resolved,
line ends and tabs turned into blanks.

A plain tuple, because a profile has thousands of them.
"""

_LONG = 1 << 17
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
    r"<([A-Za-z_][A-Za-z0-9_.-]*+)(?: ua=\"(na|r[wo])\")?(?:>([^<\x00-\x1f]*+)</\1>| ?/>)"
    rf"{_BLANK}|[^ \t\r\n][^<]*+"
)
"""One element and the blanks behind it; or, with no tag, whatever else stands there."""
_ODD_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")


def tokenize(text: str) -> Mapping[str, Element] | None:
    """Return the last element of each tag, or None where only a parser can tell."""
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
    elements = _ELEMENT.findall(text, head.end(), end)
    found = {element[0]: element for element in elements}
    if "" in found or len(elements) > ELEMENTS:
        return None
    if "&" not in text:
        return found
    if _ODD_ENTITY.search(text):
        return None
    return {tag: (tag, ua, _resolved(value)) for tag, ua, value in found.values()}


def _is_plain(text: str) -> bool:
    """Return whether the text has nothing that XML forbids anywhere, and a bearable size.

    The first word of each pair is rare, and looking for one character is quicker than for three.
    """
    if ("]" in text and "]]>" in text) or "\ufffe" in text or "\uffff" in text:
        return False
    return len(text) < _LONG or text.count("<") <= 2 * ELEMENTS


def _resolved(text: str) -> str:
    if "&" not in text:
        return text
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")
