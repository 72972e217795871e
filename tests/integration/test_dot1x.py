"""The phone's supplicant at a port that blocks, before hostapd and FreeRADIUS."""

import asyncio
import contextlib
import os
import select
import signal
import stat
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.features.dot1x import FEATURE, session, watch
from ringfence.lab.dot1x import EapServer, RadiusClient, User
from ringfence.lab.namespaces import Namespace
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcp import Lease
from ringfence.runtime import host_supplicant
from ringfence.runtime.state import Facts
from tests.support import dot1x
from tests.support.dot1x import ON, PHONE, Authority, Freeradius, HostapdRadius, Port, Wiring, facts
from tests.support.lease import Addressed, addressed

FAST_USER = User("fastphone", "FAST", "secret")
FAST = {**ON, "RF_EAP_FAST_Identity": "fastphone", "RF_EAP_Identity": "fastphone"}
PASSWORD = {**FAST, "RF_EAP_FAST_Password": "secret"}
ANYONE = User("*", "TLS")
Guard = Callable[[EapServer | RadiusClient], Port]


class Stage(NamedTuple):
    """A phone at a port, and whom it may meet."""

    wiring: Wiring
    authority: Authority
    guard: Guard
    state: Path

    def phone(self, scenario: Callable[["Watched"], Any], **texts: str) -> Any:
        """Run a scenario on a phone with these parameters, in its own node."""
        return self.as_phone(facts(self.authority), scenario, **texts)

    def as_phone(self, known: Facts, scenario: Callable[["Watched"], Any], **texts: str) -> Any:
        async def run() -> Any:
            async with watched(self.state, known, **texts) as phone:
                return await scenario(phone)

        return self.wiring.phone.call(run)


class Watched(NamedTuple):
    """A phone and what it showed under Transaction status, each word once."""

    feature: Addressed
    words: list[str]
    seen: list[dict[str, str]]
    """Every status page that was looked at and differed from the one before."""

    def rows(self) -> dict[str, str]:
        return dict(self.feature.status().rows)

    async def admitted(self, count: int = 1) -> None:
        await self.feature.until(lambda: self.feature.facts.admissions >= count)

    async def shows(self, label: str, text: str) -> dict[str, str]:
        try:
            await self.feature.until(lambda: text in self.seen[-1].get(label, ""))
        except TimeoutError:
            raise AssertionError(f"no {text!r} in {self.rows()}; {self.feature.log}") from None
        return self.seen[-1]


@contextlib.asynccontextmanager
async def watched(state: Path, known: Facts, **texts: str) -> AsyncIterator[Watched]:
    async with addressed(state, FEATURE, known=known, **texts) as feature:
        made = Watched(feature, [], [{}])

        async def look() -> None:
            """Follow what is shown; a status page is only ever asked."""
            while True:
                rows = made.rows()
                if made.words[-1:] != [rows["Transaction status"]]:
                    made.words.append(rows["Transaction status"])
                if rows != made.seen[-1]:
                    made.seen.append(rows)
                    feature.note(f"shows {rows}")
                await asyncio.sleep(0.001)

        task = asyncio.create_task(look())
        try:
            yield made
        finally:
            task.cancel()


@pytest.fixture
def stage(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    component += [dot1x.version("hostapd"), dot1x.version("wpa_supplicant")]
    wiring, made = dot1x.wire(namespaces), list[Port]()

    def guard(back: EapServer | RadiusClient) -> Port:
        made.append(Port.guard(wiring.switch, tmp_path / "port", back))
        return made[-1]

    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    yield Stage(wiring, Authority.create(tmp_path / "authority"), guard, state)
    for port in made:
        port.stop()


async def rows_when_in(phone: Watched) -> tuple[dict[str, str], list[str]]:
    await phone.admitted()
    await phone.feature.until(lambda: phone.words[-1:] == ["Authenticated"])
    return phone.rows(), phone.words


@pytest.mark.proves("DOT-02", "DOT-04", "DOT-05")
def test_eap_tls_opens_the_port_and_the_screen_says_so(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))
    rows, words = stage.phone(rows_when_in, **ON)
    port.opened(PHONE)
    assert port.gate.authorised() == {PHONE}
    assert words == ["Authenticating", "Authenticated"]
    assert rows["Protocol"] == "EAP-TLS"
    assert rows["Identity"] == "CP-8841-SEP000E08ABCDEF"


