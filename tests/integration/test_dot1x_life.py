"""A supplicant from its start to its end: killed, unplugged, forgotten, switched off."""

import asyncio
import contextlib
import os
import select
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.features.dot1x import session, watch
from ringfence.protocols import supplicant
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.host_packets import Packets
from tests.support.dot1x import ON, PHONE, facts
from tests.support.dot1x_stage import (
    ANYONE,
    FAST_USER,
    PASSWORD,
    Stage,
    Watched,
    rows_when_in,
    stage,
    supplicant_says,
)

__all__ = ["stage"]


def test_secrets_stand_on_no_command_line_and_in_no_file_of_others(stage: Stage) -> None:
    stage.guard(stage.authority.server(FAST_USER))

    async def scenario(phone: Watched) -> tuple[list[str], list[str]]:
        await rows_when_in(phone)
        return [command_line(pid) for pid in supplicants(stage)], phone.feature.log

    lines, log = stage.phone(scenario, **PASSWORD)
    assert len(lines) == 1
    held = [path for path in stage.state.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in held} == {0o600}
    assert stat.S_IMODE((stage.state / "dot1x").stat().st_mode) == 0o700
    for text in (*lines, *log):
        assert "secret" not in text
        assert b"secret".hex() not in text


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def supplicants(stage: Stage) -> list[int]:
    """Return the processes of the phone's node that are supplicants."""
    words = ["ip", "netns", "pids", stage.wiring.phone.name]
    found = []
    for pid in subprocess.run(words, capture_output=True, text=True, check=True).stdout.split():
        with contextlib.suppress(FileNotFoundError):
            if Path(f"/proc/{pid}/comm").read_text() == "wpa_supplicant\n":
                found.append(int(pid))
    return found


def test_a_supplicant_that_is_killed_comes_back_by_itself(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> tuple[int, int]:
        await rows_when_in(phone)
        (first,) = supplicants(stage)
        os.kill(first, signal.SIGKILL)
        await phone.shows("Transaction status", "Authenticating")
        await phone.shows("Transaction status", "Authenticated")
        (second,) = supplicants(stage)
        return first, second

    first, second = stage.phone(scenario, **ON)
    assert first != second
    assert port.gate.authorised() == {PHONE}  # the switch never noticed
    assert port.gate.logged("gate.shut") == 0


def test_the_supplicant_ends_with_a_phone_that_is_killed(stage: Stage) -> None:
    stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> None:
        await rows_when_in(phone)
        told.write_text("".join(map(str, supplicants(stage))))
        os.kill(os.getpid(), signal.SIGKILL)

    told = stage.state.parent / "supplicant"
    with pytest.raises(RuntimeError, match="died without an answer"):
        stage.phone(scenario, **ON)
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(int(told.read_text()))
        assert select.select([handle], [], [], 5)[0]  # readable once it has ended
        os.close(handle)
    assert supplicants(stage) == []


def test_a_wire_that_was_pulled_out_is_authorised_anew(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> list[str]:
        await rows_when_in(phone)
        stage.wiring.switch.run("ip", "link", "set", "p1", "down")
        await phone.shows("Reason", "the wire is unplugged")
        stage.wiring.switch.run("ip", "link", "set", "p1", "up")
        await phone.admitted(2)
        return (await rows_when_in(phone))[1]

    words = stage.phone(scenario, **ON)
    assert words == ["Authenticating", "Authenticated", "Authenticating", "Authenticated"]
    port.opened(PHONE, 2)


def test_a_phone_that_the_switch_has_forgotten_notices_and_asks_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody tells a supplicant of `deauthenticate`: its router does not answer any more."""
    monkeypatch.setattr(watch, "PERIOD", 0.5)
    monkeypatch.setattr(watch, "ANSWER", 0.4)
    port = stage.guard(stage.authority.server(ANYONE))
    stage.wiring.phone.address("br0", "10.99.1.100/24")
    lease = Lease("10.99.1.100", 24, server="10.99.1.10", routers=("10.99.1.10",))

    async def scenario(phone: Watched) -> list[str]:
        await rows_when_in(phone)
        await phone.shows("Watched Router", "10.99.1.10 answers")
        before = port.gate.blocked()["blocked_in"]
        await asyncio.to_thread(port.command, "deauthenticate", PHONE)
        await asyncio.to_thread(port.shut, PHONE)
        assert "AUTHENTICATED" in await asyncio.to_thread(supplicant_says, stage)
        await phone.shows("Reason", "the network fell silent")
        assert port.gate.blocked()["blocked_in"] >= before + 3
        return (await rows_when_in(phone))[1]

    words = stage.as_phone(replace(facts(stage.authority), lease=lease), scenario, **ON)
    assert words[-3:] == ["Authenticated", "Authenticating", "Authenticated"]
    port.opened(PHONE, 2)


def test_a_phone_without_an_address_does_not_believe_for_ever_that_it_is_let_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no router yet that could fall silent."""
    monkeypatch.setattr(session, "FIRST_TRUST", 0.5)
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> list[str]:
        await rows_when_in(phone)
        await asyncio.to_thread(port.command, "deauthenticate", PHONE)
        await asyncio.to_thread(port.shut, PHONE)
        await phone.shows("Reason", "the network fell silent")
        return (await rows_when_in(phone))[1]

    words = stage.as_phone(replace(facts(stage.authority), lease=None), scenario, **ON)
    assert words[-3:] == ["Authenticated", "Authenticating", "Authenticated"]
    port.opened(PHONE, 2)


def test_a_phone_that_was_busy_reads_what_was_said_before_it_asks_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = stage.guard(stage.authority.server(ANYONE))
    send, first = Packets.send, iter([True])

    def sent(packets: Packets, frame: bytes) -> None:
        """Keep the phone busy after its first frame, as long as a conversation may stand still."""
        send(packets, frame)
        if next(first, False):
            port.opened(PHONE)
            time.sleep(supplicant.FIRST_STALL)

    async def scenario(phone: Watched) -> str:
        await rows_when_in(phone)
        return await asyncio.to_thread(supplicant_says, stage)

    monkeypatch.setattr(Packets, "send", sent)
    said = stage.phone(scenario, **ON)
    assert "Supplicant PAE state=AUTHENTICATED" in said


def test_a_phone_that_stops_for_good_logs_off(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> None:
        await rows_when_in(phone)
        phone.feature.leaves = True

    stage.phone(scenario, **ON)
    port.shut(PHONE)


def test_a_phone_without_a_lease_asks_for_one_until_the_port_is_really_open(stage: Stage) -> None:
    """A switch says that it lets the phone in before its kernel does; one question may be lost."""
    stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> int:
        await phone.admitted(1 + len(session.AGAIN))
        return phone.feature.logged("dot1x.authenticated")()

    assert stage.as_phone(replace(facts(stage.authority), lease=None), scenario, **ON)


def test_switching_it_off_logs_the_phone_off(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> dict[str, str]:
        await rows_when_in(phone)
        await phone.feature.change(**{"Enable_802.1X_Authentication": "No"})
        return phone.rows()

    assert stage.phone(scenario, **ON) == {"Transaction status": "Disabled"}
    port.shut(PHONE)
    assert port.gate.authorised() == set()
