"""What a PAC file may be shown, and what counts of its answer.

Source: Netscape, "Navigator Proxy Auto-Config File Format"; ADR 31.
"""

import enum
import re
from functools import lru_cache

from msgspec import Struct

from ringfence.errors import PolicyError
from ringfence.policy import hostname
from ringfence.policy.network import host_and_port, written

LARGEST = 1 << 20
"""Bytes of a PAC file."""
MOST_LOOKUPS = 20
"""Names that one answer may ask of DNS."""
MOST_ENTRIES, LONGEST = 16, 4096
"""Entries and characters of an answer that count."""


class Kind(enum.Enum):
    """How a server is spoken to."""

    DIRECT = "DIRECT"
    PROXY = "PROXY"
    """HTTP; `HTTP` is the same."""
    HTTPS = "HTTPS"
    """HTTP inside TLS."""
    SOCKS = "SOCKS"
    """Of any version."""


_KINDS = {
    "DIRECT": (Kind.DIRECT, 0),
    "PROXY": (Kind.PROXY, 80),
    "HTTP": (Kind.PROXY, 80),
    "HTTPS": (Kind.HTTPS, 443),
    "SOCKS": (Kind.SOCKS, 1080),
    "SOCKS4": (Kind.SOCKS, 1080),
    "SOCKS5": (Kind.SOCKS, 1080),
}
"""`{word: (kind, port where none is written)}`."""
_SPOKEN = (Kind.DIRECT, Kind.PROXY)
"""The chapter knows HTTP proxies only."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#\\]*@)?(?P<where>[^/?#@\\]+)(?P<rest>[/?][^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_WHERE = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::[0-9]+)?")


class Entry(Struct, frozen=True):
    """One way to the server; host and port are empty and 0 for DIRECT."""

    kind: Kind
    host: str = ""
    port: int = 0


class Result(Struct, frozen=True):
    """An answer that was read."""

    entries: tuple[Entry, ...]
    """What is well formed, in the order of the file."""
    refused: tuple[str, ...] = ()
    """What does not count, and why."""


class Shown(Struct, frozen=True):
    """What FindProxyForURL is told of a request."""

    url: str
    host: str


class PacError(PolicyError):
    """A PAC file gave nothing that can be used; the request is not sent (ADR 31)."""

    def __init__(self, rule: str, reason: str, remedy: str = "correct the PAC file") -> None:
        super().__init__(rule, f"PAC file: {reason}", remedy)
        self.asked: tuple[str, ...] = ()
        """Names that DNS was asked for before."""
        self.refused: tuple[str, ...] = ()
        self.by_clock = False
        """Its time ran out on the wall, where a busy machine may have had it wait."""


def script(data: bytes) -> str:
    """Return the text of a PAC file: UTF-8, else Latin-1.

    Raises:
        PacError: it is empty or too large.

    """
    if len(data) > LARGEST:
        raise PacError("pac-size", f"larger than {LARGEST} bytes")
    if not data.strip():
        raise PacError("pac-size", "empty")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def shown(url: str) -> Shown:
    """Return what a PAC file learns of a request.

    Never user and password; of https neither path nor query, which can hold secrets that the
    network between would not see.

    Raises:
        ValueError: it is no http or https URL.

    """
    found = _URL.fullmatch(url) if url.isprintable() and " " not in url else None
    if found is None:
        raise ValueError("write a URL, http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH")
    scheme, where = found["scheme"].lower(), found["where"]
    host, port = _server(where, 0)
    path = (found["rest"] or "/") if scheme == "http" else "/"
    if path.startswith("?"):
        path = f"/{path}"
    return Shown(f"{scheme}://{written(host, port)}{path}", host)


@lru_cache(maxsize=64)
def read_result(text: str) -> Result:
    """Return the entries of an answer; an empty one is DIRECT, as the format has it.

    Raises:
        PacError: it is too long, or not one entry is well formed.

    """
    if len(text) > LONGEST:
        raise PacError("pac-result", f"the answer is longer than {LONGEST} characters")
    if not text.strip(" \t"):
        return Result((Entry(Kind.DIRECT),))
    words = [word for word in (part.strip(" \t") for part in text.split(";")) if word]
    entries, refused = [], []
    for word in words:
        try:
            entries.append(_entry(word))
        except ValueError as error:
            refused.append(f"{printable(word)!r}: {error}")
    if len(entries) > MOST_ENTRIES:
        refused.append(f"{len(entries) - MOST_ENTRIES} more: only {MOST_ENTRIES} count")
    unspoken = (entry.kind.value for entry in entries if entry.kind not in _SPOKEN)
    refused += [f"an application of the phone speaks no {kind}" for kind in dict.fromkeys(unspoken)]
    if not entries:
        why = refused[0] if refused else repr(printable(text))
        raise PacError("pac-result", f"the answer names no proxy: {why}")
    return Result(tuple(entries[:MOST_ENTRIES]), tuple(refused))


def usable(result: Result) -> tuple[Entry, ...]:
    """Return the entries that an application may try, in order; a phone speaks no SOCKS.

    Raises:
        PacError: there is none.

    """
    found = tuple(entry for entry in result.entries if entry.kind in _SPOKEN)
    if not found:
        kinds = sorted({entry.kind.value for entry in result.entries})
        reason = f"every proxy of the answer is {' or '.join(kinds)}"
        raise PacError("pac-unusable", reason, "let the PAC file name a PROXY")
    return found


def printable(text: str, most: int = 80) -> str:
    """Return text of a PAC file as it may stand in a message."""
    return "".join(c if c.isprintable() else "?" for c in text[:most])


def _entry(word: str) -> Entry:
    parts = word.replace("\t", " ").split(" ", 1)
    known = _KINDS.get(parts[0].upper())
    if known is None:
        raise ValueError("begins with no known kind of proxy")
    kind, default = known
    where = parts[1].strip(" ") if len(parts) > 1 else ""
    if kind is Kind.DIRECT:
        if where:
            raise ValueError("DIRECT has no host")
        return Entry(kind)
    return Entry(kind, *_server(where, default))


@lru_cache(maxsize=256)
def _server(where: str, default: int) -> tuple[str, int]:
    """Return host and port of a URL or an entry. Raises `ValueError`."""
    if not _WHERE.fullmatch(where):
        raise ValueError("write HOST or HOST:PORT; an IPv6 address in brackets")
    host, port = host_and_port(where, default)
    literal = hostname.address(host)
    return (str(literal) if literal else hostname.name(host)), port
