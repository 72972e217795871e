"""Forms with files in them. Source: RFC 7578."""

import re
from collections.abc import Mapping

from ringfence.protocols.pattern import pattern

FORM = "multipart/form-data; boundary="
"""Content-Type, before the boundary."""
MOST_PARTS = 64

_BOUNDARY = pattern(r'multipart/form-data *;.*\bboundary="?([!#-:<-~]{1,70})"?', re.I)
_NAMED = pattern(rb'(?i:content-disposition: *form-data)[^\r\n]*?[; ]name="([^"\r\n]*)"')


def read(kind: str, body: bytes) -> Mapping[str, bytes]:
    """Return the parts of a form by name, `kind` being its Content-Type; the last of a name counts.

    Raises:
        ValueError: it is none, is not whole, or has too many parts.

    """
    boundary = _BOUNDARY.match(kind)
    if not boundary:
        raise ValueError("no boundary")
    begin, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode(), MOST_PARTS + 1)
    if begin or len(parts) > MOST_PARTS or not parts or not parts[-1].startswith(b"--"):
        raise ValueError("not whole, or too many parts")
    found = {}
    for part in parts[:-1]:
        head, blank, data = part.partition(b"\r\n\r\n")
        named = _NAMED.search(head)
        if not named or not blank:
            raise ValueError("a part without a name")
        found[named[1].decode("ascii", errors="replace")] = data
    return found


def form(field: str, name: str, data: bytes, kind: str, boundary: str) -> bytes:
    """Return the body of a form; `name` and `field` hold neither quotes nor line ends."""
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
