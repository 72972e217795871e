"""Images as the provider builds and signs them."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.errors import ComponentError, ConfigError
from ringfence.policy import image
from ringfence.policy.image import Manifest
from ringfence.provider import authority
from ringfence.provider.firmware.build import archive
from ringfence.provider.firmware.repository import Keys, Offer, publish

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MANIFEST = Manifest(1, "ringfence", "0.2.0", ">=3.11", ("aiohttp>=3.14",))
PASSPHRASE = b"correct horse battery staple"
IMAGE = Offer("new.pyz", b"an image", "phone", "0.2.0")
ARCHIVE = """\
import sys
from pathlib import Path
from ringfence.policy.image import Manifest
from ringfence.provider.firmware.build import archive
manifest = Manifest(1, "ringfence", "0.2.0", ">=3.11", ("aiohttp>=3.14",))
sys.stdout.buffer.write(archive(Path(sys.argv[1]), manifest))
"""

ASK = """\
import sys
sys.path.insert(0, sys.argv[1])
import ringfence.part.words as words
print(words.__file__, words.known("word 7"))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "ringfence"
    (folder / "part" / "__pycache__").mkdir(parents=True)
    (folder / "__init__.py").write_text('__version__ = "0.2.0"\n')
    (folder / "part" / "__init__.py").write_text("")
    words = ", ".join(f'"word {n}"' for n in range(50))
    (folder / "part" / "words.py").write_text(f"def known(word):\n    return word in {{{words}}}\n")
    (folder / ".cache").write_text("")
    (folder / "part" / "page.html").write_text("<p>")
    (folder / "part" / "__pycache__" / "words.cpython-311.pyc").write_bytes(b"old")
    return folder


def test_the_same_sources_give_the_same_image(package: Path) -> None:
    made = archive(package, MANIFEST)
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    words = [sys.executable, "-c", ARCHIVE, str(package)]
    other = subprocess.run(words, capture_output=True, check=True, env=environment).stdout
    assert other == made


def test_an_image_has_sources_bytecode_and_a_manifest_and_runs(package: Path) -> None:
    data = archive(package, MANIFEST)
    assert image.read(data) == MANIFEST
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert made.namelist() == [
            "__main__.py",
            "manifest.json",
            *("ringfence/__init__.pyc", "ringfence/__init__.py"),
            *("ringfence/part/__init__.pyc", "ringfence/part/__init__.py"),
            "ringfence/part/page.html",
            *("ringfence/part/words.pyc", "ringfence/part/words.py"),
        ]
    path = package.parent / "new.pyz"
    path.write_bytes(data)
    words = [sys.executable, "-I", "-c", ASK, str(path)]
    said = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    assert said == f"{path}/ringfence/part/words.pyc True\n"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "other"}, "an image of 'other', schema 1"),
        ({"schema": 2}, "an image of 'ringfence', schema 2"),
        ({"version": 3}, "Expected `str`, got `int`"),
        ({"requires": ["x"] * 300}, "more than 256 requirements"),
        ({"version": "9" * (1 << 17)}, "more than 64 KiB"),
        (None, "manifest.json is missing"),
    ],
)
def test_an_image_with_another_manifest_is_none(
    package: Path, changes: dict[str, object] | None, reason: str
) -> None:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive(package, MANIFEST))) as old,
        zipfile.ZipFile(made, "w") as new,
    ):
        for entry in old.infolist():
            if entry.filename != image.MANIFEST:
                new.writestr(entry, old.read(entry))
            elif changes is not None:
                held = json.loads(old.read(entry)) | changes
                new.writestr(entry, json.dumps(held))
    with pytest.raises(ValueError, match=r"manifest\.json") as refused:
        image.read(made.getvalue())
    assert reason in str(refused.value)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    (tmp_path / "ca").mkdir()
    return Keys(tmp_path / "ca", PASSPHRASE)


def timestamp(folder: Path) -> dict[str, object]:
    held: dict[str, object] = json.loads((folder / "timestamp.json").read_text())["signed"]
    return held


