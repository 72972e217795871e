"""The worst legal disk: it forgets each byte that was not synced, each name until its folder was.

The kernel's own record of the calls of a program (strace) is replayed on it, call by call.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "trace=openat,close,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
STRACE = ("strace", "-f", "-xx", "-s", "1000000", "-e", CALLS, "-o")
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)")

RESUMED = re.compile(r"^\d+ +<\.\.\. \w+ resumed>")


@dataclass
class Disk:
    """What was written, and what of it survives the next cut."""

    folder: str
    files: dict[int, bytes] = field(default_factory=dict)
    """Content by inode, as the process sees it."""
    synced: dict[int, bytes] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    folders: set[int] = field(default_factory=set)

    def survives(self) -> dict[str, bytes]:
        return {name: self.synced.get(inode, b"") for name, inode in self.durable.items()}


def seed(disk: Disk, state: Path) -> None:
    for path in state.iterdir():
        inode = len(disk.files)
        disk.files[inode] = disk.synced[inode] = path.read_bytes()
        disk.names[path.name] = disk.durable[path.name] = inode


def inside(disk: Disk, text: str) -> str:
    prefix = disk.folder + "/"
    return text[len(prefix) :] if text.startswith(prefix) else ""


def step(disk: Disk, name: str, words: str, result: int) -> None:
    texts = re.findall(r'"((?:[^"\\]|\\.)*)"', words)
    handle = int(words.split(",")[0].split("<")[0]) if words[:1].isdigit() else -1
    if name == "openat" and result >= 0 and texts:
        if texts[0] == disk.folder:
            disk.folders.add(result)
        elif file := inside(disk, texts[0]):
            if file not in disk.names:
                disk.names[file] = len(disk.files)
                disk.files[disk.names[file]] = b""
            if "O_TRUNC" in words:
                disk.files[disk.names[file]] = b""
            disk.open[result] = disk.names[file]
    elif name == "close":
        disk.open.pop(handle, None)
        disk.folders.discard(handle)
    elif name == "write" and handle in disk.open:
        data = bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", texts[0])))
        assert len(data) == result, "strace cut the data short"
        disk.files[disk.open[handle]] += data
    elif name in ("fsync", "fdatasync") and result == 0:
        if handle in disk.open:
            disk.synced[disk.open[handle]] = disk.files[disk.open[handle]]
        elif handle in disk.folders:
            disk.durable = dict(disk.names)
    elif name.startswith("rename") and result == 0 and inside(disk, texts[-1]):
        disk.names[inside(disk, texts[-1])] = disk.names.pop(inside(disk, texts[0]))
    elif name.startswith("unlink") and result == 0 and inside(disk, texts[-1]):
        disk.names.pop(inside(disk, texts[-1]), None)


def decoded(text: str) -> str:
    plain = re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)
    return plain if plain.isascii() and plain.isprintable() else text


def whole(trace: str) -> Iterator[str]:
    """Yield each call in one line, where it ended: strace splits one that others interrupted."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        process = line.partition(" ")[0]
        if line.endswith(" <unfinished ...>"):
            begun[process] = line.removesuffix(" <unfinished ...>")
        elif found := RESUMED.match(line):
            yield begun.pop(process, "") + line[found.end() :]
        else:
            yield line


def replay(disk: Disk, trace: str) -> Iterator[Disk]:
    """Yield the disk after each system call of a trace."""
    for line in whole(trace):
        if found := CALL.match(line):
            words = found[2]
            if found[1] != "write":
                words = re.sub(r'"((?:\\x[0-9a-f]{2})*)"', lambda m: f'"{decoded(m[1])}"', found[2])
            step(disk, found[1], words, int(found[3], 0))
            yield disk
