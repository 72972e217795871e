"""The provider's certificate authority: one root for servers, another for devices.

Server root -> issuing CA -> servers; client root -> devices. A device certificate so can never
pass for a server. Everything here computes and writes files: in a program with an event loop
call it in a thread, because an RSA key takes some 50 ms.
Source: chapter, Get a Signed Server Certificate; rulings 7, 8.
"""

import enum
import json
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.identity import DeviceIdentity, hardware_address

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

SERVER_ROOT, SERVER_CA, CLIENT_ROOT = "server-root", "server-ca", "client-root"
REGISTER = "issued.jsonl"
"""One JSON line for each certificate that was issued."""

ROOT_YEARS, ISSUING_YEARS, DEVICE_YEARS = 25, 15, 20
CURVES = ("secp256r1", "secp384r1")
YEAR = timedelta(days=365)
BACKDATED = timedelta(hours=1)
"""So that a phone whose clock is a little slow believes a new certificate."""

EXPORTS = {"provider-root.crt": SERVER_ROOT, "spacroot.crt": CLIENT_ROOT}
"""`{file: whose certificate}`: the first goes into phones, the second into HTTPS servers."""


class KeyKind(enum.Enum):
    """Kinds of keys that are issued. Source: rulings 7."""

    RSA = "rsa"
    P256 = "p256"


class Issued(Struct, frozen=True):
    """A certificate and what belongs to it, as PEM."""

    certificate: bytes
    """The certificate, then its issuing CA where that is not a root."""
    key: bytes | None
    """None where the key is its owner's."""


class _Signer(Struct, frozen=True):
    certificate: x509.Certificate
    key: Key


def create(folder: Path, owner: str, now: datetime) -> None:
    """Make the roots and the issuing CA of `owner` in a folder.

    Raises:
        ComponentError: the folder holds an authority already, or cannot be written.

    """
    if (folder / f"{SERVER_ROOT}.crt").exists():
        raise ComponentError(f"folder {folder}", "holds a certificate authority already")
    for name, parent, years, title in (
        (SERVER_ROOT, None, ROOT_YEARS, "Server Root"),
        (SERVER_CA, SERVER_ROOT, ISSUING_YEARS, "Server Issuing CA"),
        (CLIENT_ROOT, None, ROOT_YEARS, "Client Root"),
    ):
        key = new_key(KeyKind.RSA)
        issuer = _signer(folder, parent) if parent else None
        subject = _distinguished({NameOID.ORGANIZATION_NAME: owner, NameOID.COMMON_NAME: title})
        builder = _builder(subject, key.public_key(), issuer, now, years * YEAR)
        builder = builder.add_extension(x509.BasicConstraints(True, 0 if parent else None), True)
        builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), True)
        made = builder.sign(issuer.key if issuer else key, hashes.SHA256())
        write(folder / f"{name}.key", _key_pem(key), 0o600)
        write(folder / f"{name}.crt", _pem(made), 0o644)


def new_key(kind: KeyKind) -> Key:
    """Return a new private key: RSA-2048 or P-256."""
    if kind is KeyKind.RSA:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def issue_device(
    folder: Path, device: DeviceIdentity, now: datetime, kind: KeyKind = KeyKind.RSA
) -> Issued:
    """Return a new key and its certificate for one phone: OU product, L serial, S MAC.

    S is the surname, which is what a CGI sees as `S` (rulings 7).

    Raises:
        ConfigError: product, serial number or MAC address is not usable.
        ComponentError: the authority cannot be read or written.

    """
    product, serial = _field("product", device.product), _field("serial number", device.serial)
    try:
        mac = hardware_address(device.mac)
    except ValueError as error:
        raise ConfigError("MAC address", str(error)) from None
    issuer, key = _signer(folder, CLIENT_ROOT), new_key(kind)
    subject = _distinguished(
        {
            NameOID.ORGANIZATIONAL_UNIT_NAME: product,
            NameOID.LOCALITY_NAME: serial,
            NameOID.SURNAME: mac,
            NameOID.COMMON_NAME: f"{product}-SEP{mac.upper()}"[:64],
        }
    )
    builder = _builder(subject, key.public_key(), issuer, now, DEVICE_YEARS * YEAR)
    name = x509.UniformResourceIdentifier(f"urn:dev:mac:{mac[:6]}fffe{mac[6:]}")  # RFC 9039
    builder = builder.add_extension(x509.SubjectAlternativeName([name]), False)
    made = _leaf(builder, Usage.CLIENT_AUTH).sign(issuer.key, hashes.SHA256())
    _register(folder, "device", product, made)
    return Issued(_pem(made), _key_pem(key))


