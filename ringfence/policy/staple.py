"""What a stapled answer of the certificate's authority (OCSP) says, once it is proven.

Source: RFC 6960 sections 3.2, 4.2; RFC 6066 section 8; mission TLS-10.
"""

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.policy.certificate import load, moment, parsing
from ringfence.policy.revocation import WEAK

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509 import ocsp

LARGEST = 64 * 1024
SLACK = 300.0
"""Seconds by which the clocks of phone and authority may differ."""


class Word(enum.Enum):
    """What an answer comes to."""

    NONE = "none"
    """The server staples no answer."""
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """The authority does not know the certificate."""
    UNUSABLE = "unusable"
    """Nothing is proven by it."""


class Staple(Struct, frozen=True):
    """A stapled answer, judged."""

    word: Word
    detail: str = ""

    def __str__(self) -> str:
        """Return it in one phrase."""
        return self.word.value + (f" ({self.detail})" if self.detail else "")


def judge(answer: bytes, chain: Sequence[bytes], now: float) -> Staple:
    """Return what a stapled answer says of the server's certificate.

    `chain` has DER certificates, the server's first; its issuer is looked for among the rest.
    `now` is in seconds since the epoch.
    """
    if not answer:
        return Staple(Word.NONE)
    try:
        return _judge(answer, chain, now)
    except ValueError as error:
        return Staple(Word.UNUSABLE, str(error) or "it cannot be read")


@parsing()
def _judge(answer: bytes, chain: Sequence[bytes], now: float) -> Staple:
    from cryptography.x509 import ocsp

    if len(answer) > LARGEST:
        raise ValueError(f"it has {len(answer)} bytes")
    response = ocsp.load_der_ocsp_response(answer)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError(f"the responder says {response.response_status.name.lower()}")
    held, *above = map(load, chain)
    issuer = next((one for one in above if one.subject == held.issuer), None)
    if issuer is None:
        raise ValueError("the issuer's certificate is not at hand")
    single = next((one for one in response.responses if _is_about(one, held, issuer)), None)
    if single is None:
        raise ValueError("it is about another certificate")
    if not any(_is_signed(response, key) for key in _signers(response, issuer, now)):
        raise ValueError("it is not signed by the issuer or its responder")
    if now + SLACK < single.this_update_utc.timestamp():
        raise ValueError(f"it is not valid before {moment(single.this_update_utc.timestamp())}")
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return Staple(Word.REVOKED, _since(single))
    until = single.next_update_utc
    if until is None or now - SLACK > until.timestamp():
        raise ValueError(f"it expired on {moment(until.timestamp())}" if until else "it has no end")
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return Staple(Word.UNKNOWN)
    return Staple(Word.GOOD, f"until {moment(until.timestamp())}")


def _since(single: "ocsp.OCSPSingleResponse") -> str:
    since, reason = single.revocation_time_utc, single.revocation_reason
    words = [f"since {moment(since.timestamp())}"] if since else []
    return ", ".join(words + ([reason.value] if reason else []))


def _is_about(
    single: "ocsp.OCSPSingleResponse", held: "x509.Certificate", issuer: "x509.Certificate"
) -> bool:
    """Return whether one entry of an answer is about a certificate. Source: RFC 6960 4.1.1."""
    from cryptography.x509 import ocsp

    if single.serial_number != held.serial_number:
        return False
    builder = ocsp.OCSPRequestBuilder().add_certificate(held, issuer, single.hash_algorithm)
    asked = builder.build()
    return (asked.issuer_key_hash, asked.issuer_name_hash) == (
        single.issuer_key_hash,
        single.issuer_name_hash,
    )


def _signers(
    response: "ocsp.OCSPResponse", issuer: "x509.Certificate", now: float
) -> list["x509.Certificate"]:
    """Return who may answer for an issuer: itself, and those it made responders."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signers = [issuer]
    for one in response.certificates[:4]:
        try:
            one.verify_directly_issued_by(issuer)
            usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (
            ValueError,
            TypeError,
            InvalidSignature,
            UnsupportedAlgorithm,
            x509.ExtensionNotFound,
        ):
            continue
        begun, ended = one.not_valid_before_utc.timestamp(), one.not_valid_after_utc.timestamp()
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage and begun <= now <= ended:
            signers.append(one)
    return signers


def _is_signed(response: "ocsp.OCSPResponse", signer: "x509.Certificate") -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

    key, digest = signer.public_key(), response.signature_hash_algorithm
    signature, signed = response.signature, response.tbs_response_bytes
    try:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        elif digest is None or digest.name in WEAK:
            return False
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