def test_what_was_published_stays_and_is_signed_anew(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "firmware"
    assert publish(folder, keys, [IMAGE], NOW, 30) == {"new.pyz": "0.2.0"}
    first = timestamp(folder)
    assert first["expires"] == "2026-12-23T00:00:00Z"
    later = NOW + timedelta(days=20)
    second = Offer("second.pyz", b"another", "phone", "0.3.0")
    told = publish(folder, keys, [second], later, 10)
    assert told == {"new.pyz": "0.2.0", "second.pyz": "0.3.0"}
    assert timestamp(folder)["expires"] == "2026-12-23T00:00:00Z"
    assert publish(folder, keys, [], later, 30) == told
    versions = [first["version"], timestamp(folder)["version"]]
    assert versions == [int(NOW.timestamp()), int(later.timestamp()) + 1]


def test_a_folder_that_is_lost_and_made_anew_is_newer(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "firmware"
    publish(folder, keys, [IMAGE], NOW, 30)
    before = timestamp(folder)["version"]
    shutil.rmtree(folder)
    publish(folder, keys, [IMAGE], NOW + timedelta(days=1), 30)
    assert timestamp(folder)["version"] == int(str(before)) + 86400


def test_what_somebody_else_left_in_the_folder_is_not_signed(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "firmware"
    publish(folder, keys, [IMAGE], NOW, 30)
    (path,) = folder.glob("*.targets.json")
    path.write_text(path.read_text().replace("0.2.0", "6.6.6"))
    with pytest.raises(ComponentError, match="was not signed here"):
        publish(folder, keys, [], NOW, 30)
    (tmp_path / "other").mkdir()
    with pytest.raises(ComponentError, match="is of other keys than this authority's"):
        publish(folder, Keys(tmp_path / "other", PASSPHRASE), [], NOW, 30)


def test_keys_are_encrypted_as_the_authoritys_are(tmp_path: Path, keys: Keys) -> None:
    folder = tmp_path / "firmware"
    publish(folder, keys, [IMAGE], NOW, 30)
    names = [f"firmware-{role}" for role in ("root", "targets", "snapshot", "timestamp")]
    assert authority.keys(keys.folder) == names
    assert authority.needs_passphrase(keys.folder)
    for name in names:
        path = keys.folder / f"{name}.key"
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    with pytest.raises(ComponentError, match="the passphrase is wrong"):
        publish(folder, Keys(keys.folder, b"another passphrase"), [], NOW, 30)
    assert authority.encrypt(keys.folder, b"a new passphrase", NOW, PASSPHRASE) == names
    publish(folder, Keys(keys.folder, b"a new passphrase"), [], NOW, 30)


def test_the_first_key_takes_the_passphrase_of_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    authority.create(folder, "Telco", NOW, PASSPHRASE)
    with pytest.raises(ComponentError, match="the passphrase is wrong"):
        publish(tmp_path / "firmware", Keys(folder, b"something else"), [IMAGE], NOW, 30)
    assert not list(folder.glob("firmware-*"))


@pytest.mark.parametrize("name", ["", "../x", "a b", "new.json", ".hidden", "x" * 200, "a/b"])
def test_a_name_that_cannot_stand_in_a_url_is_refused(
    tmp_path: Path, keys: Keys, name: str
) -> None:
    offer = Offer(name, b"", "phone", "1")
    with pytest.raises(ConfigError, match="cannot be published"):
        publish(tmp_path / "firmware", keys, [offer], NOW, 30)


def test_the_commands_refuse_what_is_no_image_and_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ca").mkdir()
    file = tmp_path / "x.pyz"
    file.write_text("#!/bin/sh\n")
    where = ["--dir", str(tmp_path / "fw"), "--ca-dir", str(tmp_path / "ca")]
    assert main(["provider", "firmware", "publish", str(file), *where]) == 1
    assert "is no archive that can be read" in capsys.readouterr().err
    assert main(["provider", "firmware", "publish", *where]) == 1
    assert "nothing was published yet; name an image" in capsys.readouterr().err
    assert main(["provider", "firmware", "publish", *where, "--days", "0"]) == 1
    assert "0 is not between 1 and 365" in capsys.readouterr().err
