"""The authority's own keys and certificates: made once, all or none."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import audit
from ringfence.provider.certificates import (
    Key,
    KeyKind,
    builder,
    distinguished,
    key_pem,
    new_key,
    pem,
    signed,
    usage,
)
from ringfence.provider.files import failure, locked, pem_problem, read, settle, write

SERVER_ROOT, SERVER_CA, CLIENT_ROOT = "server-root", "server-ca", "client-root"
SHORTEST = 8
"""Characters of a passphrase."""

SCEP_RA = "scep-ra"
"""Answers SCEP requests for the client root, which may sign but not decipher."""
FIRMWARE = tuple(f"firmware-{role}" for role in ("root", "targets", "snapshot", "timestamp"))
"""Sign images for phones, each in its role of TUF; no certificate belongs to them."""
KEYS = (SERVER_ROOT, SERVER_CA, CLIENT_ROOT, SCEP_RA, *FIRMWARE)

_YEAR = timedelta(days=365)
_MADE = (
    (SERVER_ROOT, None, 25 * _YEAR, "Server Root"),
    (SERVER_CA, SERVER_ROOT, 15 * _YEAR, "Server Issuing CA"),
    (CLIENT_ROOT, None, 25 * _YEAR, "Client Root"),
)
"""Name, issuer, life and title of each certificate of an authority."""


class Signer(Struct, frozen=True):
    """A certificate of the authority, and its key."""

    certificate: x509.Certificate
    key: Key


def create(folder: Path, owner: str, now: datetime, passphrase: bytes = b"") -> None:
    """Make the roots and the issuing CA of `owner` in a folder, which appears when all is done.

    Whoever interrupts this leaves no folder; what is left beside it goes at the next attempt.

    Raises:
        ConfigError: the owner cannot stand in a certificate, or the passphrase is too short.
        ComponentError: the folder holds something already, or cannot be written.

    """
    if not (0 < len(owner) <= 64 and owner.isprintable() and owner.strip()):
        raise ConfigError("owner", "needs 1 to 64 printable characters")
    _must_be_long(passphrase)
    _must_be_free(folder)
    aside = folder.with_name(f".{folder.name}.new")
    try:
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(aside, wait=False):
            try:
                for left in aside.iterdir():
                    left.unlink()
                _fill(aside, owner, now, passphrase)
                audit.record(aside, audit.INIT, now, _about(owner, passphrase))
                _must_be_free(folder)
                aside.rename(folder)
            except BaseException:
                shutil.rmtree(aside, ignore_errors=True)
                raise
        settle(folder.parent)
    except OSError as error:
        raise failure(folder, error, "folder") from error


def encrypt(folder: Path, passphrase: bytes, now: datetime, old: bytes = b"") -> list[str]:
    """Encrypt every key with a passphrase; return the names of those that were not yet.

    `old` opens keys that have another one. Every key is whole at any moment; whoever is
    interrupted asks again, with the same words.

    Raises:
        ConfigError: the passphrase is too short.
        ComponentError: a key cannot be opened, which changes none; or written.

    """
    _must_be_long(passphrase or b"-")
    with locked(folder):
        changed = {}
        for name in keys(folder):
            whole = read(folder / f"{name}.key")
            if not _opens(whole, passphrase):
                opener = old if is_encrypted(whole) else b""
                changed[name] = key_pem(key(folder, name, opener), passphrase)
        for name, text in changed.items():
            write(folder / f"{name}.key", text, 0o600)
        audit.record(folder, "keys encrypted", now, {"keys": " ".join(changed)})
    return list(changed)


def keys(folder: Path) -> list[str]:
    """Return the names of the keys that an authority has."""
    return [name for name in KEYS if (folder / f"{name}.key").exists()]


def needs_passphrase(folder: Path) -> bool:
    """Return whether a key of the authority is encrypted.

    Raises:
        ComponentError: a key cannot be read.

    """
    return any(is_encrypted(read(folder / f"{name}.key")) for name in keys(folder))


def is_encrypted(pem_text: bytes) -> bool:
    """Return whether a private key as PEM is encrypted."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem_text


