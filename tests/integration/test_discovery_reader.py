"""The process that reads what neighbours say: what it may, and what hostile ones achieve."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import ringfence
from ringfence.features.discovery import FEATURE
from ringfence.policy.vlan import VoiceVlan
from ringfence.protocols.discovery import BATCH, Discovery, hear
from ringfence.runtime.state import Status
from tests.support.discovery_frames import GOOD_CDP, GOOD_LLDP, cdp_frame, hostile
from tests.support.discovery_wire import Wire, say, wire
from tests.support.lease import addressed

__all__ = ["wire"]


def reader(parent: int) -> int:
    """Return the process that reads frames for another."""
    (pid,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(pid)


async def _flooded(
    wire: Wire, folder: Path, count: int, seed: int
) -> tuple[VoiceVlan | None, Status, int]:
    async with addressed(folder, FEATURE) as phone:
        await phone.until(phone.logged("sent"))
        await asyncio.to_thread(say, wire.switch, [GOOD_LLDP])
        await phone.until(lambda: phone.facts.voice_vlan)
        own, child = os.getpid(), reader(os.getpid())
        before = resident(own), resident(child)
        await asyncio.to_thread(say, wire.switch, hostile(count, seed))
        # A full socket loses frames, so that the last one is said until it is heard.
        while "last" not in dict(phone.status().rows).get("CDP Neighbor", ""):
            seen = len(phone.log)
            await asyncio.to_thread(say, wire.switch, [cdp_frame((1, b"last"))])
            await phone.until(partial(_grown, phone.log, seen))
        assert reader(own) == child  # it read everything, and was never started anew
        grown = max(resident(own) - before[0], resident(child) - before[1])
        return phone.facts.voice_vlan, phone.status(), grown


def resident(process: int) -> int:
    """Return the memory of a process, in KiB."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def _grown(log: list[str], before: int) -> bool:
    return len(log) > before


def test_hostile_frames_change_no_vlan_and_stop_nobody(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    vlan, status, _ = wire.phone.call(_flooded, wire, tmp_path, 3000, 34)
    assert vlan == VoiceVlan(100, "LLDP-MED")
    assert status.data["refused"] > 100
    assert len(status.data["neighbours"]) <= 64


def test_frames_are_read_by_a_process_that_can_do_nothing_else(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("the kernel")

    async def scenario() -> tuple[dict[str, str], list[str], list[str]]:
        async with addressed(tmp_path, FEATURE) as phone:
            await phone.until(phone.logged("sent"))
            await asyncio.to_thread(say, wire.switch, [GOOD_CDP])
            await phone.until(phone.logged("heard: 1"))
            process = Path(f"/proc/{reader(os.getpid())}")
            lines = (process / "status").read_text().splitlines()
            limits = (process / "limits").read_text().splitlines()
            environment = (process / "environ").read_text().split("\0")
            return dict(line.split(":\t", 1) for line in lines), limits, environment

    status, limits, environment = wire.phone.call(scenario)
    assert environment == [""]
    assert {status[name].strip("0") for name in ("CapEff", "CapPrm", "CapAmb")} == {""}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert [line.split()[3:5] for line in limits if line.startswith("Max open files")] == [
        ["0", "0"]
    ]


CONFINED = """
import ctypes, os, signal, socket, sys
sys.path += sys.argv[1:2]
from ringfence.runtime.confine import confine
confine(os.getppid(), "read", "write", "recvfrom", "sleep")
tries = {
    "open": lambda: os.open("/dev/null", os.O_RDONLY),
    "create": lambda: os.mkdir("/tmp/confined"),
    "socket": lambda: socket.socket(),
    "fork": lambda: os.fork(),
    "run": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "send": lambda: socket.socket(fileno=0).send(b"frame"),
}
for name, attempt in tries.items():
    try:
        attempt()
        said = name + " worked\\n"
    except PermissionError:
        said = name + " refused\\n"
    os.write(1, said.encode())
"""


def test_the_kernel_refuses_such_a_process_everything_else() -> None:
    ours, theirs = socket.socketpair()
    root = str(Path(ringfence.__file__).parent.parent)
    with ours, theirs:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", CONFINED, root],
            stdin=theirs.fileno(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    words = ("open", "create", "socket", "fork", "run", "kill", "send")
    assert done.stdout.splitlines() == [f"{word} refused" for word in words], done.stderr


def test_a_killed_reader_comes_back_and_the_vlan_stays_meanwhile(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")

    async def scenario() -> tuple[list[VoiceVlan | None], str]:
        async with addressed(tmp_path, FEATURE) as phone:
            await phone.until(phone.logged("sent"))
            await asyncio.to_thread(say, wire.switch, [GOOD_LLDP])
            await phone.until(lambda: phone.facts.voice_vlan)
            told = [phone.facts.voice_vlan]
            driven: Any = phone.driver
            driven._world = replace(  # to see every VLAN that is told
                phone.world, publish=lambda **facts: told.append(facts["voice_vlan"])
            )
            os.kill(reader(os.getpid()), signal.SIGKILL)
            await phone.until(phone.logged("failed: discovery process: ended"))
            await phone.until(lambda: sum("listening" in line for line in phone.log) == 2)
            await asyncio.to_thread(say, wire.switch, [GOOD_CDP])
            await phone.until(phone.logged("heard: 2"))
            return told, dict(phone.status().rows).get("Error", "")

    assert wire.phone.call(scenario) == ([VoiceVlan(100, "LLDP-MED")], "")


@pytest.mark.soak
def test_a_million_hostile_frames_change_no_vlan_and_cost_no_memory(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    vlan, status, grown = wire.phone.call(_flooded, wire, tmp_path, 1_000_000, 35)
    assert vlan == VoiceVlan(100, "LLDP-MED")
    assert status.data["refused"] > 1000  # the socket loses most; see REST of the process
    assert len(status.data["neighbours"]) <= 64
    assert grown < 16 << 10  # KiB, the log of this test included


@pytest.mark.soak
def test_a_million_hostile_frames_that_are_all_read_lead_to_no_wrong_value() -> None:
    discovery, own = Discovery(cdp=True, lldp_med=True, delay=3), bytes(6)
    discovery.receive_carrier(True, 0)
    discovery.receive_heard(hear([GOOD_LLDP], own, ("CDP", "LLDP")), 0)
    before, frames, read = resident(os.getpid()), hostile(1_000_000, 36), 0
    while batch := list(itertools.islice(frames, BATCH)):
        discovery.receive_heard(hear(batch, own, ("CDP", "LLDP")), 1)
        read += len(batch)
    assert (read, discovery.voice_vlan("LLDP")) == (1_000_000, 100)
    assert len(discovery.neighbours) <= 64
    assert resident(os.getpid()) - before < 16 << 10
