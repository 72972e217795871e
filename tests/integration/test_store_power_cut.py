"""Power cuts at every system call of `phone set`: the old value or the new, never neither.

The kernel's own record of the calls (strace) is replayed on a model of the worst legal disk:
it forgets every byte that was not synced, and every name until its folder was.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ringfence.runtime.host import Host
from ringfence.runtime.store import Store
from tests.support.phone import RINGFENCE, ringfence

CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)")


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
    elif name.startswith("rename") and result == 0:
        disk.names[inside(disk, texts[-1])] = disk.names.pop(inside(disk, texts[0]))
    elif name.startswith("unlink") and result == 0 and inside(disk, texts[-1]):
        disk.names.pop(inside(disk, texts[-1]), None)


def decoded(text: str) -> str:
    plain = re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)
    return plain if plain.isascii() and plain.isprintable() else text


def held(disk: Disk, scratch: Path) -> str:
    for path in scratch.iterdir():
        path.unlink()
    for name, data in disk.survives().items():
        (scratch / name).write_bytes(data)
    stored = Store(Host(scratch)).load().stored
    return stored["SIP_Port_2_"].text if "SIP_Port_2_" in stored else "nothing"


@pytest.mark.parametrize("generations", [1, 2, 3])
def test_a_cut_at_any_system_call_leaves_the_old_or_the_new_value(
    tmp_path: Path, component: list[str], generations: int
) -> None:
    component.append("kernel")
    state, scratch, trace = tmp_path / "state", tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    for port in range(5100, 5100 + generations):
        assert (
            ringfence("phone", "set", "--state", str(state), f"SIP_Port_2_={port}").returncode == 0
        )
    old = str(5100 + generations - 1)
    disk = Disk(str(state))
    seed(disk, state)
    calls = "trace=openat,close,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
    strace = ["strace", "-f", "-xx", "-s", "1000000", "-e", calls, "-o", str(trace)]
    words = [*RINGFENCE, "phone", "set", "--state", str(state), "SIP_Port_2_=5199"]
    subprocess.run([*strace, *words], check=True, capture_output=True)
    seen = []
    for line in trace.read_text().splitlines():
        if found := CALL.match(line):
            words_ = re.sub(r'"((?:\\x[0-9a-f]{2})*)"', lambda m: f'"{decoded(m[1])}"', found[2])
            if found[1] == "write":
                words_ = found[2]
            step(disk, found[1], words_, int(found[3], 0))
            seen.append(held(disk, scratch))
    assert set(seen) == {old, "5199"}
    assert seen == sorted(seen, key=lambda text: text == "5199"), "a stored value came back old"
    assert seen[-1] == "5199", "acknowledged, but a cut would lose it"
