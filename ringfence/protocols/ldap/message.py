"""Requests of a client, and what a server answers. Source: RFC 4511 section 4."""

import enum
from collections.abc import Sequence

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.ldap import ber
from ringfence.protocols.ldap.ber import Contents

VERSION = 3
STARTTLS_OID = "1.3.6.1.4.1.1466.20037"
MOST_ATTRIBUTES, MOST_VALUES = 64, 64
"""Attributes of an entry, and values of one, that are kept; the rest of a message is skipped."""
LONGEST_TEXT = 512
"""Characters of a diagnostic message that are kept."""
WHOLE_SUBTREE = 2
NEVER_DEREFERENCE = 0
_LAST_ID = 2**31 - 1


class Kind(enum.IntEnum):
    """Tags of the operations that a client meets."""

    BIND = 0x60
    BIND_DONE = 0x61
    UNBIND = 0x42
    SEARCH = 0x63
    ENTRY = 0x64
    SEARCH_DONE = 0x65
    ABANDON = 0x50
    REFERENCE = 0x73
    EXTENDED = 0x77
    EXTENDED_DONE = 0x78
    INTERMEDIATE = 0x79


class Code(enum.IntEnum):
    """Result codes that a phone acts on. Source: RFC 4511 appendix A."""

    SUCCESS = 0
    PROTOCOL_ERROR = 2
    TIME_LIMIT = 3
    SIZE_LIMIT = 4
    CONFIDENTIALITY_REQUIRED = 13
    REFERRAL = 10
    SASL_BIND_IN_PROGRESS = 14
    INVALID_CREDENTIALS = 49
    UNAVAILABLE = 52
    UNWILLING = 53


_NAMES = {
    1: "operationsError", 2: "protocolError", 3: "timeLimitExceeded", 4: "sizeLimitExceeded",
    7: "authMethodNotSupported", 8: "strongerAuthRequired", 10: "referral",
    11: "adminLimitExceeded", 13: "confidentialityRequired", 14: "saslBindInProgress",
    18: "inappropriateMatching", 32: "noSuchObject", 34: "invalidDNSyntax",
    48: "inappropriateAuthentication", 49: "invalidCredentials", 50: "insufficientAccessRights",
    51: "busy", 52: "unavailable", 53: "unwillingToPerform", 80: "other",
}  # fmt: skip


class Result(Struct, frozen=True):
    """How an operation ended."""

    id: int
    kind: Kind
    code: int
    text: str
    """Diagnostic message, without what cannot be printed."""
    credentials: bytes | None = None
    """What the server says in SASL."""
    name: str = ""
    """Object identifier of an extended response."""

    @property
    def words(self) -> str:
        """Return code and diagnostic message for people."""
        known = _NAMES.get(self.code, "result")
        return f"{known} ({self.code})" + (f": {self.text}" if self.text else "")


class Entry(Struct, frozen=True):
    """One entry that was found."""

    id: int
    name: str
    """Distinguished name."""
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]
    """Names as the server writes them, with their values."""


class Aside(Struct, frozen=True):
    """A reference to another server, or an intermediate response: neither is followed."""

    id: int
    kind: Kind


Response = Result | Entry | Aside


class Limits(Struct, frozen=True):
    """What a search may bring."""

    entries: int
    seconds: int


def bind(number: int, name: str, password: str) -> bytes:
    """Return a simple bind; without name and password an anonymous one. Source: section 4.2."""
    parts = (ber.integer(VERSION), ber.octets(name), ber.octets(password, 0x80))
    return _message(number, ber.element(Kind.BIND, *parts))


def bind_sasl(number: int, mechanism: str, credentials: bytes | None) -> bytes:
    """Return one step of a SASL bind. Source: section 4.2; RFC 4513 section 5.2."""
    told = b"" if credentials is None else ber.octets(credentials)
    sasl = ber.element(0xA3, ber.octets(mechanism), told)
    return _message(number, ber.element(Kind.BIND, ber.integer(VERSION), ber.octets(""), sasl))


def starttls(number: int) -> bytes:
    """Return the request for TLS. Source: section 4.14."""
    return _message(number, ber.element(Kind.EXTENDED, ber.octets(STARTTLS_OID, 0x80)))


