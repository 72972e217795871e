"""Signed data with attributes of its own kind: what SCEP needs of CMS, in strict DER.

One signer, SHA-2, RSA or ECDSA; whose certificate may sign is the caller's to decide.
Source: RFC 5652 sections 5, 11.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.utils import CryptographyDeprecationWarning
from msgspec import Struct

LARGEST = 1 << 18
"""Bytes of a message."""

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_ID = x509.ObjectIdentifier
DATA, SIGNED_DATA = _ID("1.2.840.113549.1.7.1"), _ID("1.2.840.113549.1.7.2")
CONTENT_TYPE, MESSAGE_DIGEST = _ID("1.2.840.113549.1.9.3"), _ID("1.2.840.113549.1.9.4")

_SHA256 = _ID("2.16.840.1.101.3.4.2.1")
_DIGESTS: Mapping[x509.ObjectIdentifier, hashes.HashAlgorithm] = {
    _SHA256: hashes.SHA256(),
    _ID("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
    _ID("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
}
_RSA, _ECDSA_SHA256 = _ID("1.2.840.113549.1.1.1"), _ID("1.2.840.10045.4.3.2")

_UNREADABLE = (
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    CryptographyDeprecationWarning,
)


@asn1.sequence
class Algorithm:
    """AlgorithmIdentifier of those that take no parameters."""

    oid: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class Attribute:
    """A signed attribute."""

    kind: x509.ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class _Content:
    kind: x509.ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class _Issuer:
    name: asn1.TLV
    serial: int


@asn1.sequence
class _Signer:
    version: int
    issuer: _Issuer
    digest: Algorithm
    attributes: Annotated[asn1.SetOf[Attribute], asn1.Implicit(0)]
    algorithm: Algorithm
    signature: bytes
    unsigned: Annotated[asn1.SetOf[Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class _SignedData:
    version: int
    digests: asn1.SetOf[Algorithm]
    content: _Content
    certificates: Annotated[asn1.SetOf[x509.Certificate] | None, asn1.Implicit(0)]
    lists: Annotated[asn1.SetOf[x509.CertificateRevocationList] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[_Signer]


@asn1.sequence
class _Whole:
    kind: x509.ObjectIdentifier
    content: Annotated[_SignedData, asn1.Explicit(0)]


@asn1.sequence
class _Attributes:
    held: asn1.SetOf[Attribute]


@asn1.sequence
class _Octets:
    held: bytes


@asn1.sequence
class _Identifier:
    held: x509.ObjectIdentifier


@asn1.sequence
class _Text:
    held: asn1.PrintableString


class Signed(Struct, frozen=True):
    """Signed data whose signature and digest are right."""

    content: bytes
    attributes: Mapping[str, bytes | str]
    """`{dotted identifier: octets or text}`; of other types none is here."""
    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]


def sign(
    content: bytes,
    attributes: Mapping[str, bytes | str],
    certificate: x509.Certificate,
    key: Key,
    others: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return signed data as DER: octets or printable text for each attribute's identifier."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    held = [
        _attribute(CONTENT_TYPE, asn1.encode_der(_Identifier(held=DATA))),
        _attribute(MESSAGE_DIGEST, asn1.encode_der(_Octets(held=digest.finalize()))),
        *(_attribute(_ID(name), _encoded(value)) for name, value in attributes.items()),
    ]
    signer = _Signer(
        version=1,
        issuer=_Issuer(
            name=_tlv(certificate.issuer.public_bytes()), serial=certificate.serial_number
        ),
        digest=Algorithm(oid=_SHA256, parameters=asn1.Null()),
        attributes=asn1.SetOf(held),
        algorithm=_algorithm(key),
        signature=_signature(_to_sign(held), key),
        unsigned=None,
    )
    body = _SignedData(
        version=1,
        digests=asn1.SetOf([Algorithm(oid=_SHA256, parameters=asn1.Null())]),
        content=_Content(kind=DATA, content=content),
        certificates=asn1.SetOf([certificate, *others]),
        lists=None,
        signers=asn1.SetOf([signer]),
    )
    return asn1.encode_der(_Whole(kind=SIGNED_DATA, content=body))


def verify(message: bytes) -> Signed:
    """Return what was signed, where the signature is that of a certificate in the message.

    Raises:
        ValueError: it is not such a message, or digest or signature is wrong or too weak.

    """
    if len(message) > LARGEST:
        raise ValueError(f"the message has {len(message)} bytes")
    try:
        # What the library will refuse some day, such as a serial number of 0, is refused today.
        with warnings.catch_warnings(action="error", category=CryptographyDeprecationWarning):
            return _verify(asn1.decode_der(_Whole, message))
    except _UNREADABLE as error:
        raise ValueError(f"not signed data: {error}") from None


def _verify(whole: _Whole) -> Signed:
    body = whole.content
    signers, content = body.signers.as_list(), body.content.content or b""
    if whole.kind != SIGNED_DATA or len(signers) != 1:
        raise ValueError("not signed data with one signer")
    (one,) = signers
    algorithm = _DIGESTS.get(one.digest.oid)
    if algorithm is None:
        raise ValueError(f"the digest {one.digest.oid.dotted_string} is too weak or unknown")
    digest = hashes.Hash(algorithm)
    digest.update(content)
    held = one.attributes.as_list()
    values = _values(held)
    if values.get(MESSAGE_DIGEST.dotted_string) != digest.finalize():
        raise ValueError("the digest of the content is wrong")
    certificates = tuple(body.certificates.as_list() if body.certificates else ())
    signer = _signer(one.issuer, certificates)
    try:
        _check(signer, one.signature, _to_sign(held), algorithm)
    except InvalidSignature:
        raise ValueError("the signature is wrong") from None
    return Signed(content, values, signer, certificates)


def _signer(wanted: _Issuer, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    name = bytes(wanted.name.data)
    for one in certificates:
        if one.serial_number == wanted.serial and _inside(one.issuer.public_bytes()) == name:
            return one
    raise ValueError("the signer's certificate is not in the message")


def _check(
    signer: x509.Certificate, signature: bytes, data: bytes, digest: hashes.HashAlgorithm
) -> None:
    key = signer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(digest))
    else:
        raise ValueError("the signer's key is of a kind that is not spoken here")


def _signature(data: bytes, key: Key) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _algorithm(key: Key) -> Algorithm:
    if isinstance(key, rsa.RSAPrivateKey):
        return Algorithm(oid=_RSA, parameters=asn1.Null())
    return Algorithm(oid=_ECDSA_SHA256, parameters=None)


def _to_sign(attributes: list[Attribute]) -> bytes:
    """Return the attributes as the SET that is signed. Source: RFC 5652 section 5.4."""
    return _inside(asn1.encode_der(_Attributes(held=asn1.SetOf(attributes))))


def _values(attributes: Sequence[Attribute]) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for one in attributes:
        values = one.values.as_list()
        name = one.kind.dotted_string
        if name in found or len(values) != 1:
            raise ValueError(f"attribute {name} has not one value")
        if values[0].tag_bytes == b"\x04":
            found[name] = bytes(values[0].data)
        elif values[0].tag_bytes == b"\x13":
            found[name] = bytes(values[0].data).decode("ascii")
    return found


def _attribute(kind: x509.ObjectIdentifier, value: bytes) -> Attribute:
    return Attribute(kind=kind, values=asn1.SetOf([_tlv(_inside(value))]))


def _encoded(value: bytes | str) -> bytes:
    """Return a sequence with the value alone."""
    if isinstance(value, bytes):
        return asn1.encode_der(_Octets(held=value))
    return asn1.encode_der(_Text(held=asn1.PrintableString(value)))


@asn1.sequence
class _Any:
    held: asn1.TLV


def _tlv(der: bytes) -> asn1.TLV:
    """Return one DER value as it is."""
    return asn1.decode_der(_Any, b"\x30" + _length(len(der)) + der).held


def _inside(sequence: bytes) -> bytes:
    """Return what a short or long sequence holds."""
    first = sequence[1]
    return sequence[2 + (first & 0x7F if first & 0x80 else 0) :]


def _length(number: int) -> bytes:
    """Return a length in DER. Source: X.690 section 10.1."""
    if number < 0x80:
        return bytes([number])
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
