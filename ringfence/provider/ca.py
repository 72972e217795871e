"""The provider's certificate authority: one root for servers, another for devices.

Server root -> issuing CA -> servers; client root -> devices. A device certificate so can never
pass for a server. Everything here computes and writes files: in a program with an event loop
call it in a thread, because an RSA key takes some 50 ms.
Source: chapter, Get a Signed Server Certificate; rulings 7, 8.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID
from msgspec import Struct

from ringfence.errors import ConfigError
from ringfence.provider import audit, products
from ringfence.provider import request as requests
from ringfence.provider.authority import CLIENT_ROOT, SERVER_CA, SERVER_ROOT, certificate, signer
from ringfence.provider.certificates import (
    YEAR,
    Digest,
    KeyKind,
    builder,
    distinguished,
    key_pem,
    leaf,
    new_key,
    pem,
    signed,
)
from ringfence.provider.files import locked, read, write
from ringfence.provider.identity import GENERIC, DeviceIdentity, hardware_address
from ringfence.provider.register import Entry, record
from ringfence.provider.request import PublicKey
from ringfence.provider.revocation import LARGEST as LARGEST_LIST

DEVICE_YEARS = 20
GENERIC_S = "ciscogeneric"
"""S of a generic certificate, where an individual one has a MAC address (PRV-14)."""

EXPORTS = {"provider-root.crt": SERVER_ROOT, "spacroot.crt": CLIENT_ROOT}
"""`{file: whose certificate}`: the first goes into phones, the second into HTTPS servers."""
LISTS = {
    "provider-bundle.pem": (f"{SERVER_ROOT}.crt", f"{SERVER_ROOT}.crl", f"{SERVER_CA}.crl"),
    "spacroot.crl": (f"{CLIENT_ROOT}.crl",),
}
"""`{file: what is in it}`: the first for the phones' custom CA, the second for HTTPS servers."""


class Issued(Struct, frozen=True):
    """A certificate and what belongs to it, as PEM."""

    certificate: bytes
    """The certificate, then its issuing CA where that is not a root."""
    key: bytes | None
    """None where the key is its owner's."""
    warnings: tuple[str, ...] = ()
    """What its owner should know, in words."""


class Terms(Struct, frozen=True):
    """On what terms a request is signed."""

    duration: timedelta
    product: str = products.DEFAULT
    """The phones that the server is for: a family of the list, or one of its models."""
    digest: Digest = Digest.SHA256
    legacy: bool = False
    """Whether SHA-1, MD5 and RSA keys of 1024 bits are allowed (rulings 8)."""
    asked_by: str = ""
    """Who asked for it, for the audit log; empty where that is who runs the program."""


class Enrolment(Struct, frozen=True):
    """Which phone gets a certificate, and on what terms."""

    device: DeviceIdentity
    kind: str
    """`device`, `generic` or `custom`, as the register says."""
    duration: timedelta
    asked_by: str = ""


def issue_device(
    folder: Path,
    device: DeviceIdentity,
    now: datetime,
    kind: KeyKind = KeyKind.RSA,
    passphrase: bytes = b"",
) -> Issued:
    """Return a new key and its certificate for one phone: OU product, L serial, S MAC.

    S is the surname, which is what a CGI sees as `S` (rulings 7). `GENERIC` gets the
    certificate that many phones share, which names none of them (PRV-14).

    Raises:
        ConfigError: product, serial number or MAC address is not usable.
        ComponentError: the authority cannot be read or written.

    """
    key = new_key(kind)
    kind_of = "generic" if device.generic else "device"
    terms = Enrolment(device, kind_of, DEVICE_YEARS * YEAR)
    made = certify(folder, key.public_key(), terms, now, passphrase)
    return Issued(pem(made), key_pem(key))


def certify(
    folder: Path, key: PublicKey, terms: Enrolment, now: datetime, passphrase: bytes = b""
) -> x509.Certificate:
    """Return a certificate for a phone whose key is its own.

    Raises:
        ConfigError: product, serial number or MAC address is not usable.
        ComponentError: the authority cannot be read or written.

    """
    device = terms.device
    subject, names = _generic() if device.generic else _individual(device)
    with locked(folder):
        issuer = signer(folder, CLIENT_ROOT, passphrase)
        made = builder(subject, key, issuer.certificate, (now, terms.duration))
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), False)
        certificate = signed(leaf(made, key, Usage.CLIENT_AUTH), issuer.key)
        book(folder, entry(terms.kind, device.product, certificate), now, terms.asked_by)
    return certificate


