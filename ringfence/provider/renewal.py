"""A certificate that ends soon, issued anew: same subject, same names, same key."""

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from ringfence.errors import ConfigError
from ringfence.provider import ca
from ringfence.provider.authority import CLIENT_ROOT, SERVER_CA, Signer, signer
from ringfence.provider.certificates import builder, leaf, pem, signed
from ringfence.provider.files import locked, pem_problem
from ringfence.provider.register import Entry, issued, revoked
from ringfence.provider.request import LEAST_BITS, PublicKey, describe_key

_ANEW = "make a new key, and have its request signed"


def renew(
    folder: Path, text: bytes, duration: timedelta, now: datetime, passphrase: bytes = b""
) -> ca.Issued:
    """Return a new certificate for a certificate, as PEM, that this authority issued.

    Raises:
        ConfigError: it is not one of ours, was revoked, or is weak; or `duration` is longer than
            its issuer lives.
        ComponentError: the authority cannot be read or written.

    """
    with locked(folder):
        held, line = _known(folder, text)
        server = line.kind == "server"
        issuer = signer(folder, SERVER_CA if server else CLIENT_ROOT, passphrase)
        key = _key(held, issuer)
        last = issuer.certificate.not_valid_after_utc
        if not timedelta() < duration <= last - now:
            raise ConfigError("duration", f"the issuing CA ends on {last.date()}", "choose less")
        made = builder(held.subject, key, issuer.certificate, (now, duration))
        for extension in held.extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                made = made.add_extension(extension.value, extension.critical)
        made = leaf(made, key, Usage.SERVER_AUTH if server else Usage.CLIENT_AUTH)
        certificate = signed(made, issuer.key)
        ca.book(folder, ca.entry(line.kind, line.product, certificate), now)
    chain = pem(issuer.certificate) if server else b""
    return ca.Issued(pem(certificate) + chain, None)


def _known(folder: Path, text: bytes) -> tuple[x509.Certificate, Entry]:
    try:
        held = x509.load_pem_x509_certificate(text)
    except ValueError as error:
        raise ConfigError("certificate", f"cannot be read: {pem_problem(error)}") from None
    serial = f"{held.serial_number:x}"
    line = next((line for line in issued(folder) if line.serial == serial), None)
    if line is None:
        known = "`ringfence ca list` shows what it issued"
        raise ConfigError("certificate", f"this authority issued none with {serial}", known)
    if serial in revoked(folder):
        raise ConfigError("certificate", "was revoked", _ANEW)
    return held, line


def _key(held: x509.Certificate, issuer: Signer) -> PublicKey:
    """Return the key of a certificate that its issuer really signed."""
    try:
        held.verify_directly_issued_by(issuer.certificate)
    except (ValueError, TypeError, InvalidSignature):
        raise ConfigError("certificate", "is not signed by this authority") from None
    key = held.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_BITS
    ):
        raise ConfigError("certificate", f"its key ({describe_key(key)}) is weak", _ANEW)
    return key
