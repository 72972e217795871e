"""How long an answer counts, and how a server is asked whether it still does.

Source: RFC 9110 sections 8.8 and 13.1; RFC 9111 sections 4.2.1 and 5.2.2.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

LONGEST = 256
"""Characters of a validator; a longer one is not kept."""
Fields = Sequence[tuple[bytes, bytes]]
"""Header fields, names in lower case."""


class Validators(Struct, frozen=True):
    """What a server knows a version of a file by."""

    etag: str = ""
    modified: str = ""

    def conditions(self) -> Mapping[str, str]:
        """Return the header fields that ask for another version only."""
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: text for name, text in pairs.items() if text}


def validators(fields: Fields) -> Validators:
    """Return the validators of an answer."""
    return Validators(_first(fields, b"etag"), _first(fields, b"last-modified"))


def lifetime(fields: Fields) -> int | None:
    """Return the seconds that an answer counts, 0 for not at all; None where it does not say."""
    said: int | None = None
    for word in _directives(fields):
        name, _, text = word.partition("=")
        if name in ("no-store", "no-cache"):
            return 0
        digits = text.strip('"')
        if name == "max-age" and digits.isascii() and digits.isdigit():
            said = int(digits[:10]) if said is None else said
    return said


def is_kept(fields: Fields) -> bool:
    """Return whether an answer may be kept on a disk."""
    return "no-store" not in _directives(fields)


def _directives(fields: Fields) -> Iterator[str]:
    for name, value in fields:
        if name == b"cache-control":
            yield from (word.strip().lower() for word in value.decode("latin-1").split(","))


def _first(fields: Fields, wanted: bytes) -> str:
    text = next((value for name, value in fields if name == wanted), b"").decode("latin-1")
    return text if len(text) <= LONGEST and all(" " <= c <= "~" for c in text) else ""