def sign(
    folder: Path, request: bytes, terms: Terms, now: datetime, passphrase: bytes = b""
) -> Issued:
    """Return the certificate for a server's signing request.

    Subject and names are the request's; without a SAN the host of the CN becomes one, which
    today's clients demand. The register keeps the product.

    Raises:
        ConfigError: the request will not do, the product is not on the list, the terms are weak
            without `legacy`, or `duration` is longer than the issuing CA lives.
        ComponentError: the authority cannot be read or written.

    """
    family = products.product(terms.product)
    if terms.digest.weak and not terms.legacy:
        reason = f"{terms.digest.value} is weak, and phones refuse it at their default TLS level"
        raise ConfigError("hash", reason, "use sha256; or --legacy for old phones")
    asked = requests.read(request, legacy=terms.legacy)
    with locked(folder):
        issuer = signer(folder, SERVER_CA, passphrase)
        last = issuer.certificate.not_valid_after_utc
        if not timedelta() < terms.duration <= last - now:
            reason = f"the issuing CA ends on {last.date()}"
            raise ConfigError("duration", reason, "choose a shorter one")
        made = builder(asked.subject, asked.key, issuer.certificate, (now, terms.duration))
        made = made.add_extension(x509.SubjectAlternativeName(asked.names), False)
        made = leaf(made, asked.key, Usage.SERVER_AUTH)
        certificate = signed(made, issuer.key, terms.digest)
        line = entry("server", family.name, certificate, terms.digest)
        book(folder, line, now, terms.asked_by)
    notes = tuple(f"not in the certificate: {what}" for what in asked.left_out)
    weak = _weakness(asked, terms.digest)
    return Issued(pem(certificate) + pem(issuer.certificate), None, weak + notes)


def exported(folder: Path) -> dict[str, bytes]:
    """Return `{file: contents}` of what is public: the roots, and the CRLs where there are some.

    Raises:
        ComponentError: the authority cannot be read.

    """
    with locked(folder):
        for whose in EXPORTS.values():
            certificate(folder / f"{whose}.crt")  # what is damaged is given to nobody
        files = {name: read(folder / f"{whose}.crt") for name, whose in EXPORTS.items()}
        for name, parts in LISTS.items():
            if all((folder / part).exists() for part in parts):
                files[name] = b"".join(read(folder / part, LARGEST_LIST) for part in parts)
    return files


def export(folder: Path, to: Path) -> list[Path]:
    """Write what is public into `to`.

    Raises:
        ComponentError: the authority cannot be read, or `to` not written.

    """
    files = exported(folder)
    for name, contents in files.items():
        write(to / name, contents, 0o644)
    return [to / name for name in files]


def now() -> datetime:
    """Return the present time in UTC, in whole seconds as certificates count."""
    return datetime.now(UTC).replace(microsecond=0)


def _individual(device: DeviceIdentity) -> tuple[x509.Name, list[x509.GeneralName]]:
    product, serial = _field("product", device.product), _field("serial number", device.serial)
    try:
        mac = hardware_address(device.mac)
    except ValueError as error:
        raise ConfigError("MAC address", str(error)) from None
    subject = distinguished(
        {
            NameOID.ORGANIZATIONAL_UNIT_NAME: product,
            NameOID.LOCALITY_NAME: serial,
            NameOID.SURNAME: mac,
            NameOID.COMMON_NAME: f"{product}-SEP{mac.upper()}"[:64],
        }
    )
    name = x509.UniformResourceIdentifier(f"urn:dev:mac:{mac[:6]}fffe{mac[6:]}")  # RFC 9039
    return subject, [name]


def _generic() -> tuple[x509.Name, list[x509.GeneralName]]:
    subject = {
        NameOID.ORGANIZATIONAL_UNIT_NAME: GENERIC.product,
        NameOID.LOCALITY_NAME: GENERIC.serial,
        NameOID.SURNAME: GENERIC_S,
    }
    return distinguished(subject), []


def _weakness(asked: requests.Request, digest: Digest) -> tuple[str, ...]:
    """Return what to say to the owner of a weak certificate."""
    weak = [digest.value.upper()] * digest.weak + [requests.describe_key(asked.key)] * asked.weak
    if not weak:
        return ()
    return (
        f"{' and '.join(weak)}: a phone at its default TLS level refuses this certificate;"
        " it believes it only with @SECLEVEL=0 in TLS_Cipher_List",
    )


def _field(what: str, text: str) -> str:
    if not (text and len(text) <= 48 and text.isascii() and text.isprintable()):
        raise ConfigError(what, "needs 1 to 48 printable ASCII characters")
    return text


def book(folder: Path, line: Entry, now: datetime, asked_by: str = "") -> None:
    """Log and record a new certificate before anyone has it. The folder is locked.

    Raises:
        ComponentError: the log or the book cannot be written; then nobody may have it.

    """
    about = {name: getattr(line, name) for name in ("serial", "kind", "product", "subject")}
    about |= {"digest": line.digest, "until": f"{line.until:%Y-%m-%d}"}
    audit.record(folder, audit.ISSUED, now, about | ({"asked by": asked_by} if asked_by else {}))
    record(folder, line)


def entry(kind: str, product: str, made: x509.Certificate, digest: Digest = Digest.SHA256) -> Entry:
    """Return the line of the register for a certificate."""
    return Entry(
        serial=f"{made.serial_number:x}",
        kind=kind,
        product=product,
        subject=made.subject.rfc4514_string({NameOID.SURNAME: "S"}),
        until=made.not_valid_after_utc,
        digest=digest.value,
    )
