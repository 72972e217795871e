"""A real phone process for tests, in a namespace or outside."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ringfence.lab.namespaces import Namespace

RINGFENCE = (sys.executable, "-m", "ringfence")
PATIENCE = 30.0
"""Seconds after which an awaited event counts as missing."""


def ringfence(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    return subprocess.run(
        [*RINGFENCE, *words], capture_output=True, text=True, timeout=60, check=False, **options
    )


class RunningPhone:
    """`ringfence phone run`, its log read line by line."""

    def __init__(self, state: Path, space: Namespace | None = None, *words: str) -> None:
        self.state = state
        self.space = space or Namespace("")
        argv: Sequence[str] = [*RINGFENCE, "phone", "run", "--state", str(state), *words]
        if space:
            argv = space.command(*argv)
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log = ""

    def wait_for(self, text: str, count: int = 1) -> str:
        """Read the log until `text` stands in it `count` times; return the log so far."""
        assert self.process.stdout
        until = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while self.log.count(text) < count:
                ready = selector.select(max(0.0, until - time.monotonic()))
                chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                assert chunk, f"no {text!r} in the log:\n{self.log}"
                self.log += chunk.decode(errors="replace")
        return self.log

    def status(self) -> dict[str, Any]:
        """Return `phone status --json`."""
        done = ringfence("phone", "status", "--state", str(self.state), "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first status that meets the condition."""
        until = time.monotonic() + PATIENCE
        while True:
            status = self.status()
            if condition(status):
                return status
            assert time.monotonic() < until, f"never so: {json.dumps(status, indent=1)}"

    def children(self) -> list[int]:
        """Return the process ids of the phone below its keeper."""
        path = Path(f"/proc/{self.keeper()}/task/{self.keeper()}/children")
        return [int(word) for word in path.read_text().split()]

    def keeper(self) -> int:
        """Return the process id of the parent that brings the phone back."""
        return self.process.pid  # `ip netns exec` replaces itself

    def stop(self) -> int:
        """Tell the phone to stop; return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=PATIENCE)
        if self.process.stdout:
            self.process.stdout.close()
        return code
