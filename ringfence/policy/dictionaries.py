"""Which languages a dictionary server has: `serv=URL;d1=LANGUAGE;x1=FILE;...`.

Source: ADR 51.
"""

from collections.abc import Mapping

from msgspec import Struct

MOST = 10
"""Languages of a script, d0 to d9."""


class Dictionaries(Struct, frozen=True):
    """What a script says."""

    server: str
    """Where the files are, as written; empty where there is no script."""
    files: Mapping[str, str]
    """`{language: file}`."""

    def of(self, language: str) -> str:
        """Return the URL of a language's file; empty where there is none."""
        wanted = language.strip().casefold()
        found = (file for name, file in self.files.items() if name.casefold() == wanted)
        file = next(found, "")
        return f"{self.server.rstrip('/')}/{file.lstrip('/')}" if file else ""


def dictionaries(text: str) -> Dictionaries:
    """Return what a script says.

    Raises:
        ValueError: it is none.

    """
    parts: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, equals, value = (word.strip() for word in part.partition("="))
        key = name.lower()
        known = key == "serv" or (
            key[:1] in ("d", "x") and len(key) == 2 and key[1] in "0123456789"
        )
        if not (equals and value and known):
            raise ValueError(f"{part[:40]!r} is neither serv=URL nor d0= or x0= to d9= or x9=")
        if key in parts:
            raise ValueError(f"{key} stands there twice")
        parts[key] = value
    server = parts.pop("serv", "")
    if parts and not server:
        raise ValueError("serv=URL is missing")
    alone = next((key for key in parts if {"d": "x", "x": "d"}[key[0]] + key[1] not in parts), "")
    if alone:
        raise ValueError(f"{alone} has no {'x' if alone[0] == 'd' else 'd'}{alone[1]}")
    files = {parts[f"d{n}"]: parts[f"x{n}"] for n in range(MOST) if f"d{n}" in parts}
    return Dictionaries(server, files)


def offered(text: str) -> tuple[str, ...]:
    """Return the languages of a script; none where it is none."""
    try:
        return tuple(dictionaries(text).files)
    except ValueError:
        return ()
