"""Where a lab keeps its files, whether it runs, and how to get inside."""

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ringfence.errors import ComponentError
from ringfence.lab.sandbox import has_sub_ids, search_path

DEFAULT = "default"
GRACE = 10.0
"""Seconds that a lab gets to stop in order, its phone unregistered."""


class Record(NamedTuple):
    """What others need to know of a lab that was started."""

    pid: int
    """Its init, as the host numbers it."""
    born: int
    """Start of that process in clock ticks since boot; tells it from a later one."""
    page_url: str
    login: str = ""
    password: str = ""


class Place:
    """The folder of one lab."""

    def __init__(self, name: str = DEFAULT) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
            raise ComponentError("lab", f"{name[:40]!r} is no name: a-z, 0-9 and - only")
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        self.name = name
        self.root = Path(home) / "ringfence" / "lab"
        self.folder = self.root / name
        self.phone = self.folder / "phone"
        """State folder of the phone in this lab."""
        self.log = self.folder / "log"

    def lock(self, *, wait: bool = False) -> int | None:
        """Return a descriptor that makes the lab ours; None where it runs.

        Every process that holds a copy of the descriptor keeps the lab locked, the lab's init
        among them, so that the kernel itself says whether the lab runs.

        Raises:
            ComponentError: the folder cannot be made.

        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            held = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ComponentError(str(self.folder), error.strerror or "") from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(held)
            return None
        if not self._same(held):  # another command removed the folder meanwhile
            os.close(held)
            return self.lock(wait=wait)
        return held

    def _same(self, held: int) -> bool:
        try:
            return os.path.samestat(os.fstat(held), (self.folder / "lock").stat())
        except FileNotFoundError:
            return False

    def runs(self) -> bool:
        """Return whether the lab runs, or is being started."""
        if not self.folder.is_dir():
            return False
        held = self.lock()
        if held is None:
            return True
        os.close(held)
        return False

    def make_log(self) -> None:
        """Make the folder of logs, and the lab's own in it.

        Raises:
            ComponentError: the disk refused.

        """
        with self._written(self.log):
            self.log.mkdir(mode=0o700)
            (self.log / "lab.log").touch()

    def write(self, record: Record) -> None:
        """Keep what others need to know.

        Raises:
            ComponentError: the disk refused.

        """
        file = self.folder / "lab.json"
        with self._written(file):
            file.touch(mode=0o600)
            file.write_text(json.dumps(record._asdict()))

    @contextlib.contextmanager
    def _written(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ComponentError(str(path), error.strerror or "") from error

    def record(self) -> Record | None:
        """Return what is known of the lab; None where nothing readable is."""
        try:
            return Record(**json.loads((self.folder / "lab.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def stop(self) -> None:
        """End the lab, in order where it obeys, and remove everything that it left.

        Raises:
            ComponentError: it is at its very start, or something could not be removed.

        """
        if self.runs():
            record = self.record()
            if record is None:
                raise ComponentError("lab", f"{self.name} is being started; try again")
            if born(record.pid) == record.born:
                _end(record.pid)
        held = self.lock(wait=True)
        self.clear()
        if held is not None:
            os.close(held)

    def clear(self, *, keep: str = "") -> None:
        """Remove what is in the folder, all but `keep`, and then the folder if it is empty.

        Files of other users of the lab's namespace are removed from within such a namespace.

        Raises:
            ComponentError: something could not be removed.

        """
        old = [path for path in self.folder.iterdir() if path.name != keep]
        for path in old:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        left = [str(path) for path in old if path.exists()]
        if left and os.geteuid() != 0 and has_sub_ids(os.geteuid()):
            words = ["unshare", "--user", "--map-root-user", "--map-auto", "rm", "-rf", *left]
            subprocess.run(words, check=False, capture_output=True)
        if any(path.exists() for path in old):
            raise ComponentError(str(self.folder), "cannot be removed")
        for empty in (self.folder, self.root, self.root.parent):
            with contextlib.suppress(OSError):
                empty.rmdir()

    def join(self, node: str, argv: Sequence[str]) -> list[str]:
        """Return the words that run `argv` in a node of the running lab.

        Raises:
            ComponentError: the lab does not run.

        """
        record = self.record()
        if record is None or born(record.pid) != record.born:
            raise ComponentError("lab", f"{self.name} does not run; ringfence lab up starts it")
        words = ["nsenter", "--target", str(record.pid), "-m", "-n", "-p", "-u", "-i"]
        if os.geteuid() != 0:
            words += ["--user", "--preserve-credentials"]
        return [*words, "--root", f"--wdns={Path.cwd()}", "--", "ip", "netns", "exec", node, *argv]

    def addresses(self, node: str) -> list[str]:
        """Return the addresses of a node that others can reach, as its kernel lists them.

        Raises:
            ComponentError: the lab does not run.

        """
        words = self.join(node, ["ip", "-j", "address", "show", "scope", "global"])
        ran = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
        if ran.returncode:
            raise ComponentError(f"node {node}", ran.stderr.strip())
        links = json.loads(ran.stdout or "[]")
        entries = (entry for link in links for entry in link.get("addr_info", []))
        return [entry["local"] for entry in entries if "local" in entry]  # some are empty


def environment() -> dict[str, str]:
    """Return our environment with a PATH on which daemons are found."""
    return {**os.environ, "PATH": search_path()}


def born(pid: int) -> int | None:
    """Return the start of a process in clock ticks since boot; None where there is none."""
    try:
        text = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def _end(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with contextlib.closing(os.fdopen(handle, "rb")):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], GRACE)[0]:
                return
