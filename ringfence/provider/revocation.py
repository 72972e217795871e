"""Certificates that count no more, and the lists that say so.

Source: RFC 5280 sections 5 and 6.3.
"""

import logging
import os
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import audit
from ringfence.provider.authority import (
    CLIENT_ROOT,
    SERVER_CA,
    SERVER_ROOT,
    Signer,
    certificate,
    signer,
)
from ringfence.provider.files import locked, pem_problem, read, write
from ringfence.provider.register import Entry, Revocation, issued, record, revoked

logger = logging.getLogger(__name__)

LARGEST = 64 << 20
"""Bytes of a list: about a million revoked certificates."""

CURRENT = timedelta(days=30)
"""How long a list counts; phones that hold an older one refuse every server."""

Lists = dict[str, x509.CertificateRevocationList]

_KINDS: dict[str, tuple[str, ...]] = {
    SERVER_ROOT: (),
    SERVER_CA: ("server",),
    CLIENT_ROOT: ("device", "generic", "custom"),
}
"""`{issuer: kinds of certificates that it issued}`; each list is of one issuer."""


def revoke(folder: Path, serial: str, reason: str, now: datetime, passphrase: bytes = b"") -> Entry:
    """Take back a certificate by its serial number, hexadecimal; return what it was.

    The lists are made anew at once, current for as long as `CURRENT` says.

    Raises:
        ConfigError: this authority did not issue it, or it is revoked already.
        ComponentError: the authority cannot be read or written; then nothing is revoked.

    """
    with locked(folder):
        entry = next((held for held in issued(folder) if held.serial == serial), None)
        if entry is None:
            known = "`ringfence ca list` shows what it issued"
            raise ConfigError("certificate", f"this authority issued none with {serial}", known)
        if already := revoked(folder).get(serial):
            said = f"is revoked since {already.at:%Y-%m-%d %H:%M} UTC ({already.reason})"
            raise ConfigError(f"certificate {serial}", said)
        signers = _signers(folder, passphrase)
        about = {"serial": serial, "reason": reason, "subject": entry.subject}
        audit.record(folder, audit.REVOKED, now, about)
        record(folder, Revocation(serial, now, reason))
        _renew(folder, signers, (now, CURRENT))
    return entry


def renew(
    folder: Path, now: datetime, current: timedelta = CURRENT, passphrase: bytes = b""
) -> Lists:
    """Make new lists of all that is revoked; return `{issuer: list}`. Each is in ISSUER.crl.

    Raises:
        ConfigError: an issuer ends before the list would.
        ComponentError: the authority cannot be read or written.

    """
    with locked(folder):
        return _renew(folder, _signers(folder, passphrase), (now, current))


def crl_number(held: x509.CertificateRevocationList) -> int:
    """Return the number of a list; 0 where it has none."""
    try:
        return held.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def crl(path: Path, issuer: x509.Certificate | None = None) -> x509.CertificateRevocationList:
    """Return the list in a file, which `issuer` signed where one is given.

    Raises:
        ComponentError: it cannot be read, or someone else signed it.

    """
    try:
        held = x509.load_pem_x509_crl(read(path, LARGEST))
    except ValueError as error:
        raise ComponentError(f"file {path}", f"is no CRL: {pem_problem(error)}") from None
    if issuer is not None:
        key = issuer.public_key()
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise ComponentError(f"file {path}", "its issuer has a key that signs no lists")
        if not held.is_signature_valid(key):
            raise ComponentError(f"file {path}", "is not a list of this authority")
    return held


class Revoked:
    """Serial numbers on the list in a file; a changed file counts at the next question.

    A list that cannot be read any more, or is another's, leaves the last good one in force, and
    so does one that is gone: what was revoked never comes back by accident.

    Raises:
        ComponentError: the list that is there at first, or its issuer, cannot be read.

    """

    def __init__(self, path: Path, issuer: Path) -> None:
        self._path = path
        self._issuer = certificate(issuer)
        self._name = str(path)
        self._stamp = _stamp(self._name)
        self._held = crl(path, self._issuer) if self._stamp else None

    def holds(self, serial: int) -> bool:
        """Return whether a serial number is on the list."""
        stamp = _stamp(self._name)
        if stamp and stamp != self._stamp:
            self._stamp = stamp
            try:
                self._held = crl(self._path, self._issuer)
                logger.info("provider.revoked: %d certificates", len(self._held))
            except (ComponentError, ConfigError) as error:
                logger.error("provider.revoked: the last good list stays in force: %s", error)
        return bool(self._held and self._held.get_revoked_certificate_by_serial_number(serial))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        held = os.stat(path)
    except OSError:
        return None
    return held.st_ino, held.st_mtime_ns, held.st_size


def _signers(folder: Path, passphrase: bytes) -> dict[str, Signer]:
    return {name: signer(folder, name, passphrase) for name in _KINDS}


def _renew(folder: Path, signers: dict[str, Signer], span: tuple[datetime, timedelta]) -> Lists:
    back = revoked(folder)
    kinds = {entry.serial: entry.kind for entry in issued(folder)}
    made = {}
    for name, belonging in _KINDS.items():
        lines = [line for serial, line in back.items() if kinds.get(serial) in belonging]
        number = _number(folder / f"{name}.crl") + 1
        made[name] = _list(signers[name], lines, number, span)
    for name, whole in made.items():
        write(folder / f"{name}.crl", whole.public_bytes(Encoding.PEM), 0o644)
    return made


def _number(path: Path) -> int:
    return crl_number(crl(path)) if path.exists() else 0


def _list(
    issuer: Signer, lines: list[Revocation], number: int, span: tuple[datetime, timedelta]
) -> x509.CertificateRevocationList:
    now, current = span
    if now + current > issuer.certificate.not_valid_after_utc:
        last = issuer.certificate.not_valid_after_utc.date()
        raise ConfigError("days", f"the authority ends on {last}", "choose fewer")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now)
        .next_update(now + current)
        .add_extension(x509.CRLNumber(number), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False
        )
    )
    for line in lines:
        builder = builder.add_revoked_certificate(_revoked(line))
    return builder.sign(issuer.key, hashes.SHA256())


def _revoked(line: Revocation) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(int(line.serial, 16))
        .revocation_date(line.at)
    )
    reason = x509.ReasonFlags(line.reason)
    if reason is not x509.ReasonFlags.unspecified:  # RFC 5280 5.3.1: then leave it out
        builder = builder.add_extension(x509.CRLReason(reason), False)
    return builder.build()
