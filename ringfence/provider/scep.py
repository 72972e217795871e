"""The SCEP side of the authority: phones get and renew a certificate of their own key.

A registration authority under the client root deciphers and answers; the client root itself may
only sign. Who asks proves itself by a password that was given out for one phone, or by a
certificate of ours that it renews. Whatever is wrong is answered alike and logged in full.
Source: RFC 8894.
"""

import logging
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, NameOID
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.protocols import scep
from ringfence.provider import ca, challenge, waiting
from ringfence.provider.authority import CLIENT_ROOT, SCEP_RA, certificate, signer
from ringfence.provider.certificates import (
    YEAR,
    KeyKind,
    builder,
    distinguished,
    key_pem,
    new_key,
    pem,
    signed,
    usage,
)
from ringfence.provider.files import locked, write
from ringfence.provider.identity import DeviceIdentity, device_identity
from ringfence.provider.register import issued, revoked
from ringfence.provider.request import LEAST_BITS, MOST_BITS, describe_key

logger = logging.getLogger(__name__)

LIFE = YEAR
_CMC_RA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")
"""Extended key usage: with it nobody takes the registration authority for a phone (RFC 6402)."""


class Refusal(Exception):  # noqa: N818 - an answer of the protocol, not an error of ours
    """Why a request is answered with FAILURE."""

    def __init__(self, fail: scep.Fail, reason: str) -> None:
        super().__init__(reason)
        self.fail = fail


class Undecided(Exception):  # noqa: N818 - an answer of the protocol, not an error of ours
    """Somebody must decide first: the answer is PENDING."""


class _Asked(Struct, frozen=True):
    """A request that was opened."""

    request: x509.CertificateSigningRequest
    key: rsa.RSAPublicKey
    fingerprint: str


class Responder:
    """Answers SCEP for one authority. Computes and writes files: call it in a thread."""

    def __init__(
        self, folder: Path, passphrase: bytes, life: timedelta = LIFE, *, holds: bool = False
    ) -> None:
        """Open the authority; a registration authority is made where there is none yet.

        With `holds`, requests without a password wait for `waiting.approve`.

        Raises:
            ComponentError: the authority cannot be read or written.

        """
        self._folder, self._passphrase, self._life = folder, passphrase, life
        self._holds = holds
        self._root = certificate(folder / f"{CLIENT_ROOT}.crt")
        _make_authority(folder, passphrase)
        held = signer(folder, SCEP_RA, passphrase)
        if not isinstance(held.key, rsa.RSAPrivateKey):
            raise ComponentError(f"authority {folder}", f"{SCEP_RA}: not an RSA key")
        self._certificate, self._key = held.certificate, held.key

    def authorities(self) -> bytes:
        """Return what GetCACert answers: the registration authority and the root above it."""
        return scep.bundle([self._certificate, self._root])

    def operate(self, data: bytes, now: datetime) -> bytes:
        """Return the answer to a PKIOperation.

        Raises:
            ValueError: it is no SCEP message whose signature is right.

        """
        message = scep.parse(data)
        status, fail, content = scep.Status.SUCCESS, None, b""
        try:
            made = self._answer(message, now)
            content = scep.seal(scep.bundle([made]), message.signer)
        except Undecided:
            status = scep.Status.PENDING
            logger.info("scep.waiting: %s", waiting.name_of(message.transaction)[:16])
        except Refusal as error:
            status, fail = scep.Status.FAILURE, error.fail
            logger.warning("scep.refused: %s: %s", message.transaction[:64], error)
        except ConfigError as error:
            status, fail = scep.Status.FAILURE, scep.Fail.BAD_REQUEST
            logger.warning("scep.refused: %s: %s", message.transaction[:64], error)
        draft = scep.Draft(
            scep.Kind.CERT_REP,
            message.transaction,
            secrets.token_bytes(16),
            content,
            message.sender,
            status,
            fail,
        )
        return scep.build(draft, self._certificate, self._key)

    def _answer(self, message: scep.Message, now: datetime) -> x509.Certificate:
        if not isinstance(message.signer.public_key(), rsa.RSAPublicKey):
            raise Refusal(scep.Fail.BAD_ALG, "the signer's key is not RSA")
        if message.kind is scep.Kind.CERT_POLL:
            return self._polled(message, now)
        asked = self._opened(message)
        if message.kind is scep.Kind.PKCS_REQ:
            _own_key(message, asked)
            if self._holds and not _has_password(asked):
                return self._held(message, asked, now)
            device = challenge.spend(self._folder, _password(asked), asked.fingerprint, now)
        elif message.kind is scep.Kind.RENEWAL_REQ:
            device = self._renewing(message.signer, now)
        else:
            raise Refusal(scep.Fail.BAD_REQUEST, f"{message.kind.name} is not answered here")
        _same(asked.request, device)
        known = self._known(message.transaction, now)
        if known and known.public_key() == asked.key and known != message.signer:
            return known
        terms = ca.Enrolment(device, "custom", self._life, f"SCEP {message.kind.name}")
        made = ca.certify(self._folder, asked.key, terms, now, self._passphrase)
        write(self._path(message.transaction), pem(made), 0o644)
        logger.info("scep.issued: %s: %x", device.mac, made.serial_number)
        return made

    def _opened(self, message: scep.Message) -> _Asked:
        try:
            content = scep.unseal(message.content, self._certificate, self._key)
            request = x509.load_der_x509_csr(content)
            key, valid = request.public_key(), request.is_signature_valid
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
            raise Refusal(scep.Fail.BAD_MESSAGE_CHECK, f"cannot be opened: {error}") from None
        if not isinstance(key, rsa.RSAPublicKey) or not LEAST_BITS <= key.key_size <= MOST_BITS:
            raise Refusal(scep.Fail.BAD_ALG, f"its key ({describe_key(key)}) is not accepted")
        digest = request.signature_hash_algorithm
        if digest is None or digest.name in ("md5", "sha1"):
            raise Refusal(scep.Fail.BAD_ALG, "it is signed over a weak digest")
        if not valid:
            raise Refusal(scep.Fail.BAD_MESSAGE_CHECK, "the request's signature is wrong")
        return _Asked(request, key, scep.transaction(key))

    def _renewing(self, held: x509.Certificate, now: datetime) -> DeviceIdentity:
        """Return whom a certificate of ours belongs to, which signed the request to renew it."""
        serial = f"{held.serial_number:x}"
        try:
            held.verify_directly_issued_by(self._root)
        except (ValueError, TypeError, InvalidSignature):
            raise Refusal(scep.Fail.BAD_CERT_ID, "the signer is not of this authority") from None
        line = next((line for line in issued(self._folder) if line.serial == serial), None)
        if line is None or line.kind not in ("device", "custom") or serial in revoked(self._folder):
            raise Refusal(scep.Fail.BAD_CERT_ID, f"{serial} may not be renewed")
        if not held.not_valid_before_utc <= now <= held.not_valid_after_utc:
            raise Refusal(scep.Fail.BAD_TIME, f"{serial} is not valid now")
        device = device_identity(held.public_bytes(Encoding.DER))
        if not device.individual:
            raise Refusal(scep.Fail.BAD_CERT_ID, f"{serial} names no phone")
        return device

    def _held(self, message: scep.Message, asked: _Asked, now: datetime) -> x509.Certificate:
        """Return what somebody approved; else keep the request until then."""
        known = self._known(message.transaction, now)
        if known is not None and known.public_key() == asked.key:
            return known
        if not waiting.hold(self._folder, waiting.name_of(message.transaction), asked.request):
            raise Refusal(scep.Fail.BAD_REQUEST, "too many requests wait already")
        raise Undecided

    def _polled(self, message: scep.Message, now: datetime) -> x509.Certificate:
        """Return what was issued to the transaction and the key that ask again."""
        key, name = message.signer.public_key(), waiting.name_of(message.transaction)
        known = self._known(message.transaction, now)
        if known is not None and known.public_key() == key:
            return known
        if any(one.name == name and one.request.public_key() == key for one in self._waiting()):
            raise Undecided
        raise Refusal(scep.Fail.BAD_CERT_ID, "nothing was issued to it")

    def _waiting(self) -> list[waiting.Waiting]:
        return waiting.waiting(self._folder)

    def _known(self, transaction: str, now: datetime) -> x509.Certificate | None:
        """Return what a transaction got, where it still counts."""
        path = self._path(transaction)
        held = certificate(path) if path.exists() else None
        if held is None or f"{held.serial_number:x}" in revoked(self._folder):
            return None
        return held if now <= held.not_valid_after_utc else None

    def _path(self, transaction: str) -> Path:
        """Return where an answer is kept, so that one that was lost can be repeated."""
        return self._folder / waiting.ISSUED / f"{waiting.name_of(transaction)}.crt"


