"""The sandbox: what runs inside ends with it, however it ends."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SANDBOX = (sys.executable, "-m", "ringfence.lab.sandbox", "--")


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Return a sandbox, and the end of a pipe that its innermost process holds open."""
    reader, writer = os.pipe()
    script = "import os, signal, sys; os.write(int(sys.argv[1]), b'.'); signal.pause()"
    words = [*SANDBOX, sys.executable, "-c", script, str(writer)]
    process = subprocess.Popen(words, pass_fds=[writer])
    os.close(writer)
    assert os.read(reader, 1) == b"."
    yield process, reader
    process.kill()
    process.wait()
    os.close(reader)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_a_sandbox_that_is_told_to_end(
    inside: tuple[subprocess.Popen[bytes], int], number: signal.Signals
) -> None:
    process, reader = inside
    process.send_signal(number)
    assert process.wait(timeout=10) != 0
    assert select.select([reader], [], [], 10)[0], "a process inside lives on"
    assert os.read(reader, 1) == b""


def test_the_exit_code_of_the_command_is_passed_on() -> None:
    done = subprocess.run([*SANDBOX, "sh", "-c", "exit 7"], check=False, timeout=60)
    assert done.returncode == 7
