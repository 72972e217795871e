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
    if hello[0] != 22 or hello[5] != 1:
        raise ValueError("not a ClientHello")
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    (length,) = struct.unpack_from("!H", hello, at)
    return list(struct.unpack_from(f"!{length // 2}H", hello, at + 2))