def _own_key(message: scep.Message, asked: _Asked) -> None:
    """Demand that the key that a certificate is wanted for signed the message, too."""
    if message.signer.public_key() != asked.key:
        raise Refusal(scep.Fail.BAD_MESSAGE_CHECK, "the message is signed by another key")


def _has_password(asked: _Asked) -> bool:
    try:
        return bool(_password(asked))
    except Refusal:
        return False


def _password(asked: _Asked) -> str:
    try:
        held = asked.request.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD)
        return held.value.decode("utf-8")
    except (x509.AttributeNotFound, ValueError):
        raise Refusal(scep.Fail.BAD_REQUEST, "it has no challenge password") from None


def _same(request: x509.CertificateSigningRequest, device: DeviceIdentity) -> None:
    """Refuse a request whose subject names another phone than the one that may ask."""
    try:
        subject = request.subject
    except ValueError:
        raise Refusal(scep.Fail.BAD_REQUEST, "its subject cannot be read") from None
    wanted = {
        NameOID.SURNAME: device.mac,
        NameOID.LOCALITY_NAME: device.serial,
        NameOID.ORGANIZATIONAL_UNIT_NAME: device.product,
    }
    for oid, text in wanted.items():
        for held in subject.get_attributes_for_oid(oid):
            if str(held.value).lower() != text.lower():
                raise Refusal(scep.Fail.BAD_REQUEST, f"its subject is not that of {device.mac}")


def _make_authority(folder: Path, passphrase: bytes) -> None:
    """Make the registration authority where there is none."""
    with locked(folder):
        if (folder / f"{SCEP_RA}.crt").exists():
            return
        root, key, now = signer(folder, CLIENT_ROOT, passphrase), new_key(KeyKind.RSA), ca.now()
        owner = root.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        names = {NameOID.ORGANIZATION_NAME: str(owner[0].value)} if owner else {}
        subject = distinguished({**names, NameOID.COMMON_NAME: "SCEP Registration Authority"})
        made = builder(subject, key.public_key(), root.certificate, (now, 10 * YEAR))
        made = made.add_extension(x509.BasicConstraints(False, None), True)
        made = made.add_extension(usage("digital_signature", "key_encipherment"), True)
        made = made.add_extension(x509.ExtendedKeyUsage([_CMC_RA]), False)
        whole = signed(made, root.key)
        ca.book(folder, ca.entry("scep-ra", "", whole), now)
        write(folder / f"{SCEP_RA}.key", key_pem(key, passphrase), 0o600)
        write(folder / f"{SCEP_RA}.crt", pem(whole), 0o644)
