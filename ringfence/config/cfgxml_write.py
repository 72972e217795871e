"""Writes a cfg.xml that our own reader reads back; a secret never stands in it.

Source: phone-facts 2.1; 2.3, secrets.
"""

import re
from collections.abc import Callable, Iterable
from xml.sax.saxutils import escape

from ringfence.config.settings import encode, slots
from ringfence.config.snapshot import Snapshot

_NOTHING = '""'
"""The empty text, whatever the reader makes of an empty element."""
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write. Source: its section 2.2."""


def written(snapshot: Snapshot, tags: Iterable[str], withheld: Callable[[str, str], bool]) -> bytes:
    """Return a document with the present value and access of parameters.

    A secret, and whatever `withheld(tag, text)` is true of, is a comment without its text, as
    phones of the field write passwords.
    """
    known = slots()
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<flat-profile>"]
    for tag in tags:
        row, access = known[tag].row, snapshot.access(tag).value
        text = "" if row.secret else encode(snapshot.settings, tag)
        if row.secret or _UNWRITABLE.search(text) or withheld(tag, text):
            lines.append(f'<!-- <{tag} ua="{access}"/> -->')
        else:
            lines.append(f'<{tag} ua="{access}">{escape(text) or _NOTHING}</{tag}>')
    return "\n".join([*lines, "</flat-profile>\n"]).encode()
