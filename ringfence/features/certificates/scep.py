"""One enrolment: what is asked of a SCEP server, and what of its answers is believed. Pure.

The root must have the configured fingerprint; the registration authority must be issued by it;
the answer must be signed by one of the two, for this request; the certificate must be for our key
and under that root.
Source: RFC 8894 sections 2.2, 3, 4.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import AttributeOID, NameOID
from msgspec import Struct

from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.features.certificates.plan import Enrolment, Subject
from ringfence.protocols import scep

_FINGERPRINTS = {40: hashes.SHA1(), 64: hashes.SHA256()}  # noqa: S303 - the operator's choice
_WRONG = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion)


class Authorities(Struct, frozen=True):
    """Who answers for a SCEP server."""

    root: x509.Certificate
    registrar: x509.Certificate
    """Whom requests are enciphered for; the root itself where there is no other."""


class Keys(Struct, frozen=True):
    """What a request is signed with."""

    new: bytes
    """The key that the certificate is for, as PEM."""
    old: bytes = b""
    """Key and certificate that are renewed, as PEM; empty where a password proves who asks."""


class Pending(Struct, frozen=True):
    """A request on its way."""

    message: bytes
    transaction: str
    nonce: bytes
    own: x509.Certificate
    """Signs the request, and opens the answer."""


def authorities(data: bytes, fingerprint: str, now: float) -> Authorities:
    """Return who a GetCACert answer says it is, held against the configured root.

    Raises:
        RemoteProtocolError: it is no such answer.
        PolicyError: no certificate of it has the fingerprint.

    """
    try:
        held = scep.certificates(data)
        roots = [one for one in held if fingerprint_of(one, len(fingerprint)) == fingerprint]
    except _WRONG as error:
        raise RemoteProtocolError(f"the server's certificates cannot be read: {error}") from None
    if not roots:
        shown = ", ".join(fingerprint_of(one, len(fingerprint)) for one in held[:3])
        reason = f"no certificate of the SCEP server has the configured fingerprint, it has {shown}"
        raise PolicyError("scep-fingerprint", reason, "verify the root with who runs the server")
    root = roots[0]
    below = [one for one in held if one != root and _is_below(one, root) and _counts(one, now)]
    enciphering = [one for one in below if _may_encipher(one)]
    return Authorities(root, enciphering[0] if enciphering else root)


def must_speak(capabilities: str) -> None:
    """Refuse a server that lacks what is strong enough.

    Raises:
        PolicyError: it knows neither SHA-2 nor AES.

    """
    words = {line.strip().upper() for line in capabilities.splitlines()[:50]}
    if "SCEPSTANDARD" in words:
        return
    if not (words & {"SHA-256", "SHA-512"} and "AES" in words):
        reason = "the SCEP server does not say that it knows SHA-256 and AES"
        raise PolicyError("scep-weak", reason, "use a server that follows RFC 8894")


def may_post(capabilities: str) -> bool:
    """Return whether requests may be posted; else they stand in the URL."""
    words = {line.strip().upper() for line in capabilities.splitlines()[:50]}
    return bool(words & {"POSTPKIOPERATION", "SCEPSTANDARD"})


def may_renew(capabilities: str) -> bool:
    """Return whether a certificate may prove who asks for its successor."""
    return "RENEWAL" in {line.strip().upper() for line in capabilities.splitlines()[:50]}


def new_key() -> bytes:
    """Return a new RSA key as PEM."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def request(asked: Enrolment, held: Authorities, keys: Keys, nonce: bytes, now: float) -> Pending:
    """Return a request for a certificate.

    Raises:
        RemoteProtocolError: nothing can be enciphered for the server.

    """
    private = _private(keys.new)
    own = _own_certificate(asked.subject, private, now)
    signer, signing, kind = own, private, scep.Kind.PKCS_REQ
    if keys.old:
        signer, signing = x509.load_pem_x509_certificate(keys.old), _private(keys.old)
        kind = scep.Kind.RENEWAL_REQ
    wanted = x509.CertificateSigningRequestBuilder().subject_name(_name(asked.subject))
    if not keys.old and (challenge := asked.challenge.reveal()):
        wanted = wanted.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
    text = wanted.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)
    try:
        content = scep.seal(text, held.registrar)
    except ValueError as error:
        raise RemoteProtocolError(f"SCEP server: {error}") from None
    transaction = scep.transaction(private.public_key())
    draft = scep.Draft(kind, transaction, nonce, content)
    return Pending(scep.build(draft, signer, signing), transaction, nonce, signer)


