"""Run `ringfence lab` as another program would, and look for what it leaves behind."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Command:
    """`ringfence lab` with a state folder of its own."""

    home: Path
    python: tuple[str, ...] = (sys.executable,)
    """Words that start Python, as whoever runs the lab."""
    environment: Mapping[str, str] | None = None

    def words(self, *words: str) -> list[str]:
        return [*self.python, "-m", "ringfence", "lab", *words]

    def options(self) -> dict[str, Any]:
        own = {"XDG_STATE_HOME": str(self.home), **(self.environment or {})}
        everyone = {"cwd": "/", "stdin": subprocess.DEVNULL, "text": True}
        return {**everyone, "env": {**os.environ, "PYTHONPATH": str(ROOT), **own}}

    def run(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(*words), capture_output=True, check=False, timeout=timeout, **self.options()
        )

    def popen(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(self.words(*words), stdout=pipe, stderr=pipe, **self.options())

    def up(self, *words: str) -> dict[str, Any]:
        """Boot a lab; return its JSON. The exit code must be 0."""
        ran = self.run("up", "--json", *words)
        document = dict(json.loads(ran.stdout or "{}"))
        assert ran.returncode == 0, f"{document.get('steps')} {ran.stderr[-3000:]}"
        return document

    def status(self, *words: str) -> dict[str, Any]:
        ran = self.run("status", "--json", *words)
        assert ran.returncode == 0, ran.stderr
        return dict(json.loads(ran.stdout))

    def shell(self, node: str, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.run("shell", node, "--", *argv)

    def init(self, name: str = "default") -> int:
        """Return the process id of a lab's init."""
        record = self.home / "ringfence" / "lab" / name / "lab.json"
        return int(json.loads(record.read_text())["pid"])


def left_of(home: Path) -> list[str]:
    """Return what is left of a lab: files of its state folder, and processes that it started.

    Each process of a lab has the folder in its environment. Namespaces and mounts need no look:
    the kernel keeps them only for processes.
    """
    mark = f"XDG_STATE_HOME={home}".encode()
    found = [str(path) for path in home.iterdir()]
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def steps(story: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the steps of a boot by their name."""
    return {step["step"]: step for step in story}
