"""Images for tests: the real one, changed where a test needs it, and signed as a provider does."""

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from ringfence.policy.image import MANIFEST
from ringfence.provider.firmware.build import build
from ringfence.provider.firmware.repository import Keys, Offer, publish

PASSPHRASE = b"correct horse battery staple"
VERSION = "ringfence/__init__.py"


@cache
def real() -> bytes:
    """Return an image of the code under test."""
    return build()[1]


def image(
    version: str, files: Mapping[str, str] = {}, manifest: Mapping[str, object] = {}
) -> bytes:
    """Return the image as another version, with other members and another manifest."""
    changed = {name: text.encode() for name, text in files.items()}
    changed.setdefault(VERSION, f'"""Ringfence."""\n\n__version__ = "{version}"\n'.encode())
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(real())) as old, zipfile.ZipFile(made, "w") as new:
        held = json.loads(old.read(MANIFEST)) | {"version": version} | dict(manifest)
        changed[MANIFEST] = json.dumps(held).encode()
        for entry in old.infolist():
            if entry.filename in changed:
                new.writestr(entry.filename, changed[entry.filename])
            elif entry.filename.removesuffix("c") not in changed:
                new.writestr(entry, old.read(entry))
    return made.getvalue()


def source(name: str) -> str:
    """Return a source of the code under test."""
    with zipfile.ZipFile(io.BytesIO(real())) as made:
        return made.read(name).decode()


class Publisher:
    """Keys that sign images into a folder."""

    def __init__(self, ca: Path) -> None:
        self.ca = ca
        ca.mkdir()

    def publish(
        self, folder: Path, data: bytes, version: str = "9.9", kind: str = "phone", age: int = 0
    ) -> None:
        """Sign a file as new.pyz, `age` days ago."""
        keys, then = Keys(self.ca, PASSPHRASE), datetime.now(UTC) - timedelta(days=age)
        publish(folder, keys, [Offer("new.pyz", data, kind, version)], then, 30)

    def trust(self, folder: Path, state: Path) -> None:
        """Have a phone believe what is published in a folder."""
        shutil.copy(folder / "root.json", state / "firmware-root.json")
