"""A Kamailio for tests, asked for what it holds over its own control socket."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import replace

from ringfence.lab.kamailio import Registrar, control, render
from ringfence.lab.mediasec import MediaSec, changes
from ringfence.lab.namespaces import Namespace

PATIENCE = 30.0
"""Seconds after which an awaited state counts as missing."""


class Kamailio:
    """One Kamailio in a namespace."""

    def __init__(self, space: Namespace, folder: Path, registrar: Registrar) -> None:
        self.space = space
        self.registrar = registrar
        self.folder = folder
        # A path of a Unix socket has room for 107 characters only.
        self._short = tempfile.TemporaryDirectory(prefix="kam")
        self.start()

    def start(self, **changes: object) -> None:
        """Start it, with another configuration if asked, and return when it answers."""
        self.registrar = replace(self.registrar, **changes)
        argv = render(Path(self._short.name), self.registrar)
        self.log = (self.folder / "kamailio.log").open("ab")
        self.process = self.space.popen(*argv, stdout=self.log, stderr=self.log)
        while self.ask("core.version", check=False).returncode != 0:
            assert self.process.poll() is None, (self.folder / "kamailio.log").read_text()

    def ask(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Ask over the control socket."""
        return self.space.run(*control(Path(self._short.name), *words), check=check)

    def change(self, part: MediaSec) -> None:
        """Take part in media plane security otherwise, from now on."""
        for words in changes(part):
            self.ask(*words)

    def version(self) -> str:
        found = re.search(r"kamailio (\S+)", self.ask("core.version").stdout)
        assert found
        return f"Kamailio {found[1]}"

    def contacts(self) -> dict[str, str]:
        """Return `{user: contact URI}` of every registration it holds."""
        dump = self.ask("ul.dump").stdout
        held: dict[str, str] = {}
        for entry in re.split(r"\n\s+Info: \{\n", dump)[1:]:
            user, contact = re.search(r"AoR: (\S+)", entry), re.search(r"Address: (\S+)", entry)
            assert user
            assert contact
            held[user[1]] = contact[1]
        return held

    def sequence(self, user: str) -> int:
        """Return the CSeq of the REGISTER that made or refreshed a contact; 0 for none."""
        found = re.search(rf"AoR: {user}\n.*?CSeq: (\d+)", self.ask("ul.dump").stdout, re.DOTALL)
        return int(found[1]) if found else 0

    def until(self, condition: Callable[[], bool]) -> None:
        """Return once what it holds fits."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, self.ask("ul.dump").stdout

    def hear(self, pattern: str, times: int, patience: float = PATIENCE) -> list[re.Match[str]]:
        """Return what a pattern finds in its log, once it is found so often."""
        path = str(self.folder / "kamailio.log")
        words = ("timeout", str(patience), "tail", "-n", "+1", "-f", path)
        found: list[re.Match[str]] = []
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as tail:
            for line in tail.stdout or ():
                found += re.finditer(pattern, line)
                if len(found) >= times:
                    tail.kill()
                    return found
        raise AssertionError(f"{len(found)} of {times} times {pattern}: {found[-3:]}")

    def said(self) -> str:
        """Return its log."""
        return (self.folder / "kamailio.log").read_text()

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """Have none of its processes do anything for a while."""
        processes = self._processes()
        try:
            for pid in processes:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        made = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = [int(pid) for pid in made.read_text().split()] if made.exists() else []
        return [self.process.pid, *children]

    def stop(self) -> None:
        """Stop it as a service manager does: one that does not obey is killed.

        Kamailio 5.6 that is told to end while it still makes its processes may wait for ever.
        """
        processes = self._processes()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(10)
        self.log.close()

    def close(self) -> None:
        """Stop it for good."""
        if self.process.poll() is None:
            self.stop()
        self._short.cleanup()
