"""SCEP requests without a password, until somebody decides on them.

Source: RFC 8894 section 3.3.2, PENDING.
"""

import hashlib
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.policy.certificate import printable
from ringfence.protocols import scep
from ringfence.provider import ca
from ringfence.provider.certificates import pem
from ringfence.provider.files import failure, locked, read, write

ISSUED, WAITING = "scep", "scep-waiting"
"""Folders of what was issued and of what waits, by transaction."""
MOST = 100
"""Requests that wait at once: whoever can reach the server can leave one."""


class Waiting(Struct, frozen=True):
    """A request that waits."""

    name: str
    """By which it is decided on."""
    request: x509.CertificateSigningRequest

    @property
    def subject(self) -> str:
        """Return whom it says it is for; nothing proves it."""
        return printable(self.request.subject.rfc4514_string())

    @property
    def key(self) -> str:
        """Return the digest of its key, which the phone's owner can compare."""
        held = self.request.public_key()
        return scep.transaction(held) if isinstance(held, rsa.RSAPublicKey) else ""


def name_of(transaction: str) -> str:
    """Return the name of a transaction, whatever a stranger wrote into it."""
    return hashlib.sha256(transaction.encode()).hexdigest()


def hold(folder: Path, name: str, request: x509.CertificateSigningRequest) -> bool:
    """Keep a request; return whether there was room.

    Raises:
        ComponentError: it cannot be written.

    """
    with locked(folder):
        path = folder / WAITING / f"{name}.csr"
        if not path.exists() and len(waiting(folder)) >= MOST:
            return False
        write(path, request.public_bytes(Encoding.PEM), 0o600)
    return True


def waiting(folder: Path) -> list[Waiting]:
    """Return the requests that wait, in the order of their names.

    Raises:
        ComponentError: one of them cannot be read.

    """
    found = []
    for path in sorted((folder / WAITING).glob("*.csr")):
        try:
            found.append(Waiting(path.stem, x509.load_pem_x509_csr(read(path))))
        except ValueError as error:
            raise ComponentError(f"file {path}", f"is damaged: {error}") from error
    return found


def take(folder: Path, prefix: str) -> Waiting:
    """Return the one request whose name begins with `prefix`.

    Raises:
        ConfigError: there is none, or more than one.

    """
    found = [one for one in waiting(folder) if one.name.startswith(prefix)] if prefix else []
    if len(found) != 1:
        reason = "none waits under this name" if not found else "several begin like this"
        raise ConfigError("request", reason, "`ringfence ca requests` lists them")
    return found[0]


def approve(
    folder: Path, one: Waiting, terms: ca.Enrolment, now: datetime, passphrase: bytes
) -> x509.Certificate:
    """Issue what a request asks for, to the phone that `terms` name; its next poll gets it.

    Raises:
        ConfigError: the phone is not usable.
        ComponentError: the authority cannot be read or written.

    """
    key = one.request.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ConfigError("request", "its key is not RSA")
    made = ca.certify(folder, key, terms, now, passphrase)
    write(folder / ISSUED / f"{one.name}.crt", pem(made), 0o644)
    refuse(folder, one)
    return made


def refuse(folder: Path, one: Waiting) -> None:
    """Forget a request.

    Raises:
        ComponentError: it cannot be removed.

    """
    path = folder / WAITING / f"{one.name}.csr"
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise failure(path, error) from error
