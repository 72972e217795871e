"""Certificates of every shape, made without the package under test."""

import ipaddress
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
NOW = datetime.now(UTC)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Pair:
    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def save(self, folder: Path, name: str) -> tuple[str, str]:
        """Write NAME.crt and NAME.key; return their names."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_text(self.pem)
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return str(certificate), str(key)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def authority(name: str = "Test Root") -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(x509.Name([_cn(name)]), x509.Name([_cn(name)]), key)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    builder = builder.add_extension(usage, True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def intermediate(issuer: Pair, name: str, *, days: tuple[int, int] = (-1, 30)) -> Pair:
    """Return a CA that another one signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(x509.Name([_cn(name)]), issuer.certificate.subject, key, days)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(True, 0), True)
    return Pair(builder.add_extension(usage, True).sign(issuer.key, hashes.SHA256()), key)


def leaf(
    issuer: Pair,
    *,
    cn: str | list[str] | None = None,
    dns: list[str] | None = None,
    ips: list[str] | None = None,
    others: list[x509.GeneralName] | None = None,
    raw: bytes | None = None,
    days: tuple[int, int] = (-1, 30),
    usage: x509.ObjectIdentifier | None = SERVER,
    key: Key | None = None,
    subject: list[x509.NameAttribute[str]] | None = None,
) -> Pair:
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = [cn] if isinstance(cn, str) else cn or []
    subject_name = x509.Name(subject if subject is not None else [_cn(name) for name in names])
    builder = _builder(subject_name, issuer.certificate.subject, key, days)
    held: list[x509.GeneralName] = [_dns(name) for name in dns or []]
    held += [x509.IPAddress(ipaddress.ip_address(address)) for address in ips or []]
    held += others or []
    if held:
        builder = builder.add_extension(x509.SubjectAlternativeName(held), not names)
    if raw is not None:
        extension = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, raw)
        builder = builder.add_extension(extension, False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    return Pair(builder.sign(issuer.key, hashes.SHA256()), key)


def crl(
    issuer: Pair,
    revoked: Sequence[Pair] = (),
    *,
    days: tuple[float, float] = (-1, 30),
    key: Key | None = None,
    extension: x509.ExtensionType | None = None,
) -> str:
    """Return a revocation list as PEM text; `key` signs instead of the issuer's."""
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.certificate.subject,
        last_update=NOW + timedelta(days=days[0]),
        next_update=NOW + timedelta(days=days[1]),
    )
    for pair in revoked:
        entry = x509.RevokedCertificateBuilder(
            serial_number=pair.certificate.serial_number,
            revocation_date=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        ).add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
        builder = builder.add_revoked_certificate(entry.build())
    if extension:
        builder = builder.add_extension(extension, True)
    made = builder.sign(key or issuer.key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _dns(name: str) -> x509.DNSName:
    return x509.DNSName._init_without_validation(name)


def _cn(name: str) -> x509.NameAttribute[str]:
    with warnings.catch_warnings():  # of names that are too long
        warnings.simplefilter("ignore")
        return x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, days: tuple[int, int] = (-1, 30)
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
