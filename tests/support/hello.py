"""The ClientHello of a context, without a network, and what stands in it (RFC 5246, 7.4.1.2)."""

import contextlib
import ssl
import struct

SCSV = 0x00FF


def client_hello(context: ssl.SSLContext, name: str = "a.test") -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def offered(hello: bytes) -> list[int]:
    """Return the suites of a ClientHello record, in order."""
    at, length = _suites(hello)
    return list(struct.unpack_from(f"!{length // 2}H", hello, at))


def extension(hello: bytes, wanted: int) -> bytes:
    """Return the content of one extension of a ClientHello record; empty where it has none."""
    at = sum(_suites(hello))
    at += 1 + hello[at] + 2
    while at < len(hello):
        kind, length = struct.unpack_from("!HH", hello, at)
        if kind == wanted:
            return hello[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _suites(hello: bytes) -> tuple[int, int]:
    """Return where the suites of a record begin, and their length in bytes."""
    if hello[0] != 22 or hello[5] != 1:
        raise ValueError("not a ClientHello")
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    (length,) = struct.unpack_from("!H", hello, at)
    return at + 2, length
