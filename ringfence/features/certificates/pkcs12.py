"""A custom device certificate by file: PKCS#12 with its key. Pure.

Source: phone-facts 6, Certificate; RFC 7292.
"""

import base64
import binascii

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import pkcs12 as library
from cryptography.x509.oid import ExtendedKeyUsageOID

from ringfence.errors import ConfigError
from ringfence.policy.certificate import moment, parsing

LARGEST = 256 << 10
"""Bytes of a file."""
LEAST_BITS = 2048


def read(text: str, password: str, now: float) -> bytes:
    """Return key and certificates as PEM, from a PKCS#12 file in Base64.

    Raises:
        ConfigError: it cannot be opened, or will not do for a phone.

    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ConfigError("file", "is not Base64") from None
    if not 0 < len(data) <= LARGEST:
        raise ConfigError("file", f"has {len(data)} bytes, from 1 to {LARGEST} are allowed")
    try:
        with parsing():
            key, mine, chain = library.load_key_and_certificates(data, password.encode() or None)
    except ValueError:
        reason = "is no PKCS#12 file, or the extract password is wrong"
        raise ConfigError("file", reason, "openssl pkcs12 -export -in CRT -inkey KEY") from None
    if key and chain and mine is None:  # the library gives only the key's own apart
        raise ConfigError("file", "has a certificate for another key")
    if key is None or mine is None:
        raise ConfigError("file", "has not both a key and its certificate")
    _check(key, mine, now)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + b"".join(one.public_bytes(Encoding.PEM) for one in (mine, *chain))


def _check(key: object, mine: x509.Certificate, now: float) -> None:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ConfigError("file", "has a key of a kind that TLS does not use")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < LEAST_BITS:
        raise ConfigError("file", f"has an RSA key of {key.key_size} bits", "use 2048 or more")
    if now > mine.not_valid_after_utc.timestamp():
        raise ConfigError("file", f"expired on {moment(mine.not_valid_after_utc.timestamp())}")
    try:
        uses = mine.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    if ExtendedKeyUsageOID.CLIENT_AUTH not in uses:
        raise ConfigError("file", "is not meant for a client (extended key usage)")
