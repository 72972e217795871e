"""An authority is made whole or not at all, and opens to who has its passphrase."""

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import authority, ca
from ringfence.provider.files import locked
from ringfence.provider.identity import GENERIC

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FILES = [
    *("audit.jsonl", "client-root.crt", "client-root.key", "server-ca.crt", "server-ca.key"),
    *("server-root.crt", "server-root.key"),
]
DIES = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from ringfence.provider import authority

made, left = authority.new_key, [int(sys.argv[2])]

def key(kind):
    left[0] -= 1
    return made(kind) if left[0] else os.kill(os.getpid(), 9)

authority.new_key = key
authority.create(Path(sys.argv[1]), "Telco", datetime.now(UTC))
"""


def create(folder: Path, passphrase: bytes = b"") -> None:
    authority.create(folder, "Telco Test", NOW, passphrase)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("key", ["1", "2", "3"])
def test_an_init_that_is_killed_leaves_no_authority_and_can_be_repeated(
    tmp_path: Path, key: str
) -> None:
    folder = tmp_path / "ca"
    words = [sys.executable, "-c", DIES, str(folder), key]
    assert subprocess.run(words, capture_output=True, check=False).returncode == -9
    assert not folder.exists()
    create(folder)
    assert names(folder) == FILES
    assert names(tmp_path) == ["ca"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_init_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise ComponentError("file server-ca.key", "No space left on device")

    monkeypatch.setattr(authority, "write", full)
    with pytest.raises(ComponentError, match="No space"):
        create(tmp_path / "ca")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("authority", "holds a certificate authority already"),
        ("folder", "is not empty; name a new one"),
        ("file", "exists already; name a new one"),
        ("link", "exists already; name a new one"),
        ("here", "exists already; name a new one"),
    ],
)
def test_what_is_there_already_is_left_alone(
    tmp_path: Path, kind: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ca"
    if kind == "authority":
        create(folder)
    elif kind == "folder":
        (folder / "mine").mkdir(parents=True)
    elif kind == "file":
        folder.write_text("mine")
    elif kind == "link":
        folder.symlink_to(tmp_path / "nowhere")
    else:
        folder.mkdir()
        monkeypatch.chdir(folder)
    before = folder.lstat()
    with pytest.raises(ComponentError, match=reason):
        create(folder)
    assert folder.lstat().st_mtime_ns == before.st_mtime_ns
    assert names(tmp_path) == ["ca"]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    create(tmp_path / "ca")
    assert names(tmp_path / "ca") == FILES


def test_a_second_init_at_the_same_time_is_told_so(tmp_path: Path) -> None:
    aside = tmp_path / ".ca.new"
    aside.mkdir()
    (aside / "server-root.key").touch()
    with locked(aside), pytest.raises(ComponentError, match="another command is at work"):
        create(tmp_path / "ca")
    assert names(aside) == ["server-root.key"]
    create(tmp_path / "ca")
    assert names(tmp_path) == ["ca"]


@pytest.mark.parametrize("owner", ["", "  ", "x" * 65, "Tel\nco"])
def test_an_owner_that_cannot_stand_in_a_certificate_is_refused(tmp_path: Path, owner: str) -> None:
    with pytest.raises(ConfigError, match="owner: needs 1 to 64 printable characters"):
        authority.create(tmp_path / "ca", owner, NOW)
    assert names(tmp_path) == []


def test_keys_open_with_their_passphrase_alone(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    create(folder, b"open sesame")
    assert b"ENCRYPTED PRIVATE KEY" in (folder / "client-root.key").read_bytes()
    with pytest.raises(ComponentError, match="is encrypted: say where its passphrase is"):
        ca.issue_device(folder, GENERIC, NOW)
    with pytest.raises(ComponentError, match="the passphrase is wrong"):
        ca.issue_device(folder, GENERIC, NOW, passphrase=b"open barley")
    assert not (folder / "issued.jsonl").exists()
    assert ca.issue_device(folder, GENERIC, NOW, passphrase=b"open sesame").key


def test_a_passphrase_for_open_keys_and_a_short_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="passphrase: is shorter than 8 characters"):
        create(tmp_path / "ca", b"sesame")
    create(tmp_path / "ca")
    with pytest.raises(ComponentError, match="is not encrypted: leave --passphrase-file out"):
        ca.issue_device(tmp_path / "ca", GENERIC, NOW, passphrase=b"open sesame")


def test_a_damaged_authority_is_named(tmp_path: Path) -> None:
    create(tmp_path / "ca")
    (tmp_path / "ca" / "client-root.key").write_text("rubbish\n")
    with pytest.raises(ComponentError, match="client-root"):
        ca.issue_device(tmp_path / "ca", GENERIC, NOW)
    (tmp_path / "ca" / "client-root.crt").write_text("rubbish\n")
    with pytest.raises(ComponentError, match=r"client-root\.crt"):
        ca.issue_device(tmp_path / "ca", GENERIC, NOW)


def test_a_device_of_the_last_day_ends_with_the_root(tmp_path: Path) -> None:
    create(tmp_path / "ca")
    late = NOW + timedelta(days=24 * 365)
    made = ca.issue_device(tmp_path / "ca", GENERIC, late)
    assert made.certificate.startswith(b"-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("keeps", [0, 600])
def test_a_key_that_is_cut_off_is_not_taken_for_a_wrong_passphrase(
    tmp_path: Path, keeps: int
) -> None:
    create(tmp_path / "ca", b"passphrase")
    file = tmp_path / "ca" / "client-root.key"
    file.write_bytes(file.read_bytes()[:keeps])
    with pytest.raises(ComponentError, match="client-root: ") as raised:
        authority.key(tmp_path / "ca", "client-root", b"passphrase")
    assert "passphrase" not in str(raised.value)


@pytest.mark.parametrize("root", ["client-root.crt", "server-root.crt"])
def test_a_damaged_root_is_given_to_nobody(tmp_path: Path, root: str) -> None:
    create(tmp_path / "ca")
    (tmp_path / "ca" / root).write_bytes(b"")
    with pytest.raises(ComponentError, match=f"{root}: is no certificate"):
        ca.export(tmp_path / "ca", tmp_path / "public")
    assert not (tmp_path / "public").exists()
