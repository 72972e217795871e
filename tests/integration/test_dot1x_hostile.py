"""Whoever sits at the other end of the wire: a switch that lies, and one that talks nonsense."""

import asyncio
import re
import socket
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ringfence.features.dot1x import FEATURE
from ringfence.lab.dot1x import User
from ringfence.lab.namespaces import Namespace
from ringfence.runtime import host_interface
from tests.support import dot1x
from tests.support.dot1x import ON, PHONE, Authority, Port, Wiring, facts
from tests.support.eapol_frames import hostile, unasked
from tests.support.lease import Addressed, addressed

BATCH = 50
"""Frames that are sent before the phone has had time to read them."""
SEED = 20261123


@pytest.fixture
def wiring(namespaces: Callable[[str], Namespace], component: list[str]) -> Wiring:
    component.append(dot1x.version("wpa_supplicant"))
    return dot1x.wire(namespaces)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority")


def say(space: Namespace, frames: Iterable[bytes], pause: float = 0.002) -> int:
    """Put frames on the phone's wire, in the name of its switch's port; return how many."""

    async def send() -> int:
        count = 0
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind((dot1x.PORT, 0))
            own = host_interface.hardware_address(dot1x.PORT)
            for frame in frames:
                raw.send(frame[:6] + own + frame[12:])
                count += 1
                if count % BATCH == 0:
                    await asyncio.sleep(pause)
        return count

    return int(space.call(send))


def processes(space: Namespace) -> dict[str, int]:
    """Return `{process: resident KiB}` of the supplicants in a node."""
    words = ["ip", "netns", "pids", space.name]
    found = {}
    for pid in subprocess.run(words, capture_output=True, text=True, check=True).stdout.split():
        status = Path(f"/proc/{pid}/status")
        text = status.read_text() if status.exists() else ""
        if "Name:\twpa_supplicant\n" in text:
            found[pid] = int(re.findall(r"VmRSS:\s+(\d+)", text)[0])
    return found


def shown(phone: Addressed) -> str:
    return dict(phone.status().rows)["Transaction status"]


@pytest.mark.proves("DOT-04")
def test_nobody_is_let_in_by_a_success_that_was_not_earned(
    wiring: Wiring, authority: Authority, tmp_path: Path
) -> None:
    async def scenario() -> tuple[set[str], list[str]]:
        async with addressed(tmp_path, FEATURE, known=facts(authority), **ON) as phone:
            await phone.until(lambda: processes(wiring.phone))
            words = set()
            for _ in range(5):
                await asyncio.to_thread(say, wiring.switch, unasked(), 0.01)
                words.add(shown(phone))
            await phone.until(lambda: phone.facts.admissions)  # it goes on unauthenticated
            words.add(shown(phone))
            return words, phone.log

    words, log = wiring.phone.call(scenario)
    assert words == {"Authenticating"}
    assert not [line for line in log if "dot1x.authenticated" in line]


def endure(
    wiring: Wiring, authority: Authority, port: Port, folder: Path, count: int
) -> tuple[int, int]:
    """Flood a phone that is let in; it must still be the same, and be let in once more.

    Returns the resident KiB of its supplicant after a tenth of the frames, and at the end.
    """

    async def scenario() -> tuple[int, int]:
        async with addressed(folder, FEATURE, known=facts(authority), **ON) as phone:
            await phone.until(lambda: phone.facts.admissions)
            before = processes(wiring.phone)
            first, rest = count // 10, count - count // 10
            await asyncio.to_thread(say, wiring.switch, hostile(SEED, first))
            (warm,) = processes(wiring.phone).values()
            await asyncio.to_thread(say, wiring.switch, hostile(SEED + 1, rest))
            after = processes(wiring.phone)
            assert after.keys() == before.keys(), "the supplicant did not live"
            known = phone.facts.admissions
            wiring.switch.run("ip", "link", "set", dot1x.PORT, "down")
            await asyncio.to_thread(port.shut, PHONE)
            wiring.switch.run("ip", "link", "set", dot1x.PORT, "up")
            await phone.until(lambda: phone.facts.admissions > known)
            assert shown(phone) == "Authenticated"
            return warm, after.popitem()[1]

    warm, last = wiring.phone.call(scenario)
    return warm, last


@pytest.fixture
def port(wiring: Wiring, authority: Authority, tmp_path: Path) -> Port:
    return Port.guard(wiring.switch, tmp_path / "port", authority.server(User("*", "TLS")))


def test_nonsense_from_the_switch_neither_ends_nor_shuts_out_the_phone(
    wiring: Wiring, authority: Authority, tmp_path: Path, port: Port
) -> None:
    endure(wiring, authority, port, tmp_path, 4000)
    assert port.gate.authorised() == {PHONE}
    port.stop()


@pytest.mark.soak
def test_a_million_hostile_frames_leave_the_supplicant_as_it_was(
    wiring: Wiring, authority: Authority, tmp_path: Path, port: Port
) -> None:
    warm, last = endure(wiring, authority, port, tmp_path, 1_000_000)
    assert last <= warm * 1.1 + 256
    port.stop()
