"""Keys at rest: encrypted where nothing else is said, later on, and again with other words."""

import os
import pty
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.errors import ComponentError
from ringfence.provider import audit, authority, ca
from ringfence.provider.identity import GENERIC

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KEYS = ["server-root", "server-ca", "client-root"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the user's settings are."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings"


def words_file(folder: Path, text: str) -> str:
    path = folder / f"{text.split()[0]}.txt"
    path.write_text(text + "\n")
    return str(path)


def states(folder: Path) -> list[bool]:
    return [b"ENCRYPTED" in (folder / f"{name}.key").read_bytes() for name in KEYS]


def test_a_new_authority_is_encrypted_or_says_that_it_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "ca"
    words = ["ca", "init", "--dir", str(made)]
    secret = words_file(tmp_path, "open sesame")
    assert main([*words, "--unencrypted", "--passphrase-file", secret]) == 1
    assert not made.exists()
    assert main([*words, "--passphrase-file", secret]) == 0
    assert states(made) == [True, True, True]
    assert main(["ca", "init", "--unencrypted", "--dir", str(made) + "2"]) == 0
    assert states(tmp_path / "ca2") == [False, False, False]
    assert capsys.readouterr().err.count("passphrase") == 1


def test_where_nobody_can_be_asked_a_passphrase_is_drawn_and_kept_elsewhere(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "ca"
    assert main(["ca", "init", "--dir", str(made)]) == 0
    assert states(made) == [True, True, True]
    (kept,) = [path for path in home.rglob("*") if path.is_file()]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said = capsys.readouterr().err
    assert str(kept) in said
    assert kept.read_text().strip() not in said
    assert main(["ca", "crl", "--dir", str(made)]) == 0
    secret = words_file(tmp_path, "open sesame")
    assert main(["ca", "encrypt", "--dir", str(made), "--passphrase-file", secret]) == 0
    assert not kept.exists()
    assert main(["ca", "crl", "--dir", str(made)]) == 3
    assert main(["ca", "crl", "--dir", str(made), "--passphrase-file", secret]) == 0


def test_the_passphrase_may_be_a_credential_of_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ringfence-ca").write_text("open sesame\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    folder = ["--dir", str(tmp_path / "ca")]
    assert main(["ca", "init", *folder]) == 0
    assert states(tmp_path / "ca") == [True, True, True]
    assert main(["ca", "crl", *folder]) == 0
    (tmp_path / "ringfence-ca").write_text("open barley\n")
    assert main(["ca", "crl", *folder]) == 3


def test_who_sits_at_the_terminal_is_asked_and_nothing_is_shown(tmp_path: Path) -> None:
    made = tmp_path / "ca"
    shown = typed(["ca", "init", "--dir", str(made)], b"open sesame\nopen sesame\n")
    assert "New passphrase of the authority: " in shown
    assert "sesame" not in shown
    assert states(made) == [True, True, True]
    assert "not the same" in typed(["ca", "init", "--dir", str(made) + "2"], b"open one\nopen 2\n")
    shown = typed(["ca", "crl", "--dir", str(made)], b"open sesame\n")
    assert "client-root.crl" in shown
    assert "sesame" not in shown


def typed(words: list[str], keys: bytes) -> str:
    """Return what a terminal shows of a command at which someone types."""
    own, theirs = pty.openpty()
    argv = [sys.executable, "-m", "ringfence", *words]
    with subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = b""
        lines = keys.splitlines(keepends=True)
        while True:
            try:
                shown += os.read(own, 1024)
            except OSError:  # the command is over
                break
            if lines and shown.endswith((b": ", b"more: ")):
                os.write(own, lines.pop(0))
        process.wait(20)
    os.close(own)
    return shown.decode()


def test_an_open_authority_is_encrypted_later_and_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "ca"
    authority.create(made, "Telco", NOW)
    one, two = words_file(tmp_path, "open sesame"), words_file(tmp_path, "other words")
    words = ["ca", "encrypt", "--dir", str(made)]
    assert main([*words, "--passphrase-file", words_file(tmp_path, "short")]) == 1
    assert states(made) == [False, False, False]
    assert main([*words, "--passphrase-file", one]) == 0
    assert "encrypted: server-root, server-ca, client-root\n" in capsys.readouterr().out
    assert states(made) == [True, True, True]
    for name in KEYS:
        assert stat.S_IMODE((made / f"{name}.key").stat().st_mode) == 0o600
    assert ca.issue_device(made, GENERIC, NOW, passphrase=b"open sesame").key
    assert main([*words, "--passphrase-file", two, "--old-passphrase-file", two]) == 3
    assert main([*words, "--passphrase-file", two, "--old-passphrase-file", one]) == 0
    with pytest.raises(ComponentError, match="the passphrase is wrong"):
        ca.issue_device(made, GENERIC, NOW, passphrase=b"open sesame")
    assert ca.issue_device(made, GENERIC, NOW, passphrase=b"other words").key
    told = [event.what for event in audit.read(made).events]
    assert told == ["init", "keys encrypted", "issued", "keys encrypted", "issued"]


@pytest.mark.parametrize("done", [1, 2])
def test_an_encryption_that_was_cut_off_is_finished_by_the_same_words(
    tmp_path: Path, done: int
) -> None:
    made = tmp_path / "ca"
    authority.create(made, "Telco", NOW)
    open_keys = {name: (made / f"{name}.key").read_bytes() for name in KEYS}
    authority.encrypt(made, b"open sesame", NOW)
    for name in KEYS[done:]:
        (made / f"{name}.key").write_bytes(open_keys[name])
    assert states(made) == [place < done for place in range(3)]
    assert authority.encrypt(made, b"open sesame", NOW) == KEYS[done:]
    for name in KEYS:
        assert authority.signer(made, name, b"open sesame").key
