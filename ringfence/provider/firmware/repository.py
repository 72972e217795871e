"""The TUF repository that phones take images from: one folder of files for any web server.

Four keys, one for each role, lie with those of the authority. Everything is written under a new
name; `timestamp.json` alone is replaced, last, and phones go by it.
Source: TUF specification 1.0, sections 3 and 6.2 (consistent snapshots).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import audit, authority
from ringfence.provider.certificates import key_pem
from ringfence.provider.files import locked, read, write

ROLES = ("root", "targets", "snapshot", "timestamp")
ROOT = "root.json"
"""What phones are given: whom they believe."""
TIMESTAMP = "timestamp.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
LIFE = {"root": 3650, "targets": 365, "snapshot": 365}
"""Days that the metadata of a role count; those of the timestamp are chosen."""
LARGEST = 64 << 20
"""Bytes of a file that is published."""


class Offer(Struct, frozen=True):
    """A file for phones."""

    name: str
    data: bytes
    kind: str
    """`phone` or `headset`."""
    version: str


class Keys(Struct, frozen=True):
    """The keys of an authority, and what opens them."""

    folder: Path
    passphrase: bytes


def publish(
    folder: Path, keys: Keys, offers: Sequence[Offer], now: datetime, days: int
) -> Mapping[str, str]:
    """Sign files and everything that was published before; return `{name: version}` of all.

    Until `days` are over it must be done again, with or without a new file. Versions of metadata
    are the second in which they were signed, so that a folder that is lost and made anew is
    still newer than what phones have seen.

    Raises:
        ConfigError: a name cannot stand in a URL, or there was no file yet and is none now.
        ComponentError: what was published before is not what these keys signed; or a file or a
            key cannot be read or written.

    """
    for offer in offers:
        if not NAME.fullmatch(offer.name) or offer.name.endswith(".json"):
            reason = f"{offer.name[:80]!r} cannot be published"
            raise ConfigError("name", reason, "use letters, digits, . _ and -; .json is taken")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(keys.folder), locked(folder):
        signers = {role: _signer(keys, role) for role in ROLES}
        root = _root(folder, signers, now)
        last, targets = _published(folder, root)
        for offer in offers:
            file = TargetFile.from_data(offer.name, offer.data, ["sha256"])
            file.unrecognized_fields["custom"] = {"kind": offer.kind, "version": offer.version}
            targets[offer.name] = file
            write(folder / f"{file.hashes['sha256']}.{offer.name}", offer.data, 0o644)
        if not targets:
            raise ConfigError("FILE", "nothing was published yet", "name an image")
        _write(folder, max(int(now.timestamp()), last + 1), signers, targets, (now, days))
        told = {name: _version(file) for name, file in targets.items()}
        audit.record(keys.folder, "images signed", now, told)
    return told


def _write(
    folder: Path,
    number: int,
    signers: Mapping[str, CryptoSigner],
    targets: dict[str, TargetFile],
    span: tuple[datetime, int],
) -> None:
    """Write metadata of all roles but the root's, the timestamp's last."""
    now, days = span
    ends = {role: now + timedelta(days=LIFE[role]) for role in LIFE}
    parts: dict[str, Signed] = {
        "targets": Targets(number, expires=ends["targets"], targets=targets),
        "snapshot": Snapshot(
            number, expires=ends["snapshot"], meta={"targets.json": MetaFile(number)}
        ),
        "timestamp": Timestamp(
            number, expires=now + timedelta(days=days), snapshot_meta=MetaFile(number)
        ),
    }
    for role, part in parts.items():
        name = TIMESTAMP if role == "timestamp" else f"{number}.{role}.json"
        write(folder / name, _signed(part, signers[role]), 0o644)


def _signed(part: Any, signer: CryptoSigner) -> bytes:
    whole = Metadata(part)
    whole.sign(signer)
    return bytes(whole.to_bytes())


def _signer(keys: Keys, role: str) -> CryptoSigner:
    """Return what signs for a role; its key is made when it is asked for the first time."""
    name = f"firmware-{role}"
    path = keys.folder / f"{name}.key"
    if not path.exists():
        for other in authority.keys(keys.folder):
            authority.key(keys.folder, other, keys.passphrase)  # one passphrase opens them all
        made = Ed25519PrivateKey.generate()
        write(path, key_pem(made, keys.passphrase), 0o600)
    found = authority.key(keys.folder, name, keys.passphrase)
    if not isinstance(found, Ed25519PrivateKey):
        raise ComponentError(f"authority {keys.folder}", f"{name}: not an Ed25519 key")
    return CryptoSigner(found)


def _root(folder: Path, signers: Mapping[str, CryptoSigner], now: datetime) -> Root:
    """Return the root, which is made where there is none; it must name the keys."""
    path = folder / ROOT
    if not path.exists():
        made = Root(expires=now + timedelta(days=LIFE["root"]), consistent_snapshot=True)
        for role, signer in signers.items():
            made.add_key(signer.public_key, role)
        data = _signed(made, signers["root"])
        write(folder / "1.root.json", data, 0o644)
        write(path, data, 0o644)
    held = _load(path)
    root = held.signed
    named = isinstance(root, Root) and all(
        root.roles[role].keyids == [signer.public_key.keyid] for role, signer in signers.items()
    )
    if not isinstance(root, Root) or not named:
        raise ComponentError(f"file {path}", "is of other keys than this authority's")
    return root


def _published(folder: Path, root: Root) -> tuple[int, dict[str, TargetFile]]:
    """Return what is published, as these keys signed it and not as somebody left it.

    The number is the version of its metadata, 0 where nothing is published.
    """
    if not (folder / TIMESTAMP).exists():
        return 0, {}
    newest = _load(folder / TIMESTAMP)
    number = newest.signed.snapshot_meta.version if isinstance(newest.signed, Timestamp) else 0
    path = folder / f"{number}.targets.json"
    held = _load(path)
    try:
        root.verify_delegate("timestamp", newest.signed_bytes, newest.signatures)
        root.verify_delegate("targets", held.signed_bytes, held.signatures)
    except (RepositoryError, ValueError) as error:
        raise ComponentError(f"folder {folder}", f"was not signed here: {error}") from None
    return number, dict(held.signed.targets) if isinstance(held.signed, Targets) else {}


def _load(path: Path) -> Metadata[Any]:
    try:
        return Metadata.from_bytes(read(path))
    except RepositoryError as error:
        raise ComponentError(f"file {path}", f"is no metadata: {error}") from None


def _version(file: TargetFile) -> str:
    return str(file.unrecognized_fields.get("custom", {}).get("version", ""))
