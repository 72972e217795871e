"""Run the lab's phone as a user of its own, who sees of closed folders only what it needs.

Usage: `python -m ringfence.lab.lodge STATE USER [OPTION ...]`, in the phone's node; an empty USER
stays root, and the options are those of `ringfence phone run`.
Only this process and its children see the mounts made here.
"""

import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import ringfence

LODGER = 64000
"""Number of the phone's user; no account has it."""
STATE = Path("/run/lab/phone")
"""The phone's state folder as the phone sees it."""
SHOWN = Path("/run/lab/shown")
NEEDED = tuple({Path(sys.base_prefix), Path(sys.prefix), Path(ringfence.__file__).parent.parent})
"""Folders that the phone's code is in."""
SAMPLES = (Path(ringfence.__file__), Path(os.__file__))


class Lodging(NamedTuple):
    """As whom the phone will run."""

    user: str
    """Empty for root of the lab."""
    root_because: str
    """Why it is root; empty where it is not."""


def prepare(state: Path) -> Lodging:
    """Give the state folder to the phone's user, where there can be one.

    The folder's group stays that of the lab's owner, who so reaches the phone from outside.
    """
    STATE.mkdir(parents=True, exist_ok=True)
    if not all(map(_mapped, ("uid_map", "gid_map"))):
        return Lodging("", "this lab has one user only")
    if closed := [path for path in (*NEEDED, *SAMPLES) if not path.stat().st_mode & stat.S_IROTH]:
        return Lodging("", f"{closed[0]} is not readable by others")
    for path in (state, *state.rglob("*")):
        os.chown(path, LODGER, 0, follow_symlinks=False)
    state.chmod(0o2770)
    return Lodging(str(LODGER), "")


def _mapped(name: str) -> bool:
    """Return whether the lodger's number exists in this user namespace."""
    lines = Path("/proc/self", name).read_text().splitlines()
    ranges = [tuple(map(int, line.split())) for line in lines]
    return any(first <= LODGER < first + count for first, _, count in ranges)


def show(folders: Iterable[Path]) -> None:
    """Let everyone reach folders which a parent closes; all else in that parent disappears."""
    doors = {folder: door for folder in folders if (door := _closed(folder))}
    kept = {folder: SHOWN / str(n) for n, folder in enumerate(sorted(doors))}
    for folder, copy in kept.items():
        _bind(folder, copy)
    for door in sorted({*doors.values()}):
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(door))
    for folder, copy in kept.items():
        _bind(copy, folder)


def _closed(folder: Path) -> Path | None:
    """Return the topmost parent that others may not pass; None where they may pass them all."""
    parents = reversed(folder.parents)
    return next((p for p in parents if not p.stat().st_mode & stat.S_IXOTH), None)


def _bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    _mount("--rbind", str(source), str(target))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def main(state: str, user: str, *more: str) -> None:
    """Become the phone."""
    _mount("--bind", state, str(STATE))
    options = ["--state", str(STATE), *more]
    if user:
        show(NEEDED)
        options += ["--user", user]
    os.chdir("/")
    words = [sys.executable, "-m", "ringfence", "phone", "run", *options]
    os.execv(words[0], words)  # noqa: S606 - an argument vector, no shell


if __name__ == "__main__":
    main(*sys.argv[1:])
