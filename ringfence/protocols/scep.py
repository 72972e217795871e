"""SCEP: messages between a device that wants a certificate and its CA.

SHA-256 and AES alone. The key that signs a request is the key that the certificate is for, so
keys are RSA: the answer is enciphered for it.
Source: RFC 8894.
"""

import enum
import hashlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from msgspec import Struct

from ringfence.protocols import cms

CAPABILITIES = (
    *("AES", "POSTPKIOperation", "Renewal", "SCEPStandard"),
    *("SHA-256", "SHA-384", "SHA-512"),
)
"""What our server says that it can. Source: RFC 8894 section 3.5.2, which does not know SHA-384;
strongSwan does, and up to 5.9.8 takes that word for SCEPStandard."""
MESSAGE_TYPE = "application/x-pki-message"
LEAST_BITS = 2048

_BASE = "2.16.840.1.113733.1.9."
_TYPE, _STATUS, _FAIL = f"{_BASE}2", f"{_BASE}3", f"{_BASE}4"
_SENDER, _RECIPIENT, _TRANSACTION = f"{_BASE}5", f"{_BASE}6", f"{_BASE}7"


class Kind(enum.Enum):
    """messageType. Source: RFC 8894 section 3.2.1.2."""

    CERT_REP = "3"
    RENEWAL_REQ = "17"
    PKCS_REQ = "19"
    CERT_POLL = "20"


class Status(enum.Enum):
    """pkiStatus. Source: RFC 8894 section 3.2.1.3."""

    SUCCESS = "0"
    FAILURE = "2"
    PENDING = "3"


class Fail(enum.Enum):
    """failInfo. Source: RFC 8894 section 3.2.1.4."""

    BAD_ALG = "0"
    BAD_MESSAGE_CHECK = "1"
    BAD_REQUEST = "2"
    BAD_TIME = "3"
    BAD_CERT_ID = "4"


class Message(Struct, frozen=True):
    """A message whose signature is right."""

    kind: Kind
    transaction: str
    sender: bytes
    """Nonce."""
    content: bytes
    """Enveloped data; empty where the kind or the status has none."""
    signer: x509.Certificate
    recipient: bytes = b""
    """The nonce that is answered."""
    status: Status | None = None
    fail: str = ""
    """Why not, `badRequest`."""


class Draft(Struct, frozen=True):
    """What a message says."""

    kind: Kind
    transaction: str
    sender: bytes
    content: bytes = b""
    recipient: bytes = b""
    status: Status | None = None
    fail: Fail | None = None


_FAILS = {
    "0": "badAlg",
    "1": "badMessageCheck",
    "2": "badRequest",
    "3": "badTime",
    "4": "badCertId",
}


def build(draft: Draft, certificate: x509.Certificate, key: cms.Key) -> bytes:
    """Return a message as DER, signed."""
    attributes: dict[str, bytes | str] = {
        _TYPE: draft.kind.value,
        _TRANSACTION: draft.transaction,
        _SENDER: draft.sender,
    }
    if draft.recipient:
        attributes[_RECIPIENT] = draft.recipient
    if draft.status:
        attributes[_STATUS] = draft.status.value
    if draft.fail:
        attributes[_FAIL] = draft.fail.value
    return cms.sign(draft.content, attributes, certificate, key)


def parse(data: bytes) -> Message:
    """Return the message in DER.

    Raises:
        ValueError: it is none, or its signature is wrong or too weak.

    """
    signed = cms.verify(data)
    held = signed.attributes
    kind, status = _text(held.get(_TYPE)), _text(held.get(_STATUS))
    transaction = _text(held.get(_TRANSACTION))
    if not (transaction and len(transaction) <= 256):
        raise ValueError("the message has no transaction")
    return Message(
        kind=Kind(kind),
        transaction=transaction,
        sender=_octets(held.get(_SENDER)),
        content=signed.content,
        signer=signed.signer,
        recipient=_octets(held.get(_RECIPIENT)),
        status=Status(status) if status else None,
        fail=_FAILS.get(_text(held.get(_FAIL)), _text(held.get(_FAIL))[:40]),
    )


def seal(content: bytes, recipient: x509.Certificate) -> bytes:
    """Return enveloped data that the key of `recipient` opens.

    Raises:
        ValueError: its key is not RSA.

    """
    if not isinstance(recipient.public_key(), rsa.RSAPublicKey):
        raise ValueError("the key of the recipient is not RSA, so nothing can be enciphered for it")
    made = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(recipient)
    made = made.set_content_encryption_algorithm(algorithms.AES128)
    return made.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def unseal(content: bytes, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bytes:
    """Return what enveloped data holds.

    Raises:
        ValueError: it is not for this certificate, or is enciphered with what is too weak.

    """
    try:
        return pkcs7.pkcs7_decrypt_der(content, certificate, key, [])
    except (UnsupportedAlgorithm, TypeError) as error:
        raise ValueError(f"cannot be deciphered: {error}") from None


def transaction(key: rsa.RSAPublicKey) -> str:
    """Return the transaction of a key: its digest. Source: RFC 8894 section 3.2.1.1."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def certificates(data: bytes) -> tuple[x509.Certificate, ...]:
    """Return what GetCACert answered: one certificate, or a bundle with a registration authority.

    Raises:
        ValueError: it is neither.

    """
    if len(data) > cms.LARGEST:
        raise ValueError(f"the answer has {len(data)} bytes")
    try:
        return (x509.load_der_x509_certificate(data),)
    except ValueError:
        return tuple(pkcs7.load_der_pkcs7_certificates(data))


def bundle(held: Sequence[x509.Certificate]) -> bytes:
    """Return certificates alone, as PKCS#7 in DER."""
    return pkcs7.serialize_certificates(list(held), Encoding.DER)


def _text(value: bytes | str | None) -> str:
    return value if isinstance(value, str) else ""


def _octets(value: bytes | str | None) -> bytes:
    return value if isinstance(value, bytes) else b""
