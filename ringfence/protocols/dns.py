"""DNS as a stub resolver speaks it: one question to a recursive server, and what its answer holds.

Source: RFC 1035 sections 3.1, 3.3, 4; RFC 2782 (SRV); RFC 3403 section 4.1 (NAPTR); RFC 3596
(AAAA); RFC 5452 section 9 (which answers count); RFC 2181 section 8 (time to live).
"""

import enum
import ipaddress
import struct
from collections.abc import Mapping

from msgspec import Struct

MOST_RECORDS = 512
"""Records of one answer; a longer one is refused."""
MOST_ALIASES = 16
"""Aliases in a row that are followed inside an answer."""
LONGEST = 253
"""Characters of a name."""

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_SRV = struct.Struct("!3H")
_NAPTR = struct.Struct("!2H")
_INTERNET = 1
_QUERY_RECURSION_DESIRED = 0x0100
_RESPONSE, _OPCODE, _TRUNCATED, _CODE = 0x8000, 0x7800, 0x0200, 0x000F
_POINTER = 0xC0
_LONGEST_LIFE, _LARGEST_LIFE = 86_400, 2**31 - 1
"""Seconds that are believed, and the largest number that is one of seconds."""
_ALIAS = 5
_QUOTED = b'"().;\\@$'


class Type(enum.IntEnum):
    """The records that the phone asks for."""

    A = 1
    AAAA = 28
    SRV = 33
    NAPTR = 35


class Code(enum.IntEnum):
    """What an answer says of itself."""

    NO_ERROR = 0
    FORMAT_ERROR = 1
    SERVER_FAILURE = 2
    NAME_ERROR = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5


_WITHOUT_QUESTION = (
    Code.FORMAT_ERROR,
    Code.SERVER_FAILURE,
    Code.NOT_IMPLEMENTED,
    Code.REFUSED,
)
"""What a server may say that has not read the question."""


class Naptr(Struct, frozen=True):
    """A NAPTR record."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


class Srv(Struct, frozen=True):
    """An SRV record. Source: RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


Record = Naptr | Srv | str
"""What DNS answers; the text of an address for A and AAAA."""


class Answer(Struct, frozen=True):
    """What a server said."""

    code: int
    """`Code`, or another number of RFC 6895."""
    records: tuple[Record, ...] = ()
    """Those of the type that was asked for, at the end of the aliases, in the answer's order."""
    truncated: bool = False
    """There is more, by TCP."""
    life: int = 0
    """Seconds for which the records and the aliases before them may all be kept."""


def build(name: str, record: str, number: int) -> bytes:
    """Return the question for a record type (`A`, `NAPTR`) of an absolute name.

    `number` is the message's id, between 0 and 65535, and nobody may guess it.

    Raises:
        ValueError: the name has no form in DNS.

    """
    labels = name.encode("ascii").split(b".")
    if len(name) > LONGEST or not all(1 <= len(label) <= 63 for label in labels):
        raise ValueError(f"{name[:80]!r} has no form in DNS")
    wire = b"".join(bytes((len(label),)) + label for label in labels)
    header = _HEADER.pack(number, _QUERY_RECURSION_DESIRED, 1, 0, 0, 0)
    return header + wire + b"\0" + struct.pack("!2H", Type[record], _INTERNET)


def read(data: bytes, sent: bytes) -> Answer | None:
    """Return what a message answers to the question `sent`; None where it is no answer to it.

    Raises:
        ValueError: it answers, and is malformed.

    """
    if len(data) < _HEADER.size:
        return None
    number, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    asked, code = sent[_HEADER.size :], flags & _CODE
    if number != int.from_bytes(sent[:2]) or not flags & _RESPONSE or flags & _OPCODE:
        return None
    at = _HEADER.size
    if questions:
        at += len(asked)
        if questions != 1 or data[_HEADER.size : at].lower() != asked.lower():
            return None
    elif code not in _WITHOUT_QUESTION:
        return None
    if flags & _TRUNCATED or code != Code.NO_ERROR:
        return Answer(code, truncated=bool(flags & _TRUNCATED))
    if answers > MOST_RECORDS:
        raise ValueError(f"more than {MOST_RECORDS} records")
    found, life = _records(data, at, answers, asked)
    return Answer(code, found, life=life if found else 0)


