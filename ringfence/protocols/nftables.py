"""Messages to nf_tables, the kernel's packet filter, without sending them.

Only what changes while a phone runs: elements of sets, rules of chains, policies. Tables are made
by libnftables. Source: linux/netfilter/nf_tables.h, nfnetlink.h, linux/netlink.h.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from ringfence.errors import RemoteProtocolError

NFPROTO_INET = 1
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NEWCHAIN, _NEWRULE, _GETRULE, _DELRULE = 3, 6, 7, 8
_NEWSETELEM, _DELSETELEM, _NEWGEN, _GETGEN, _NEWOBJ, _DELOBJ = 12, 14, 15, 16, 18, 20
_ERROR = 2
_REQUEST, _ACK, _DUMP, _CREATE, _APPEND = 0x1, 0x4, 0x300, 0x400, 0x800
_NESTED = 0x8000
_INTERVAL_END = struct.pack(">I", 1)
_OPEN_INTERVAL = struct.pack("=BBI", 1, 4, 1)
"""What libnftables notes beside a range without an end, so that it is listed as a range."""
_POLICIES = {"drop": 0, "accept": 1}
_HELPER = struct.pack(">I", 3)  # NFT_OBJECT_CT_HELPER
_UDP = 17

REMEMBERED = 512
"""How many names, elements and rules are kept as bytes: changes repeat most of them."""

_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct(">BBH")
_ATTRIBUTE = struct.Struct("=HH")


class Request(Struct, frozen=True):
    """One message of a batch, before it is numbered."""

    kind: int
    flags: int
    body: bytes


class Reply(Struct, frozen=True):
    """One message of the kernel."""

    kind: int
    sequence: int
    body: bytes
    """Attributes; of an error, the negative errno."""

    @property
    def error(self) -> int | None:
        """The errno that this reply reports, 0 for an acknowledgement; None for other replies."""
        if self.kind != _ERROR:
            return None
        return -int.from_bytes(self.body[:4], "little" if _LITTLE else "big", signed=True)


_LITTLE = struct.pack("=H", 1) == b"\1\0"


@lru_cache(REMEMBERED)
def interval(first: int, last: int, size: int) -> bytes:
    """Return a range, inclusive, as elements of an interval set with keys of `size` bytes."""
    if last == (1 << 8 * size) - 1:
        return _element(_key(first, size) + _attribute(6, _OPEN_INTERVAL))
    end = _attribute(3, _INTERVAL_END) + _key(last + 1, size)
    return _element(_key(first, size)) + _element(end)


@lru_cache(REMEMBERED)
def single(key: bytes) -> bytes:
    """Return an element of a set without intervals."""
    return _element(_attribute(1, _attribute(1, key), nested=True))


def add_elements(table: str, name: str, elements: Iterable[bytes]) -> Request:
    """Add elements to a set; one that is there already is no error."""
    return Request(_NEWSETELEM, _CREATE, _elements(table, name, elements))


def delete_elements(table: str, name: str, elements: Iterable[bytes]) -> Request:
    """Take elements out of a set; each must be there as it was added."""
    return Request(_DELSETELEM, 0, _elements(table, name, elements))


def set_policy(table: str, chain: str, policy: str) -> Request:
    """Give a base chain the policy `accept` or `drop`."""
    body = _name(1, table) + _name(3, chain) + _attribute(5, struct.pack(">I", _POLICIES[policy]))
    return Request(_NEWCHAIN, _CREATE, body)


def flush_chain(table: str, chain: str) -> Request:
    """Take every rule out of a chain."""
    return Request(_DELRULE, 0, _name(1, table) + _name(2, chain))


@lru_cache(REMEMBERED)
def append_rule(table: str, chain: str, expressions: bytes) -> Request:
    """Append a rule; `expressions` as `rule_of` returns them."""
    body = _name(1, table) + _name(2, chain) + _attribute(4, expressions, nested=True)
    return Request(_NEWRULE, _CREATE | _APPEND, body)


def add_helper(table: str, name: str) -> Request:
    """Declare a connection tracking helper for UDP over IPv4 and IPv6, by the kernel's name."""
    helper = _attribute(1, name.encode()) + _attribute(2, struct.pack(">H", NFPROTO_INET))
    helper += _attribute(3, bytes([_UDP]))
    body = _name(1, table) + _name(2, name) + _attribute(3, _HELPER)
    return Request(_NEWOBJ, _CREATE, body + _attribute(4, helper, nested=True))


