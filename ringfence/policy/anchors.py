"""A bundle for the custom CA: taken whole, or refused with the reason.

PEM, DER or PKCS#7; CA certificates, and revocation lists where it is PEM. One object that will
not do refuses the whole, so that a phone never trusts half of what its provider meant.

Source: RSY-10; rulings 6; ADR 11; RFC 5280 sections 4.2.1, 5; RFC 2315 section 9.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.policy import certificate
from ringfence.policy.certificate import from_pem, moment, parsing, printable

if TYPE_CHECKING:
    from cryptography import x509

MOST = 100
"""Certificates and lists of one bundle."""
LEAST_BITS = 2048
"""Of an RSA key; the TLS library refuses less at its default level."""

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.S)
_CUT_OFF = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_CERTIFICATE, _LIST = ("CERTIFICATE", "X509 CERTIFICATE"), ("X509 CRL",)
_PKCS7 = ("PKCS7", "CMS")


class Bundle(Struct, frozen=True):
    """What a phone may trust."""

    text: str
    """Certificates, then lists, as PEM."""
    name: str
    """CN of the first certificate, or its subject."""


def read(data: bytes, now: float) -> Bundle:
    """Return the bundle in a file; `now` is in seconds since the epoch.

    Raises:
        ValueError: it will not do; the message says which part, and why.

    """
    with warnings.catch_warnings():  # of the parser, about BER in old PKCS#7
        warnings.simplefilter("ignore")
        certificates, lists = _objects(data)
    if not certificates:
        raise ValueError("the file has no certificate")
    if len(certificates) + len(lists) > MOST:
        raise ValueError(f"the file has more than {MOST} certificates and lists")
    held = [_anchor(der, place, now) for place, der in enumerate(certificates, start=1)]
    for place, der in enumerate(lists, start=1):
        _check_list(der, place, held, now)
    text = "".join(_pem("CERTIFICATE", der) for der in dict.fromkeys(certificates))
    text += "".join(_pem("X509 CRL", der) for der in dict.fromkeys(lists))
    return Bundle(text, name(held[0]))


@parsing()
def name(held: "x509.Certificate") -> str:
    """Return the CN of a certificate, or its whole subject where it has none."""
    from cryptography.x509.oid import NameOID

    common = held.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    whole = held.subject.rfc4514_string({NameOID.SURNAME: "S"})
    return printable(str(common[0].value) if common else whole)


def _objects(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return DER certificates and DER lists."""
    if data[:1] == b"\x30":
        try:
            certificate.load(data)
        except ValueError:
            return _from_pkcs7(data), []
        return [data], []
    text = data.decode("ascii", errors="replace")
    certificates: list[bytes] = []
    lists: list[bytes] = []
    end = 0
    for match in _BLOCK.finditer(text):
        kind, end = match[1], match.end()
        if kind in _CERTIFICATE:
            certificates.append(from_pem(match[0]))
        elif kind in _LIST:
            lists.append(from_pem(match[0]))
        elif kind in _PKCS7:
            certificates += _from_pkcs7(from_pem(match[0]))
        elif "PRIVATE KEY" in kind:
            raise ValueError("the file has a private key, which belongs to its CA alone")
    if _CUT_OFF.search(text, end):
        raise ValueError("the file is cut off")
    return certificates, lists


@parsing()
def _from_pkcs7(der: bytes) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    try:
        held = pkcs7.load_der_pkcs7_certificates(der)
    except ValueError:
        raise ValueError("the file is neither PEM nor a certificate nor PKCS#7") from None
    return [one.public_bytes(Encoding.DER) for one in held]


def _anchor(der: bytes, place: int, now: float) -> "x509.Certificate":
    try:
        held = certificate.load(der)
        if why := next(_faults(held, now), ""):
            raise ValueError(why)
    except ValueError as error:
        raise ValueError(f"certificate {place} {printable(str(error), 300)}") from None
    return held


@parsing()
def _faults(held: "x509.Certificate", now: float) -> Iterator[str]:
    """Yield why a certificate will not do as a CA."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    who = f"({name(held)})"
    try:
        if not held.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            yield f"{who} is not that of a CA"
    except x509.ExtensionNotFound:
        if held.version is not x509.Version.v1 or held.issuer != held.subject:
            yield f"{who} does not say that it is that of a CA"
    try:
        if not held.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign:
            yield f"{who} may not sign certificates"
    except x509.ExtensionNotFound:
        pass
    if now > held.not_valid_after_utc.timestamp():
        yield f"{who} expired on {moment(held.not_valid_after_utc.timestamp())}"
    key = held.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_BITS:
        yield f"{who} has a key of {key.key_size} bits, which is too weak"


@parsing()
def _check_list(der: bytes, place: int, anchors: Sequence["x509.Certificate"], now: float) -> None:
    """Refuse a list that would shut out whom its CA did not revoke (ADR 11)."""
    from cryptography import x509

    try:
        held = x509.load_der_x509_crl(der)
    except ValueError as error:
        raise ValueError(f"revocation list {place} cannot be read: {error}") from None
    who = f"revocation list {place} ({printable(held.issuer.rfc4514_string())})"
    own = [one for one in anchors if one.subject == held.issuer]
    if own and not any(held.is_signature_valid(one.public_key()) for one in own):  # type: ignore[arg-type]
        raise ValueError(f"{who} is not signed by its CA")
    until = held.next_update_utc
    if until is None:
        raise ValueError(f"{who} does not say until when it holds")
    if now > until.timestamp():
        raise ValueError(f"{who} expired on {moment(until.timestamp())}")


def _pem(kind: str, der: bytes) -> str:
    import base64

    text = base64.b64encode(der).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"
