"""An image: the whole of Ringfence as one zipapp, with a manifest of what it needs.

Who made it is not asked here; see `runtime.signed`.
"""

import io
import json
import zipfile
from collections.abc import Callable

import msgspec
from msgspec import Struct

MANIFEST = "manifest.json"
"""Member of the archive."""
START = "__main__.py"
"""Member that Python runs. Source: Python's documentation of zipapp."""
NAME = "ringfence"
SCHEMA = 1
LIMIT = 64 << 20
"""Bytes of an image."""
MANIFEST_LIMIT = 64 << 10
MEMBERS = 10_000
REQUIREMENTS = 256


class Manifest(Struct, frozen=True, forbid_unknown_fields=False):
    """What an image says of itself."""

    schema: int
    name: str
    version: str
    """As PEP 440 orders versions."""
    python: str
    """Specifier of the Python that it runs on, `>=3.11`."""
    requires: tuple[str, ...]
    """Packages that must be there, as PEP 508 writes them."""

    def encoded(self) -> bytes:
        """Return the manifest as it stands in an image."""
        return json.dumps(msgspec.to_builtins(self), indent=1).encode() + b"\n"


def read(data: bytes) -> Manifest:
    """Return the manifest of an image.

    Raises:
        ValueError: it is not an image; the message says why.

    """
    if len(data) > LIMIT:
        raise ValueError(f"has more than {LIMIT >> 20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > MEMBERS:
                raise ValueError(f"has more than {MEMBERS} members")
            if START not in names or MANIFEST not in names:
                raise ValueError(f"is no image of Ringfence: {START} or {MANIFEST} is missing")
            if archive.getinfo(MANIFEST).file_size > MANIFEST_LIMIT:
                raise ValueError(f"{MANIFEST} has more than {MANIFEST_LIMIT >> 10} KiB")
            text = archive.read(MANIFEST)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise ValueError(f"is no archive that can be read: {error}") from None
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{MANIFEST}: {error}") from None
    if (manifest.schema, manifest.name) != (SCHEMA, NAME):
        raise ValueError(
            f"{MANIFEST}: an image of {manifest.name[:40]!r}, schema {manifest.schema}"
        )
    if len(manifest.requires) > REQUIREMENTS:
        raise ValueError(f"{MANIFEST} has more than {REQUIREMENTS} requirements")
    return manifest


def lacking(manifest: Manifest, python: str, installed: Callable[[str], str | None]) -> list[str]:
    """Return what this machine lacks for an image, in words; `installed` knows versions by name.

    Raises:
        ValueError: a requirement cannot be read.

    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        found = []
        if not SpecifierSet(manifest.python).contains(python, prereleases=True):
            found.append(f"Python {manifest.python}, and this is {python}")
        for text in manifest.requires:
            wanted = Requirement(text)
            if wanted.marker is not None and not wanted.marker.evaluate():
                continue
            version = installed(wanted.name)
            if version is None:
                found.append(f"{wanted.name}{wanted.specifier}, which is not installed")
            elif not wanted.specifier.contains(version, prereleases=True):
                found.append(f"{wanted.name}{wanted.specifier}, and {version} is installed")
    except (InvalidRequirement, InvalidSpecifier) as error:
        raise ValueError(f"{MANIFEST}: {error}") from None
    return found


def older(version: str, limit: str) -> bool:
    """Return whether a version is older than another.

    Raises:
        ValueError: one of the two is not a version.

    """
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) < Version(limit)
    except InvalidVersion as error:
        raise ValueError(f"{error}".replace("Invalid version: ", "not a version: ")) from None
