"""A second look at a server, with a TLS library that sees what Python's cannot ask for.

Python's `ssl` cannot ask for a stapled OCSP answer, and does not tell whether a server asked for
our certificate. This look trusts nobody, shows no certificate, and has no way to send a byte of an
application: it ends with the handshake. Source: RFC 6066 section 8; RFC 8446 section 4.4.2.1.
"""

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from OpenSSL import SSL

LIMIT = 256 * 1024
"""Bytes of a handshake that are read."""


class Look(Struct):
    """What a server showed, as far as the handshake came."""

    chain: tuple[bytes, ...] = ()
    """DER certificates as they were sent, the server's own first."""
    staple: bytes = b""
    """The stapled answer in DER; empty where there is none."""
    asks_certificate: bool = False
    version: str = ""
    suite: str = ""


async def look(connection: socket.socket, server_name: bytes | None) -> Look:
    """Return what a server shows in a handshake on a connected, non-blocking socket.

    Raises:
        OSError: the connection broke, or the server showed nothing.

    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from OpenSSL import SSL

    seen, room = Look(), LIMIT
    engine = SSL.Connection(_context(seen))
    engine.set_connect_state()
    if server_name:
        engine.set_tlsext_host_name(server_name)
    engine.request_ocsp()
    loop = asyncio.get_running_loop()
    while not _is_over(engine) and room > 0:
        await _flush(engine, connection)
        data = await loop.sock_recv(connection, 65536)
        if not data:
            break
        room -= len(data)
        engine.bio_write(data)
    await _flush(engine, connection)
    with contextlib.suppress(ValueError):  # a certificate that cannot be read is not shown
        chain = engine.get_peer_cert_chain(as_cryptography=True) or []
        seen.chain = tuple(one.public_bytes(Encoding.DER) for one in chain)
    seen.version = engine.get_protocol_version_name() if seen.chain else ""
    seen.suite = engine.get_cipher_name() or ""
    return seen


def _context(seen: Look) -> "SSL.Context":
    """Return a context that takes any server, and notes in `seen` what it says."""
    from OpenSSL import SSL

    def told(engine: SSL.Connection, where: int, result: int) -> None:
        if engine.get_state_string().endswith(b"read server certificate request"):
            seen.asks_certificate = True

    def stapled(engine: SSL.Connection, answer: bytes, data: object) -> bool:
        seen.staple = answer
        return True

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_info_callback(told)
    context.set_ocsp_client_callback(stapled)
    return context


def _is_over(engine: "SSL.Connection") -> bool:
    """Return whether the handshake has come to an end, good or bad."""
    from OpenSSL import SSL

    try:
        engine.do_handshake()
    except SSL.WantReadError:
        return False
    except SSL.Error:
        pass
    return True


async def _flush(engine: "SSL.Connection", connection: socket.socket) -> None:
    from OpenSSL import SSL

    with contextlib.suppress(SSL.WantReadError):
        while data := engine.bio_read(65536):
            await asyncio.get_running_loop().sock_sendall(connection, data)