def search(
    number: int, base: str, asked: bytes, attributes: Sequence[str], limits: Limits
) -> bytes:
    """Return a search of a whole subtree; `asked` is the filter in BER. Source: section 4.5.1."""
    scope = (WHOLE_SUBTREE, NEVER_DEREFERENCE)
    return _message(
        number,
        ber.element(
            Kind.SEARCH,
            ber.octets(base),
            *(ber.integer(word, ber.ENUMERATED) for word in scope),
            *(ber.integer(limit) for limit in (limits.entries, limits.seconds)),
            ber.boolean(False),
            asked,
            ber.element(ber.SEQUENCE, *map(ber.octets, attributes)),
        ),
    )


def abandon(number: int, other: int) -> bytes:
    """Return that nobody waits for an operation any more. Source: section 4.11."""
    return _message(number, ber.integer(other, Kind.ABANDON))


def unbind(number: int) -> bytes:
    """Return a farewell. Source: section 4.3."""
    return _message(number, ber.element(Kind.UNBIND))


def _message(number: int, operation: bytes) -> bytes:
    return ber.element(ber.SEQUENCE, ber.integer(number), operation)


def read(data: bytes) -> Response:
    """Return what a whole message of a server says; controls are skipped.

    Raises:
        RemoteProtocolError: it breaks LDAP, or is none that a server sends.

    """
    message = Contents(data).inside(ber.SEQUENCE)
    number = message.number()
    if not 0 <= number <= _LAST_ID:
        raise RemoteProtocolError("a message number that is out of range")
    tag, content = message.next()
    try:
        kind = Kind(tag)
    except ValueError:
        raise RemoteProtocolError(f"an operation of the unknown tag {tag:#04x}") from None
    match kind:
        case Kind.ENTRY:
            return _entry(number, Contents(content))
        case Kind.REFERENCE | Kind.INTERMEDIATE:
            return Aside(number, kind)
        case Kind.BIND_DONE | Kind.SEARCH_DONE | Kind.EXTENDED_DONE:
            return _result(number, kind, Contents(content))
    raise RemoteProtocolError(f"a request ({kind.name}) from a server")


def _result(number: int, kind: Kind, parts: Contents) -> Result:
    code = parts.number(ber.ENUMERATED)
    parts.take(ber.OCTETS)
    told = text(parts.take(ber.OCTETS))[:LONGEST_TEXT]
    more = dict(parts.each())  # a referral (0xA3) is among it, and followed by nobody
    name = text(more[0x8A]) if 0x8A in more else ""
    return Result(number, kind, code, told, more.get(0x87), name[:LONGEST_TEXT])


def _entry(number: int, parts: Contents) -> Entry:
    name, held = text(parts.take(ber.OCTETS)), parts.inside(ber.SEQUENCE)
    found: list[tuple[str, tuple[bytes, ...]]] = []
    while held and len(found) < MOST_ATTRIBUTES:
        attribute = held.inside(ber.SEQUENCE)
        label, values = text(attribute.take(ber.OCTETS)), attribute.inside(ber.SET)
        kept: list[bytes] = []
        while values and len(kept) < MOST_VALUES:
            kept.append(values.take(ber.OCTETS))
        found.append((label, tuple(kept)))
    return Entry(number, name, tuple(found))


def text(data: bytes) -> str:
    """Return UTF-8 as text that can be shown: what cannot be printed becomes U+FFFD."""
    decoded = data.decode("utf-8", errors="replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in decoded)


class Incoming:
    """Parts what comes from a server into messages, as much of it as `budget` bytes."""

    def __init__(self, budget: int) -> None:
        self._data = bytearray()
        self._left = budget

    @property
    def pending(self) -> bool:
        """Return whether bytes wait that belong to no message yet."""
        return bool(self._data)

    def receive(self, data: bytes) -> None:
        """Take bytes of a server.

        Raises:
            RemoteProtocolError: it sends more than is listened to.

        """
        self._left -= len(data)
        if self._left < 0:
            raise RemoteProtocolError("the server sends without end")
        self._data += data

    def next(self) -> Response | None:
        """Return the next whole message; None where it is not all there yet.

        Raises:
            RemoteProtocolError: it breaks LDAP, or is too large.

        """
        if self._data and self._data[0] != ber.SEQUENCE:
            raise RemoteProtocolError("what answers speaks no LDAP")
        found = ber.head(self._data)
        if found is None or found[2] > len(self._data):
            return None
        whole = bytes(self._data[: found[2]])
        del self._data[: found[2]]
        return read(whole)