@pytest.mark.proves("DOT-02")
def test_freeradius_lets_the_phone_in_by_its_certificate(
    stage: Stage, tmp_path: Path, component: list[str]
) -> None:
    component.append(Freeradius.version())
    server = Freeradius(stage.wiring.servers, tmp_path / "raddb", stage.authority.server(ANYONE))
    try:
        port = stage.guard(dot1x.RADIUS)
        rows, _ = stage.phone(rows_when_in, **ON)
        port.opened(PHONE)
        assert rows["Protocol"] == "EAP-TLS"
        assert server.logged("Login OK: [CP-8841-SEP000E08ABCDEF]") == 1
    finally:
        server.stop()


def test_the_custom_certificate_is_shown_where_it_is_selected(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(User("reception", "TLS")))
    custom = facts(stage.authority, "reception").client
    known = replace(facts(stage.authority), custom=custom)
    rows, _ = stage.as_phone(
        known, rows_when_in, **ON, **{"Certificate_Select": "Custom installed"}
    )
    port.opened(PHONE)
    assert rows["Identity"] == "reception"


@pytest.mark.proves("DOT-04")
def test_switched_off_the_phone_says_nothing_and_passes_nothing(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> dict[str, str]:
        await phone.feature.until(lambda: phone.words)
        await asyncio.to_thread(stage.wiring.phone.run, "ip", "address", "add", *OWN)
        words = ("ping", "-c", "3", "-i", "0.05", "-W", "1", "10.99.1.10")
        await asyncio.to_thread(lambda: stage.wiring.phone.run(*words, check=False))
        return phone.rows()

    assert stage.phone(scenario) == {"Transaction status": "Disabled"}
    assert port.gate.authorised() == set()
    assert port.gate.blocked()["blocked_in"] >= 1
    assert "dot1xAuthEapolFramesRx" not in port.command("all_sta")


OWN = ("10.99.1.100/24", "dev", "br0")


@pytest.mark.proves("DOT-03", "DOT-05")
def test_eap_fast_fetches_its_credential_from_a_server_that_it_knows(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(FAST_USER, provisioning=2))

    async def scenario(phone: Watched) -> tuple[str, str]:
        rows, _ = await rows_when_in(phone)
        return rows["Protocol"], await asyncio.to_thread(supplicant_says, stage)

    protocol, said = stage.phone(scenario, **PASSWORD)
    assert protocol == "EAP-FAST"
    assert "tls_session_reused=0" in said
    port.opened(PHONE)
    (credential,) = stage.state.glob("eap-fast-*.pac")
    assert stat.S_IMODE(credential.stat().st_mode) == 0o600
    before = credential.read_bytes()
    protocol, said = stage.phone(scenario, **PASSWORD)
    assert protocol == "EAP-FAST"
    assert "tls_session_reused=1" in said  # with the credential, and no new one
    assert credential.read_bytes() == before


def supplicant_says(stage: Stage) -> str:
    """Return the supplicant's own words, from its control socket."""
    cli = ("wpa_cli", "-p", str(stage.state / "dot1x"), "-i", "br0", "status")
    return stage.wiring.phone.run(*cli).stdout


@pytest.mark.proves("DOT-03")
def test_a_credential_from_a_stranger_is_taken_by_explicit_switch_alone(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(FAST_USER, provisioning=1))

    async def refused(phone: Watched) -> str:
        await phone.admitted()  # it goes on, as at a port that nobody guards
        return phone.rows()["Transaction status"]

    assert stage.phone(refused, **PASSWORD) == "Authenticating"
    assert list(stage.state.glob("*.pac")) == []
    assert port.gate.authorised() == set()
    anonymous = {**PASSWORD, "RF_EAP_FAST_PAC_Mode": "Anonymous"}

    async def scenario(phone: Watched) -> tuple[dict[str, str], list[str]]:
        return await phone.shows("Transaction status", "Authenticated"), phone.feature.log

    rows, log = stage.phone(scenario, **anonymous)
    assert rows["Protocol"] == "EAP-FAST"
    assert not [line for line in log if "refused" in line]
    port.opened(PHONE)
    assert len(list(stage.state.glob("*.pac"))) == 1


def test_eap_fast_by_hostapd_as_radius_server(stage: Stage, tmp_path: Path) -> None:
    server = stage.authority.server(FAST_USER)
    radius = HostapdRadius(stage.wiring.servers, tmp_path / "radius", server)
    try:
        port = stage.guard(dot1x.RADIUS)
        rows, _ = stage.phone(rows_when_in, **PASSWORD)
        port.opened(PHONE)
        assert rows["Protocol"] == "EAP-FAST"
    finally:
        radius.stop()


@pytest.mark.proves("DOT-04")
@pytest.mark.parametrize(
    ("break_it", "texts", "words"),
    [
        (
            "other root",
            ON,
            "the authentication server is not trusted (Provider Root): self-signed certificate",
        ),
        (
            "",
            {**ON, "RF_EAP_Server_Name": "other.telco.test"},
            "the authentication server has another name (radius.telco.test): Domain mismatch",
        ),
        ("other root", PASSWORD, "the authentication server is not trusted (Provider Root)"),
        (
            "",
            {**PASSWORD, "RF_EAP_Server_Name": "other.telco.test"},
            "the authentication server has another name (radius.telco.test)",
        ),
        ("alien", ON, "the authentication server refused the phone's certificate"),
        (
            "",
            {**FAST, "RF_EAP_FAST_Password": "wrong"},
            "the authentication server refused identity or password",
        ),
        ("", {**ON, "RF_EAP_Identity": "fastphone"}, "offers EAP-FAST, which is not set up here"),
        ("", {**PASSWORD, "RF_EAP_FAST_PAC_Mode": "Off"}, "EAP-FAST has no credential (PAC) yet"),
    ],
)
def test_a_phone_that_is_not_let_in_says_why_and_goes_on(
    stage: Stage, break_it: str, texts: dict[str, str], words: str
) -> None:
    port = stage.guard(stage.authority.server(FAST_USER, ANYONE))
    known = facts(stage.authority)
    other = Authority.create(stage.state.parent / "other", root="Another Root")
    if break_it == "other root":
        known = replace(known, trust=Trust(provider_root=(other.root.pem,)))
    if break_it == "alien":
        known = replace(known, client=facts(other).client)

    async def scenario(phone: Watched) -> tuple[dict[str, str], int]:
        await phone.admitted()
        return await phone.shows("Reason", words), phone.feature.facts.admissions

    rows, admissions = stage.as_phone(known, scenario, **texts)
    assert rows["Transaction status"] == "Authenticating"
    assert admissions == 1
    assert port.gate.authorised() == set()


def test_a_port_without_an_authenticator_is_used_as_it_is(stage: Stage) -> None:
    async def scenario(phone: Watched) -> dict[str, str]:
        await phone.admitted()
        return phone.rows()

    rows = stage.phone(scenario, **ON)
    assert rows["Reason"] == "no authenticator answers at this port"
    assert rows["Transaction status"] == "Authenticating"


def test_a_phone_without_wpa_supplicant_says_so_and_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_supplicant, "PROGRAM", "wpa_supplicant_of_nobody")

    async def scenario(phone: Watched) -> dict[str, str]:
        await phone.admitted()
        return phone.rows()

    rows = stage.phone(scenario, **ON)
    assert rows["Reason"] == "wpa_supplicant_of_nobody: is not installed"


def test_a_full_disk_does_not_keep_the_phone_from_its_network(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ComponentError("file dot1x.conf", "No space left on device")

    async def scenario(phone: Watched) -> int:
        monkeypatch.setattr(phone.feature.world.host, "write", full)
        with pytest.raises(ComponentError):
            await phone.feature.change(**ON)
        return phone.feature.facts.admissions

    assert stage.phone(scenario) == 1


def test_a_phone_that_would_believe_anyone_does_not_ask(stage: Stage) -> None:
    port = stage.guard(stage.authority.server(ANYONE))

    async def scenario(phone: Watched) -> dict[str, str]:
        await phone.admitted()
        return phone.rows()

    known = replace(facts(stage.authority), trust=Trust())
    rows = stage.as_phone(known, scenario, **ON)
    assert rows["Reason"].startswith("no CA is installed")
    assert rows["Transaction status"] == "Disabled"
    assert "dot1xAuthEapolFramesRx" not in port.command("all_sta")


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
