"""The certificates of a TLS connection: what the server sent, and the chain that was verified."""

import ssl
import sys

from ringfence.policy import identity
from ringfence.runtime import beside
from ringfence.runtime.egress_target import Shown

_DER = 2
"""`_ssl.ENCODING_DER`."""


async def ready() -> None:
    """Return once the parser of certificates is loaded; meanwhile others register."""
    await beside.load("cryptography.x509")


def sent(connection: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return what the server sent, unverified, in its order; also after a refused handshake."""
    if sys.version_info >= (3, 13):
        return tuple(connection.get_unverified_chain())
    return _ders(connection._sslobj.get_unverified_chain())  # type: ignore[attr-defined]


def verified(connection: ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the chain from the server's certificate to its anchor, after a handshake that held.

    Only there: after a refused handshake it is what the library had built until then.
    """
    if sys.version_info >= (3, 13):
        return tuple(connection.get_verified_chain())
    return _ders(connection._sslobj.get_verified_chain())  # type: ignore[attr-defined]


def shown(connection: ssl.SSLSocket) -> Shown:
    """Return what a server showed of itself, accepted or not."""
    suite = connection.cipher()
    return Shown(sent(connection), connection.version() or "", suite[0] if suite else "")


def reason(host: str, connection: ssl.SSLSocket, why: str) -> str:
    """Return what was wanted, what was offered, and why that will not do."""
    return f"wanted {host}; {identity.offered(sent(connection))}; {why}"


def _ders(certificates: object) -> tuple[bytes, ...]:
    """Return them in DER; the methods are public, and return bytes, from Python 3.13 on."""
    held = certificates if isinstance(certificates, list) else []
    return tuple(one.public_bytes(_DER) for one in held)
