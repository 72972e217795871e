"""The quick way into a cfg.xml: one regular expression for the form that nearly all files have.

What it accepts is a subset of XML on which it yields what the XML parser yields; whatever it
does not know, it refuses, and the XML parser reads the file. A comment is taken out where it
follows a `>`: in the form that is accepted, that is always between two elements or inside a value.
"""

import re

MOST_TAGS = 32768
"""More `<` than this, and the parser counts the elements."""
_BLANK = r"[ \t\r\n]*+"
_ACCEPTED = frozenset(
    '<?xml version="1.0"' + encoding + end
    for encoding in ("", ' encoding="UTF-8"', ' encoding="utf-8"')
    for end in ("?>", " ?>")
)
_HEAD = re.compile(rf"(?:(<\?xml [^<>]*+>))?{_BLANK}<flat-profile>")
_ROOT_END = "</flat-profile>"
_COMMENT = re.compile(r"(?<=>)([ \t\r\n]*+)<!--(?:[^\x00-\x08\x0b\x0c\x0e-\x1f-]|-(?!-))*+-->")
_ELEMENT = re.compile(
    r"[ \t\r\n]*+"
    r"(?:<([A-Za-z_][A-Za-z0-9_.-]*+)(?: ua=\"(na|rw|ro)\")?(?: ?/>|>([^<\x00-\x1f]*+)</\1>)"
    r"|[^ \t\r\n][^<]*+)"
)
"""One element; or, with no tag, whatever else stands there."""
_ODD_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")
_NOT_XML = ("]]>", "\ufffe", "\uffff")


def tokenize(text: str) -> list[tuple[str, str, str]] | None:
    """Return `(tag, ua, text)` of every element, or None where only a parser can tell.

    `ua` is empty where the attribute is absent; `text` has its entities resolved and its blanks
    kept. The tuples are plain, because a profile has thousands of them.
    """
    if text.count("<") > MOST_TAGS or any(word in text for word in _NOT_XML):
        return None
    if "<!" in text:
        text = _COMMENT.sub(r"\1", text)
    head = _HEAD.match(text)
    end = text.rfind(_ROOT_END)
    if head is None or end < head.end() or (head[1] and head[1] not in _ACCEPTED):
        return None
    if text[end + len(_ROOT_END) :].strip(" \t\r\n"):
        return None
    elements = _ELEMENT.findall(text, head.end(), end)
    if "&" not in text:
        return elements if all(map(_tag, elements)) else None
    if not all(map(_tag, elements)) or _ODD_ENTITY.search(text):
        return None
    return [(tag, access, _resolved(value)) for tag, access, value in elements]


def _tag(element: tuple[str, str, str]) -> str:
    return element[0]


def _resolved(text: str) -> str:
    if "&" not in text:
        return text
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")
