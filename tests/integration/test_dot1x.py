"""The phone's supplicant at a port that blocks, before hostapd and FreeRADIUS."""

import asyncio
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.lab.dot1x import User
from ringfence.policy.tls import Trust
from ringfence.runtime import host_supplicant
from tests.support import dot1x
from tests.support.dot1x import ON, PHONE, Authority, Freeradius, HostapdRadius, facts
from tests.support.dot1x_stage import (
    ANYONE,
    FAST,
    FAST_USER,
    PASSWORD,
    Stage,
    Watched,
    rows_when_in,
    stage,
    supplicant_says,
)

__all__ = ["stage"]


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