def delete_helper(table: str, name: str) -> Request:
    """Remove such a helper; no rule may use it any more."""
    return Request(_DELOBJ, 0, _name(1, table) + _name(2, name) + _attribute(3, _HELPER))


def batch(requests: Iterable[Request], generation: int) -> bytes:
    """Return one transaction, which the kernel refuses (ERESTART) at another generation.

    The last request asks for an acknowledgement; replies carry the place of their request,
    from 1 on, and 0 for the transaction.
    """
    numbered = list(requests)
    begin = _FAMILY.pack(0, 0, _SUBSYSTEM) + _attribute(1, struct.pack(">I", generation))
    parts = [_message(_BATCH_BEGIN, 0, 0, begin)]
    for number, request in enumerate(numbered, 1):
        flags = request.flags | (_ACK if number == len(numbered) else 0)
        body = _FAMILY.pack(NFPROTO_INET, 0, 0) + request.body
        parts.append(_message(_SUBSYSTEM << 8 | request.kind, flags, number, body))
    end = _FAMILY.pack(0, 0, _SUBSYSTEM)
    parts.append(_message(_BATCH_END, 0, len(numbered) + 1, end))
    return b"".join(parts)


def following(generation: int) -> int:
    """Return the number of the transaction after another; none has the number 0."""
    return (generation + 1) & 0xFFFFFFFF or 1


def ask_generation() -> bytes:
    """Return the question for the number of the last transaction of anybody."""
    return _message(_SUBSYSTEM << 8 | _GETGEN, 0, 0, _FAMILY.pack(0, 0, 0))


def ask_rules(table: str) -> bytes:
    """Return the question for the rules of a table."""
    body = _FAMILY.pack(NFPROTO_INET, 0, 0) + _name(1, table)
    return _message(_SUBSYSTEM << 8 | _GETRULE, _DUMP, 0, body)


def replies(data: bytes) -> Iterator[Reply]:
    """Yield the messages of one datagram of the kernel.

    Raises:
        RemoteProtocolError: a length points outside the datagram.

    """
    at = 0
    while at < len(data):
        if len(data) - at < _HEADER.size:
            raise RemoteProtocolError("netlink message cut short")
        size, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= size <= len(data) - at:
            raise RemoteProtocolError("netlink message cut short")
        ours = kind >> 8 == _SUBSYSTEM
        start = at + _HEADER.size + (_FAMILY.size if ours else 0)
        yield Reply(kind & 0xFF if ours else kind, sequence, data[start : at + size])
        at += _padded(size)


def generation_of(reply: Reply) -> int | None:
    """Return the generation that a reply tells, None where it is another reply."""
    if reply.kind != _NEWGEN:
        return None
    return int.from_bytes(attributes(reply.body).get(1, b""), "big")


def rule_of(reply: Reply) -> tuple[str, bytes] | None:
    """Return chain and expressions of a rule, None where it is another reply."""
    if reply.kind != _NEWRULE:
        return None
    found = attributes(reply.body)
    return found.get(2, b"").rstrip(b"\0").decode("ascii", "replace"), found.get(4, b"")


def attributes(data: bytes) -> Mapping[int, bytes]:
    """Return `{type: value}` of a row of attributes; a type that repeats keeps its last value.

    Raises:
        RemoteProtocolError: a length points outside the data.

    """
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if len(data) - at < _ATTRIBUTE.size:
            raise RemoteProtocolError("netlink attribute cut short")
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= size <= len(data) - at:
            raise RemoteProtocolError("netlink attribute cut short")
        found[kind & ~_NESTED] = data[at + _ATTRIBUTE.size : at + size]
        at += _padded(size)
    return found


def _elements(table: str, name: str, elements: Iterable[bytes]) -> bytes:
    return _name(1, table) + _name(2, name) + _attribute(3, b"".join(elements), nested=True)


def _element(body: bytes) -> bytes:
    return _attribute(1, body, nested=True)


def _key(number: int, size: int) -> bytes:
    return _attribute(1, _attribute(1, number.to_bytes(size, "big")), nested=True)


@lru_cache(REMEMBERED)
def _name(kind: int, name: str) -> bytes:
    return _attribute(kind, name.encode() + b"\0")


def _attribute(kind: int, value: bytes, *, nested: bool = False) -> bytes:
    size = _ATTRIBUTE.size + len(value)
    head = _ATTRIBUTE.pack(size, kind | (_NESTED if nested else 0))
    return head + value + bytes(-size % 4)


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST, sequence, 0) + body


def _padded(size: int) -> int:
    return (size + 3) & ~3