def signer(folder: Path, name: str, passphrase: bytes = b"") -> Signer:
    """Return one certificate of the authority with its key.

    Raises:
        ComponentError: the authority cannot be read, or the passphrase is missing or wrong.

    """
    made = certificate(folder / f"{name}.crt")
    found = key(folder, name, passphrase)
    if isinstance(found, ed25519.Ed25519PrivateKey):
        raise ComponentError(f"authority {folder}", f"{name}: not a key of a certificate")
    return Signer(made, found)


def key(folder: Path, name: str, passphrase: bytes = b"") -> Key | ed25519.Ed25519PrivateKey:
    """Return one key of the authority.

    Raises:
        ComponentError: it cannot be read, or the passphrase is missing or wrong.

    """
    data = read(folder / f"{name}.key")
    try:
        found = load_pem_private_key(data, passphrase or None)
    except TypeError:
        open_ = "is not encrypted: leave --passphrase-file out, or `ringfence ca encrypt` first"
        what = open_ if passphrase else ""
        what = what or "is encrypted: say where its passphrase is with --passphrase-file"
        raise ComponentError(f"authority {folder}", f"{name}.key {what}") from None
    except ValueError as error:
        whole = data.rstrip().endswith(b" PRIVATE KEY-----")
        said = "the passphrase is wrong" if passphrase and whole else pem_problem(error)
        raise ComponentError(f"authority {folder}", f"{name}: {said}") from None
    kinds = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if not isinstance(found, kinds):
        raise ComponentError(f"authority {folder}", f"{name}: not a signing key")
    return found


def certificate(path: Path) -> x509.Certificate:
    """Return the first certificate in a PEM file.

    Raises:
        ComponentError: there is none.

    """
    try:
        return x509.load_pem_x509_certificate(read(path))
    except ValueError as error:
        raise ComponentError(f"file {path}", f"is no certificate: {pem_problem(error)}") from None


def _opens(whole: bytes, passphrase: bytes) -> bool:
    try:
        load_pem_private_key(whole, passphrase)
    except (ValueError, TypeError):
        return False
    return True


def _must_be_long(passphrase: bytes) -> None:
    if passphrase and len(passphrase) < SHORTEST:
        raise ConfigError("passphrase", f"is shorter than {SHORTEST} characters")


def _about(owner: str, passphrase: bytes) -> dict[str, str]:
    return {"owner": owner, "keys": "encrypted" if passphrase else "not encrypted"}


def _must_be_free(folder: Path) -> None:
    if (folder / f"{SERVER_ROOT}.crt").exists():
        raise ComponentError(f"folder {folder}", "holds a certificate authority already")
    if folder.is_dir() and not folder.is_symlink() and folder.resolve() != Path.cwd():
        if any(folder.iterdir()):
            raise ComponentError(f"folder {folder}", "is not empty; name a new one")
    elif os.path.lexists(folder):
        raise ComponentError(f"folder {folder}", "exists already; name a new one")


def _fill(folder: Path, owner: str, now: datetime, passphrase: bytes) -> None:
    for name, parent, life, title in _MADE:
        key = new_key(KeyKind.RSA)
        issuer = signer(folder, parent, passphrase) if parent else None
        subject = distinguished({NameOID.ORGANIZATION_NAME: owner, NameOID.COMMON_NAME: title})
        made = builder(
            subject, key.public_key(), issuer.certificate if issuer else None, (now, life)
        )
        made = made.add_extension(x509.BasicConstraints(True, 0 if parent else None), True)
        made = made.add_extension(usage("key_cert_sign", "crl_sign"), True)
        whole = signed(made, issuer.key if issuer else key)
        write(folder / f"{name}.key", key_pem(key, passphrase), 0o600)
        write(folder / f"{name}.crt", pem(whole), 0o644)
