"""Writes a cfg.xml that our own reader reads back; a secret never stands in it.

Source: phone-facts 2.1; 2.3, secrets.
"""

import re
from collections.abc import Callable, Iterable
from xml.sax.saxutils import escape

from ringfence.config.parameter import Access
from ringfence.config.settings import encode, slots
from ringfence.config.snapshot import Snapshot

_NOTHING = '""'
"""The empty text, whatever the reader makes of an empty element."""
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write. Source: its section 2.2."""


def element(tag: str, access: Access, text: str | None) -> str:
    """Return the line of one parameter; a comment where its text is None or cannot be written."""
    if text is None or _UNWRITABLE.search(text):
        return f'<!-- <{tag} ua="{access.value}"/> -->'
    return f'<{tag} ua="{access.value}">{escape(text) or _NOTHING}</{tag}>'


def written(snapshot: Snapshot, tags: Iterable[str], withheld: Callable[[str, str], bool]) -> bytes:
    """Return a document with the present value and access of parameters.

    A secret, and whatever `withheld(tag, text)` is true of, is a comment without its text, as
    phones of the field write passwords.
    """
    known = slots()
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<flat-profile>"]
    for tag in tags:
        secret = known[tag].row.secret
        text = "" if secret else encode(snapshot.settings, tag)
        hidden = secret or withheld(tag, text)
        lines.append(element(tag, snapshot.access(tag), None if hidden else text))
    return "\n".join([*lines, "</flat-profile>\n"]).encode()
