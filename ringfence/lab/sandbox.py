"""Run a command as root of its own network, mount, process, host-name and IPC namespaces.

Whatever happens to the command, the kernel takes everything inside away with it.
Usage: `python -m ringfence.lab.sandbox -- COMMAND ...`.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ringfence.runtime.privileges import die_with_parent

INSIDE = "--inside"
FLAGS = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc")


def unshare(uid: int, *, sub_ids: bool) -> list[str]:
    """Return the words that create the namespaces.

    Real root needs no user namespace. Another user becomes root of a new one: with a range of
    subordinate ids where there is one, so that daemons can drop privileges; else alone.
    """
    if uid == 0:
        return ["unshare", *FLAGS]
    maps = ["--user", "--map-root-user"] + (["--map-auto"] if sub_ids else [])
    return ["unshare", *maps, *FLAGS]


def has_sub_ids(uid: int) -> bool:
    """Return whether this user may map more than itself (newuidmap and a range in /etc/subuid)."""
    import pwd

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
        return False
    owners = {name, str(uid)}
    for table in ("/etc/subuid", "/etc/subgid"):
        try:
            lines = Path(table).read_text().splitlines()
        except OSError:
            return False
        if not any(line.split(":")[0] in owners for line in lines):
            return False
    return True


def search_path() -> str:
    """Return the folders that hold programs; daemons live in those of the administrator."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def command(argv: Sequence[str]) -> list[str]:
    """Return the words that run `argv` inside, from the namespace we are in."""
    uid = os.geteuid()
    words = unshare(uid, sub_ids=uid != 0 and has_sub_ids(uid))
    return [*words, sys.executable, "-m", "ringfence.lab.sandbox", INSIDE, "--", *argv]


def prepare() -> None:
    """Give the new namespaces a private /run and /dev/shm and a loopback that is up.

    `ip netns` needs a writable /run/netns; a second squid needs its own /dev/shm.
    """
    for words in (
        ("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"),
        ("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm"),  # noqa: S108
        ("ip", "link", "set", "lo", "up"),
    ):
        subprocess.run(words, check=True)
    Path("/run/netns").mkdir()


def reap(main: int) -> int:
    """Be the init of the process namespace: return the exit code of `main`, reap all others."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: _forward(main, number))
    while True:
        pid, status = os.wait()
        if pid == main:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _forward(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _outside(words: Sequence[str]) -> int:
    """Wait for the namespaces to end; unshare(1) would sleep through a SIGTERM."""
    child = subprocess.Popen(
        words, close_fds=False, preexec_fn=lambda: die_with_parent(signal.SIGKILL)
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.kill())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the inside as well
    code = child.wait()
    return code if code >= 0 else 128 - code


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    inside = argv[:1] == [INSIDE]
    words = [word for i, word in enumerate(argv) if not (i < 2 and word in (INSIDE, "--"))]
    if not words:
        print("usage: python -m ringfence.lab.sandbox -- COMMAND ...", file=sys.stderr)
        return 2
    if not inside:
        return _outside(command(words))
    prepare()
    own = {"RINGFENCE_SANDBOX": "1", "PATH": search_path()}
    child = subprocess.Popen(words, close_fds=False, env={**os.environ, **own})
    return reap(child.pid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
