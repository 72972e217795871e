"""What every command does when nobody can take what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

RINGFENCE = [sys.executable, "-m", "ringfence"]


@pytest.mark.parametrize("words", [["--help"], ["parameters"], ["probe", "hello", "--app", "sip"]])
def test_a_full_disk_is_told_in_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*RINGFENCE, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.stderr == "ringfence: standard output: No space left on device\n"
    assert ended.returncode == 3


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [*RINGFENCE, "parameters"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout
        assert started.stderr
        assert started.stdout.readline()
        started.stdout.close()
        assert started.stderr.read() == ""
        assert started.wait() == 0
