"""What a certificate says of itself, in words for people; nothing here trusts it.

Source: RFC 5280 section 4.
"""

import base64
import binascii
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography import x509

LARGEST = 64 * 1024
"""Bytes of a certificate that are looked at."""
LONGEST = 120
"""Characters of one name that are shown."""

_GENERIC = tuple(b"\x06\x03\x55\x04\x07%c\x0cciscogeneric" % kind for kind in b"\x0c\x13\x16")
"""DER of `L=ciscogeneric`, as each of the string types that it is written in."""

_VERSION = 0xA0
"""Type of the first field of a certificate that has a version."""
_COMMON_NAME = bytes.fromhex("550403")

_USAGES = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}


class Certificate(Struct, frozen=True):
    """What a certificate says."""

    subject: str
    """RFC 4514 text; may be empty."""
    issuer: str
    serial: str
    """Hexadecimal digits."""
    not_before: float
    """Seconds since the epoch."""
    not_after: float
    key: str
    """`RSA 2048`, `EC secp256r1`, `Ed25519`."""
    signature: str
    """`ecdsa-with-sha256`; the dotted identifier where it has no name here."""
    usages: tuple[str, ...]
    """Extended key usage; empty where any use is allowed."""

    def validity(self, now: float) -> str:
        """Return why the certificate is not valid at `now`, empty where it is."""
        if now < self.not_before:
            return f"is not valid before {moment(self.not_before)}"
        if now > self.not_after:
            return f"expired on {moment(self.not_after)}"
        return ""


@contextmanager
def parsing() -> Iterator[None]:
    """Let the parser say what it has to say of a stranger's bytes by `ValueError` alone."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (
            x509.DuplicateExtension,
            x509.InvalidVersion,
            x509.UnsupportedGeneralNameType,
            UnsupportedAlgorithm,
            TypeError,  # of a name whose value has a type that it may not have
        ) as error:
            raise ValueError(str(error)) from None


@parsing()
def load(der: bytes) -> "x509.Certificate":
    """Return a certificate ready to be asked.

    Raises:
        ValueError: it is too large, or no certificate.

    """
    if len(der) > LARGEST:
        raise ValueError(f"the certificate has {len(der)} bytes")
    from cryptography import x509

    return x509.load_der_x509_certificate(der)


def from_pem(text: str) -> bytes:
    """Return the bytes of the first object in a PEM text.

    Raises:
        ValueError: it is not Base64.

    """
    body = text.split("-----")[2:3]
    try:
        return base64.b64decode("".join("".join(body).split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not PEM: {error}") from None


@parsing()
def read(der: bytes) -> Certificate:
    """Return what a DER certificate says.

    Raises:
        ValueError: it cannot be read.

    """
    held = load(der)
    return Certificate(
        subject=printable(held.subject.rfc4514_string()),
        issuer=printable(held.issuer.rfc4514_string()),
        serial=f"{held.serial_number:x}",
        not_before=held.not_valid_before_utc.timestamp(),
        not_after=held.not_valid_after_utc.timestamp(),
        key=_key(held),
        signature=_signature(held.signature_algorithm_oid.dotted_string),
        usages=_usages(held),
    )


def is_generic(der: bytes) -> bool:
    """Return whether a device certificate is the one that many phones share (PRV-14).

    This is asked at every start of a phone, where no parser of certificates is loaded yet.
    """
    return any(name in der for name in _GENERIC)


def common_name(der: bytes) -> str:
    """Return the common name of a certificate's subject; empty where it has none.

    Like `is_generic`, this does without a parser of certificates.
    """
    try:
        fields = list(_elements(next(_elements(next(_elements(der))[1]))[1]))
        numbered = fields[0][0] == _VERSION
        sets = _elements(fields[5 if numbered else 4][1])
        pairs = [list(_elements(one)) for _, held in sets for _, one in _elements(held)]
    except (StopIteration, IndexError):
        return ""
    found = [pair[1][1] for pair in pairs if len(pair) == 2 and pair[0][1] == _COMMON_NAME]
    return printable(found[-1].decode(errors="replace")) if found else ""


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each DER element; raises `IndexError` where one is cut off."""
    at = 0
    while at < len(der):
        kind, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            width = size & 0x7F
            size, at = int.from_bytes(der[at : at + width], "big"), at + width
        if at + size > len(der):
            raise IndexError(at)
        yield kind, der[at : at + size]
        at += size


def chain(ders: Sequence[bytes]) -> list[Certificate]:
    """Return what the readable certificates of a chain say, in its order."""
    found = []
    for der in ders:
        try:
            found.append(read(der))
        except ValueError:
            continue
    return found


def moment(seconds: float) -> str:
    """Return a time as `2026-11-23 08:00 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def printable(text: str, longest: int = LONGEST) -> str:
    """Return a text of a stranger in one line of bounded length."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:longest])
    return shown + ("…" if len(text) > longest else "")


def _key(held: "x509.Certificate") -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        key = held.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "of a kind unknown here"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def _signature(identifier: str) -> str:
    from cryptography.x509.oid import SignatureAlgorithmOID

    for name, known in vars(SignatureAlgorithmOID).items():
        if not name.startswith("_") and known.dotted_string == identifier:
            return name.lower().replace("_", "-")
    return identifier


def _usages(held: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        held_usages = held.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ("unreadable",)
    dotted = [usage.dotted_string for usage in held_usages]
    return tuple(_USAGES.get(one, one) for one in dotted[:10])
