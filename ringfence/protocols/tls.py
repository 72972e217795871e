"""What a TLS client says first, read from the bytes it sends.

Source: RFC 5246, section 7.4.1.2; RFC 8446, section 4.1.2.
"""

import struct
from collections.abc import Iterator

from msgspec import Struct

from ringfence.errors import RemoteProtocolError

LARGEST = 5 + (1 << 14)
"""Bytes of a record, header included."""
HANDSHAKE, CLIENT_HELLO = 22, 1
SIGNALLING = 0x00FF
"""TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which stands among the suites and is none (RFC 5746)."""
SUPPORTED_VERSIONS = 43


class ClientHello(Struct, frozen=True):
    """One ClientHello."""

    suites: tuple[int, ...]
    """Codes in the order sent, the signalling value included."""
    versions: tuple[int, ...]
    """Codes of the versions offered, 0x0303 for TLS 1.2; before TLS 1.3 the highest alone."""


def client_hello(record: bytes) -> ClientHello:
    """Return what stands in a ClientHello that one record holds.

    Raises:
        RemoteProtocolError: it is something else, or cut short.

    """
    if len(record) > LARGEST:
        raise RemoteProtocolError("longer than a TLS record")
    try:
        kind, _, length = struct.unpack_from("!BHH", record)
        message, high, low = struct.unpack_from("!BBH", record, 5)
        if (kind, message) != (HANDSHAKE, CLIENT_HELLO) or length != (high << 16) + low + 4:
            raise RemoteProtocolError("not a ClientHello in one record")
        return _read(record[9 : 5 + length])
    except struct.error:
        raise RemoteProtocolError("a ClientHello that was cut short") from None


def _read(body: bytes) -> ClientHello:
    (version,) = struct.unpack_from("!H", body)
    at = 2 + 32
    at += 1 + _number("!B", body, at)  # session
    length = _number("!H", body, at)
    suites = struct.unpack_from(f"!{length // 2}H", body, at + 2)
    at += 2 + length
    at += 1 + _number("!B", body, at)  # compression
    versions: tuple[int, ...] = (version,)
    for kind, text in _extensions(body[at:]):
        if kind == SUPPORTED_VERSIONS:
            versions = struct.unpack_from(f"!{_number('!B', text, 0) // 2}H", text, 1)
    return ClientHello(suites, versions)


def _extensions(text: bytes) -> Iterator[tuple[int, bytes]]:
    if not text:
        return
    at, end = 2, 2 + _number("!H", text, 0)
    while at < end:
        kind, length = struct.unpack_from("!HH", text, at)
        (content,) = struct.unpack_from(f"!{length}s", text, at + 4)
        yield kind, content
        at += 4 + length


def _number(form: str, text: bytes, at: int) -> int:
    return int(struct.unpack_from(form, text, at)[0])
