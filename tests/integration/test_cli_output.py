"""What every command does when nobody can take what it prints, or somebody stops it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence import cli

RINGFENCE = [sys.executable, "-m", "ringfence"]


@pytest.mark.parametrize("words", [["--help"], ["parameters"], ["probe", "hello", "--app", "sip"]])
def test_a_full_disk_is_told_in_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*RINGFENCE, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.stderr == "ringfence: standard output: No space left on device\n"
    assert ended.returncode == 3


@pytest.mark.parametrize(
    ("words", "unbuffered", "code"),
    [
        (["check", "{file}"], "", 1),
        (["check", "{file}"], "1", 128 + signal.SIGPIPE),
        (["parameters"], "1", 128 + signal.SIGPIPE),
    ],
)
def test_a_reader_that_has_seen_enough_makes_findings_no_clean_file(
    words: list[str], unbuffered: str, code: int, tmp_path: Path
) -> None:
    file = tmp_path / "cfg.xml"
    file.write_text("<flat-profile/>")
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [*RINGFENCE, *(word.format(file=file) for word in words)],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (code, b"")


def test_an_interrupted_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(name: str) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("importlib.import_module", interrupt)
    try:
        code = cli.main(["check", "cfg.xml"])
    except KeyboardInterrupt:
        pytest.fail("it ends in a traceback")
    assert code == 128 + signal.SIGINT
    assert capsys.readouterr() == ("", "ringfence: interrupted\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_outputs_change_nothing_but_what_is_read(closed: str, tmp_path: Path) -> None:
    good, state = tmp_path / "cfg.xml", tmp_path / "phone"
    good.write_text("<flat-profile/>")

    def code(*words: str) -> int:
        shell = ["sh", "-c", f'"$@" {closed}', "sh", *RINGFENCE, *words]
        return subprocess.run(shell, capture_output=True, check=False).returncode

    assert code("explain", str(good)) == 0
    assert code("explain", str(tmp_path / "none")) == 1
    assert code("phone", "set", "--state", str(state), "Host_Name=desk") == 0
    assert code("phone", "set", "--state", str(state), "Host_Name=\x01") == 1
    assert "desk" in (state / "settings-00000001.json").read_text()