def sign(folder: Path, request: bytes, product: str, duration: timedelta, now: datetime) -> Issued:
    """Return the certificate for a server's signing request, signed with SHA-256.

    Subject and names are the request's; without a SAN the host of the CN becomes one, which
    today's clients demand. `product` is the family of phones that the server is for; the
    register keeps it.

    Raises:
        ConfigError: the request is unreadable, has a weak key or no name, or `duration`
            is longer than the issuing CA lives.
        ComponentError: the authority cannot be read or written.

    """
    (asked, key), issuer = _request(request), _signer(folder, SERVER_CA)
    if now + duration > issuer.certificate.not_valid_after_utc:
        last = issuer.certificate.not_valid_after_utc.date()
        raise ConfigError("duration", f"the issuing CA ends on {last}", "choose a shorter one")
    builder = _builder(asked.subject, key, issuer, now, duration)
    builder = builder.add_extension(x509.SubjectAlternativeName(server_names(asked)), False)
    made = _leaf(builder, Usage.SERVER_AUTH).sign(issuer.key, hashes.SHA256())
    _register(folder, "server", _field("product", product), made)
    return Issued(_pem(made) + _pem(issuer.certificate), None)


def server_names(asked: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    """Return the SAN of the certificate: the request's, or the host of its CN.

    Raises:
        ConfigError: the request names no server.

    """
    try:
        held = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        held = x509.SubjectAlternativeName([])
    names = [name for name in held if isinstance(name, x509.DNSName | x509.IPAddress)]
    if names:
        return list(names)
    for attribute in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        host = str(attribute.value).split("/", 1)[0].strip()
        try:
            return [x509.IPAddress(ip_address(host))]
        except ValueError:
            if host and host.isascii():
                return [x509.DNSName(host)]
    raise ConfigError("CSR", "names no server", "put the FQDN of the server into the CN")


def export(folder: Path, to: Path) -> list[Path]:
    """Write the roots for phones and for HTTPS servers into `to`; return the files.

    Raises:
        ComponentError: the authority cannot be read, or `to` not written.

    """
    for name, whose in EXPORTS.items():
        write(to / name, _read(folder / f"{whose}.crt"), 0o644)
    return [to / name for name in EXPORTS]


def _request(pem: bytes) -> tuple[x509.CertificateSigningRequest, PublicKey]:
    """Return a signing request that its owner signed, and its key, which is strong enough."""
    try:
        asked = x509.load_pem_x509_csr(pem[: 1 << 16])
        valid, key = asked.is_signature_valid, asked.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError("CSR", f"cannot be read: {error}", "make one with openssl req") from None
    if not valid:
        raise ConfigError("CSR", "its signature is wrong", "make it again")
    if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192:
        return asked, key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return asked, key
    remedy = "use RSA with 2048 to 8192 bits, P-256 or P-384"
    raise ConfigError("CSR", f"its key ({describe_key(key)}) is not accepted", remedy)


def describe_key(key: object) -> str:
    """Return kind and size of a public key in words."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__
    return f"{kind} {getattr(key, 'key_size', '')}".strip()


def _field(what: str, text: str) -> str:
    if not (text and len(text) <= 48 and text.isascii() and text.isprintable()):
        raise ConfigError(what, "needs 1 to 48 printable ASCII characters")
    return text


def _distinguished(fields: dict[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in fields.items()])


def _builder(
    subject: x509.Name,
    key: PublicKey,
    issuer: _Signer | None,
    now: datetime,
    duration: timedelta,
) -> x509.CertificateBuilder:
    """Return what every certificate has; an issuer of None makes a root."""
    end = now + duration
    if issuer:
        end = min(end, issuer.certificate.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
    )
    parent = issuer.key.public_key() if issuer else key
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(parent)
    return builder.add_extension(identifier, False)


def _leaf(
    builder: x509.CertificateBuilder, usage: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(_usage("digital_signature", "key_encipherment"), True)
        .add_extension(x509.ExtendedKeyUsage([usage]), False)
    )


def _usage(*granted: str) -> x509.KeyUsage:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in granted for name in every})


def _signer(folder: Path, name: str) -> _Signer:
    try:
        certificate = x509.load_pem_x509_certificate(_read(folder / f"{name}.crt"))
        key = serialization.load_pem_private_key(_read(folder / f"{name}.key"), None)
    except (ValueError, TypeError) as error:
        raise ComponentError(f"authority {folder}", f"{name}: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ComponentError(f"authority {folder}", f"{name}: not a signing key")
    return _Signer(certificate, key)


def _register(folder: Path, kind: str, product: str, made: x509.Certificate) -> None:
    line = {
        "serial": f"{made.serial_number:x}",
        "kind": kind,
        "product": product,
        "subject": made.subject.rfc4514_string({NameOID.SURNAME: "S"}),
        "until": made.not_valid_after_utc.isoformat(),
    }
    try:
        with (folder / REGISTER).open("a") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise ComponentError(f"file {folder / REGISTER}", error.strerror or "") from error


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write(path: Path, data: bytes, mode: int) -> None:
    """Create or replace a file that never, not even for a moment, has wider rights than `mode`.

    Raises:
        ComponentError: it cannot be written.

    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ComponentError(f"file {path}", error.strerror or "") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ComponentError(f"file {path}", error.strerror or "") from error


def now() -> datetime:
    """Return the present time in UTC, in whole seconds as certificates count."""
    return datetime.now(UTC).replace(microsecond=0)
