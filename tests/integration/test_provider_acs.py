"""The ACS from the command line: what it refuses, and that a folder has one of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.cli import main


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["provider", "acs", *words])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


def test_what_cannot_be_served_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no login\n")
    file, folder = str(tmp_path / "file"), str(tmp_path / "acs")
    code, said = refused(capsys, "serve", "--dir", file)
    assert (code, said) == (3, f"ringfence provider: folder {file}: File exists\n")
    code, said = refused(capsys, "serve", "--dir", folder, "--login", file)
    assert (code, "is not user:password" in said) == (1, True)
    code, said = refused(capsys, "serve", "--dir", folder, "--certificate", file)
    assert (code, "goes with --key" in said) == (1, True)
    code, said = refused(capsys, "serve", "--dir", folder, "--port", "99999")
    assert (code, "0-65535" in said) == (3, True)
    code, said = refused(capsys, "get", "--dir", folder, "Device.")
    assert (code, "does not answer" in said) == (3, True)


def test_a_folder_has_one_acs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    words = (sys.executable, "-m", "ringfence", "provider", "acs", "serve", "--port", "0")
    with subprocess.Popen((*words, "--dir", folder), stdout=subprocess.PIPE) as first:
        try:
            assert first.stdout
            assert b"acs.ready" in first.stdout.readline()
            code, said = refused(capsys, "serve", "--dir", folder, "--port", "0")
            assert (code, "another ACS runs there; end it first" in said) == (3, True)
            assert main(["provider", "acs", "devices", "--dir", folder]) == 0
        finally:
            first.kill()
    code, said = refused(capsys, "devices", "--dir", folder)
    assert code == 3
    with subprocess.Popen((*words, "--dir", folder), stdout=subprocess.PIPE) as again:
        try:
            assert again.stdout
            assert b"acs.ready" in again.stdout.readline(), "what was killed left its socket"
        finally:
            again.kill()