def _records(data: bytes, at: int, count: int, asked: bytes) -> tuple[tuple[Record, ...], int]:
    """Return the records at the end of the aliases from the name asked for, and their life."""
    wanted = int.from_bytes(asked[-4:-2])
    held: dict[str, list[Record]] = {}
    aliases: dict[str, str] = {}
    life = _LONGEST_LIFE
    for _ in range(count):
        owner, at = _name(data, at)
        if at + _RECORD.size > len(data):
            raise ValueError("is cut off")
        kind, class_, lives, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if at + length > len(data):
            raise ValueError("is cut off")
        if class_ == _INTERNET and kind in (wanted, _ALIAS):
            life = min(life, lives if lives <= _LARGEST_LIFE else 0)
        if class_ == _INTERNET and kind == wanted:
            held.setdefault(owner.lower(), []).append(_value(data, at, length, kind))
        elif class_ == _INTERNET and kind == _ALIAS:
            aliases.setdefault(owner.lower(), _name(data, at)[0].lower())
        at += length
    return tuple(held.get(_end(_name(asked, 0)[0].lower(), aliases), ())), life


def _end(name: str, aliases: Mapping[str, str]) -> str:
    """Return where aliases lead; a circle of them ends somewhere."""
    for _ in range(MOST_ALIASES):
        if name not in aliases:
            break
        name = aliases[name]
    return name


def _value(data: bytes, at: int, length: int, kind: int) -> Record:
    """Return what one record says. Raises `ValueError` where it is malformed."""
    end = at + length
    if kind == Type.A and length == 4:
        return str(ipaddress.IPv4Address(data[at:end]))
    if kind == Type.AAAA and length == 16:
        return str(ipaddress.IPv6Address(data[at:end]))
    if kind == Type.SRV and length > _SRV.size:
        target, behind = _name(data, at + _SRV.size)
        if behind == end:
            priority, weight, port = _SRV.unpack_from(data, at)
            return Srv(priority, weight, port, target)
    if kind == Type.NAPTR and length > _NAPTR.size:
        order, preference = _NAPTR.unpack_from(data, at)
        flags, behind = _text(data, at + _NAPTR.size, end)
        service, behind = _text(data, behind, end)
        regexp, behind = _text(data, behind, end)
        replacement, behind = _name(data, behind)
        if behind == end:
            return Naptr(order, preference, flags, service, regexp, replacement)
    raise ValueError(f"has a malformed {Type(kind).name} record")


def _text(data: bytes, at: int, end: int) -> tuple[str, int]:
    """Return a character-string and where it ends. Source: RFC 1035 section 3.3."""
    behind = at + 1 + data[at] if at < end else end + 1
    if behind > end:
        raise ValueError("is cut off")
    return data[at + 1 : behind].decode("latin-1"), behind


def _name(data: bytes, at: int) -> tuple[str, int]:
    """Return a name without the dot at its end, and where it ends; pointers only lead back."""
    labels: list[str] = []
    behind, lowest, size = -1, at, 0
    while True:
        if at >= len(data):
            raise ValueError("is cut off")
        length = data[at]
        if length >= _POINTER:
            target = int.from_bytes(data[at : at + 2]) & 0x3FFF
            if at + 2 > len(data) or target >= lowest:
                raise ValueError("has a name that does not end")
            behind = at + 2 if behind < 0 else behind
            at = lowest = target
            continue
        if length > 63:
            raise ValueError("has a label of an unknown kind")
        label = data[at + 1 : at + 1 + length]
        at += 1 + length
        if not length:
            return ".".join(labels), at if behind < 0 else behind
        size += length + 1
        if len(label) < length or size > LONGEST + 1:
            raise ValueError("has a name that is cut off or too long")
        labels.append(_printable(label))


def _printable(label: bytes) -> str:
    """Return a label as text; what could be taken for something else is quoted."""
    if label.replace(b"-", b"").replace(b"_", b"").isalnum():
        return label.decode("ascii")
    return "".join(_character(byte) for byte in label)


def _character(byte: int) -> str:
    if byte in _QUOTED:
        return f"\\{byte:c}"
    return chr(byte) if 0x21 <= byte <= 0x7E else f"\\{byte:03d}"