def receive(answer: bytes, sent: Pending, held: Authorities, keys: Keys) -> bytes:
    """Return key and certificate as PEM, in one text; empty where the server has not decided.

    Raises:
        RemoteProtocolError: it is no answer to this request, or says no.
        PolicyError: it is not signed by who may, or the certificate is not under the root.

    """
    try:
        message = scep.parse(answer)
    except _WRONG as error:
        raise RemoteProtocolError(f"the SCEP server's answer is refused: {error}") from None
    if message.signer not in (held.registrar, held.root):
        raise PolicyError("scep-signer", "the answer is not signed by the SCEP server's authority")
    known = (message.transaction, message.recipient, message.kind)
    if known != (sent.transaction, sent.nonce, scep.Kind.CERT_REP):
        raise RemoteProtocolError("the SCEP server's answer is not for this request")
    if message.status is scep.Status.PENDING:
        return b""
    if message.status is not scep.Status.SUCCESS:
        raise RemoteProtocolError(f"the SCEP server refuses: {message.fail or 'without a reason'}")
    opener = _private(keys.old or keys.new)
    try:
        inner = scep.certificates(scep.unseal(message.content, sent.own, opener))
    except _WRONG as error:
        raise RemoteProtocolError(f"the SCEP server's answer cannot be opened: {error}") from None
    return _accepted(inner, held, keys.new)


def _accepted(given: Sequence[x509.Certificate], held: Authorities, key: bytes) -> bytes:
    public = _private(key).public_key()
    mine = next((one for one in given if one.public_key() == public), None)
    if mine is None:
        raise RemoteProtocolError("the SCEP server's certificate is for another key")
    chain, above = [mine], mine
    for _ in given:
        if _is_below(above, held.root):
            text = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
            return key + text
        step = next((one for one in given if one != above and _is_below(above, one)), None)
        if step is None:
            break
        chain.append(step)
        above = step
    raise PolicyError("scep-chain", "the certificate is not under the SCEP server's root")


def fingerprint_of(held: x509.Certificate, digits: int) -> str:
    """Return the fingerprint of a certificate in as many hexadecimal digits."""
    return held.fingerprint(_FINGERPRINTS[digits]).hex()


def _private(text: bytes) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(text, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise RemoteProtocolError("SCEP needs an RSA key")
    return key


def _name(subject: Subject) -> x509.Name:
    common = f"{subject.product}-SEP{subject.mac.upper()}"[:64]
    fields = (
        (NameOID.ORGANIZATIONAL_UNIT_NAME, subject.product),
        (NameOID.LOCALITY_NAME, subject.serial),
        (NameOID.SURNAME, subject.mac),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in fields if text])


def _own_certificate(subject: Subject, key: rsa.RSAPrivateKey, now: float) -> x509.Certificate:
    """Return a certificate that the key signs for itself. Source: RFC 8894 section 2.3."""
    today = datetime.fromtimestamp(now, UTC).replace(microsecond=0)
    name = _name(subject)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=7))
    )
    return made.sign(key, hashes.SHA256())


def _is_below(held: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        held.verify_directly_issued_by(issuer)
    except _WRONG:
        return False
    return True


def _counts(held: x509.Certificate, now: float) -> bool:
    return now <= held.not_valid_after_utc.timestamp()


def _may_encipher(held: x509.Certificate) -> bool:
    try:
        usage = held.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return usage.key_encipherment
