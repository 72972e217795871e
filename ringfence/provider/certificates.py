"""Certificates as this authority makes them: what every one has, and how it is signed."""

import enum
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ringfence.errors import ConfigError
from ringfence.provider.request import PublicKey, describe_key

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

YEAR = timedelta(days=365)
BACKDATED = timedelta(hours=1)
"""So that a phone whose clock is a little slow believes a new certificate."""


class KeyKind(enum.Enum):
    """Kinds of keys that are issued. Source: rulings 7."""

    RSA = "rsa"
    P256 = "p256"


class Digest(enum.Enum):
    """What a signature is made over. Source: chapter, Get a Signed Server Certificate."""

    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"

    @property
    def weak(self) -> bool:
        """Whether phones refuse it at their default TLS level."""
        return self is not Digest.SHA256


def new_key(kind: KeyKind) -> Key:
    """Return a new private key: RSA-2048 or P-256."""
    if kind is KeyKind.RSA:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def distinguished(fields: dict[x509.ObjectIdentifier, str]) -> x509.Name:
    """Return a name with one attribute for each field."""
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in fields.items()])


def builder(
    subject: x509.Name,
    key: PublicKey,
    issuer: x509.Certificate | None,
    span: tuple[datetime, timedelta],
) -> x509.CertificateBuilder:
    """Return what every certificate has; `span` is now and how long; no issuer makes a root.

    Raises:
        ConfigError: the issuer has a key of a kind that signs no certificates.

    """
    now, duration = span
    end = now + duration
    if issuer:
        end = min(end, issuer.not_valid_after_utc)
    parent = issuer.public_key() if issuer else key
    if not isinstance(parent, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ConfigError("issuer", f"its key ({describe_key(parent)}) signs no certificates")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(parent), False)
    )


def leaf(
    made: x509.CertificateBuilder, key: PublicKey, use: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    """Return a certificate that signs no other. An EC key enciphers nothing (RFC 8813)."""
    granted = ["digital_signature"]
    if isinstance(key, rsa.RSAPublicKey):
        granted.append("key_encipherment")
    return (
        made.add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(usage(*granted), True)
        .add_extension(x509.ExtendedKeyUsage([use]), False)
    )


def usage(*granted: str) -> x509.KeyUsage:
    """Return the key usage of these names and no other."""
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in granted for name in every})


def signed(
    made: x509.CertificateBuilder, key: Key, digest: Digest = Digest.SHA256
) -> x509.Certificate:
    """Return the certificate, signed with its issuer's key.

    Raises:
        ConfigError: the key, or the library, cannot sign with this digest.

    """
    strong = made.sign(key, hashes.SHA256())
    if digest is Digest.SHA256:
        return strong
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError("hash", f"only an RSA key signs with {digest.value}", "use sha256")
    try:
        return _weakened(strong, key, digest)
    except UnsupportedAlgorithm as error:
        reason = f"the library of this machine refuses {digest.value}"
        raise ConfigError("hash", reason, "use sha256") from error


_NUMBERS = {Digest.SHA256: 11, Digest.SHA1: 5, Digest.MD5: 4}
"""Last arc of `sha256WithRSAEncryption` and its kin. Source: RFC 8017 appendix A.2.4."""


def _algorithm(digest: Digest) -> bytes:
    return bytes.fromhex(f"300d06092a864886f70d0101{_NUMBERS[digest]:02x}0500")


def _weakened(strong: x509.Certificate, key: rsa.RSAPrivateKey, digest: Digest) -> x509.Certificate:
    """Return the certificate with another signature, which no builder makes any more.

    The three algorithm identifiers are equally long, and so are the signatures: nothing moves.
    In the signed part the identifier comes right behind the serial number, in the whole again
    right before the signature. Source: RFC 5280 section 4.1.
    """
    body = strong.tbs_certificate_bytes
    there, here = _algorithm(Digest.SHA256), _algorithm(digest)
    weak = body.replace(there, here, 1)
    algorithm = hashes.SHA1() if digest is Digest.SHA1 else hashes.MD5()  # noqa: S303
    signature = key.sign(weak, padding.PKCS1v15(), algorithm)
    head, _, tail = strong.public_bytes(Encoding.DER).partition(body)
    rest = tail[: -len(signature)].replace(there, here)
    return x509.load_der_x509_certificate(head + weak + rest + signature)


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def key_pem(key: Key | ed25519.Ed25519PrivateKey, passphrase: bytes = b"") -> bytes:
    """Return a private key as PEM, encrypted where there is a passphrase."""
    secured: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        secured = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, secured)
