"""Servers with the right certificate that lie: whatever fetches or sends keeps its last good state.

Each application of the phone meets each lie; its status says which, and nothing of it breaks.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from ringfence.runtime.control import ask
from ringfence.runtime.device import bundles
from tests.support.certificates import authority
from tests.support.firmware import Publisher
from tests.support.hostile import liar
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, NAME, Net, resync, stored, submit
from tests.support.upgrade_phone import upgrade

__all__ = ["dnsmasq", "liar", "net"]

HERE = f"host-record={NAME},{FIRST}"
OLD_CA = authority("Old CA")
BAD_TLS = {
    ":4431/x": "what answers speaks no TLS",
    ":4432/x": "what answers speaks no TLS",
    ":4433/x": "closed during the TLS handshake",
    ":9/x": "Connection refused",
}
"""Where no TLS comes about, and what is said of it."""
BROKEN = {
    "short": "broken answer",
    "huge": "exceeds",
    "endless": "exceeds",
    "chunks": "broken answer",
    "cut": "broken answer",
    "garbage": "no HTTP answer",
    "closed": "the connection was closed",
    "loop": "more than 5 redirects",
}
"""What is said of an answer that is no whole answer; the same in every application."""


class Case(NamedTuple):
    """An application of the phone."""

    attempt: Callable[[RunningPhone, str], str]
    """Has it ask the server at a URL; returns why that failed."""
    said: Mapping[str, str]
    """What it says of whole answers that are rubbish."""
    texts: Mapping[str, str] = {}


def fetch(phone: RunningPhone, url: str) -> str:
    return str(resync(phone, url)["reason"])


def upgraded(phone: RunningPhone, url: str) -> str:
    return str(upgrade(phone, f"{url}/new.pyz")["reason"])


def command(phone: RunningPhone, name: str) -> str:
    told = ask(phone.state, {"verb": "command", "name": name, "arguments": {}})
    assert told is not None
    return str(told["reason"])


def report(phone: RunningPhone, url: str) -> str:
    submit(phone, Report_Rule=url)
    return command(phone, "report")


def problem(phone: RunningPhone, url: str) -> str:
    submit(phone, PRT_Upload_Rule=url)
    return command(phone, "problem-report")


def custom_ca(phone: RunningPhone, url: str) -> str:
    submit(phone, Custom_CA_Rule=url)
    return logged(phone, "custom_ca.failed", url)


def scep(phone: RunningPhone, url: str) -> str:
    submit(phone, CDC_Server_1_=url)
    return logged(phone, "certificates.scep_failed", url)


def logged(phone: RunningPhone, event: str, url: str) -> str:
    """Return the reason in the log, once the attempt has failed."""
    place = url.removeprefix(f"https://{NAME}")
    words = f"{event}: https://{NAME}{'' if place.startswith(':') else ':443'}{place}: "
    said = phone.wait_for(words)
    said = phone.wait_for("\n", said.count("\n", 0, said.index(words)) + 1)
    return said.partition(words)[2].partition("\n")[0]


def activation(phone: RunningPhone, url: str) -> str:
    submit(phone, RF_Activation_URL=url)
    return str(resync(phone)["reason"])


SCEP = {"CDC_Root_CA_Fingerprint_1_": "AB" * 32, "CDC_Challenge_Password_1_": "sesame"}
ONBOARDING = {"Profile_Rule": "gds://"}
CASES = {
    "resync": Case(fetch, {"long": "line 1", "bomb": "more than 1048576", "noise": "utf-8"}),
    "upgrade": Case(upgraded, dict.fromkeys(("long", "bomb", "noise"), "metadata are refused")),
    "report": Case(report, {}, {"HTTP_Report_Method": "PUT"}),
    "problem report": Case(problem, {}, {"PRT_Upload_Method": "PUT"}),
    "custom CA": Case(custom_ca, dict.fromkeys(("long", "bomb", "noise"), "bundle is refused")),
    "certificate": Case(scep, dict.fromkeys(("long", "bomb", "noise"), "cannot be read"), SCEP),
    "activation": Case(
        activation,
        {"long": "it is no JSON", "bomb": "exceeds 8192 bytes", "noise": "it is no JSON"},
        ONBOARDING,
    ),
}


ROWS = {
    "resync": ("RSY-05", "RSY-07"),
    "upgrade": ("RSY-09",),
    "report": ("RSY-08",),
    "problem report": ("APP-02",),
    "custom CA": ("RSY-10",),
    "certificate": ("PRV-21",),
    "activation": ("RSY-12",),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.proves(*ROWS[name])) for name in CASES]
)
def test_no_lie_of_a_server_changes_the_phone(
    net: Net, dnsmasq: StartDnsmasq, liar: str, name: str
) -> None:
    case = CASES[name]
    phone = booted(net, dnsmasq, case.texts)
    before = held(net, phone)
    (process,) = phone.children()
    found = {}
    for place in (*BAD_TLS, *(f"/{kind}" for kind in (*BROKEN, *case.said))):
        found[place.removeprefix("/")] = case.attempt(phone, liar + place)
        assert held(net, phone) == before, place
    wanted = {**BAD_TLS, **BROKEN, **case.said}
    wrong = {kind: found[kind] for kind, words in wanted.items() if words not in found[kind]}
    assert not wrong
    phone.status()
    assert phone.children() == [process]
    assert "Traceback" not in phone.log
    assert ".bug" not in phone.log
    if name == "resync":
        assert resync(phone, f"{liar}/good")["result"] == "success"
        assert stored(phone, "GPP_A") == "recovered"


def booted(net: Net, dnsmasq: StartDnsmasq, texts: Mapping[str, str]) -> RunningPhone:
    """Start a phone that fetches nothing by itself, with an earlier CA and no other certificate."""
    dnsmasq(HERE)
    author = Publisher(net.folder / "ca")
    author.publish(net.folder / "firmware", b"image")
    author.trust(net.folder / "firmware", net.state)
    (net.state / "custom-ca.crt").write_text(OLD_CA.pem)
    quiet = {"Resync_On_Reset": "No", "Resync_Error_Retry_Delay": "0", "GPP_A": "good"}
    return net.boot(**quiet, Upgrade_Error_Retry_Delay="0", **texts)


def held(net: Net, phone: RunningPhone) -> tuple[Any, ...]:
    """Return what no lie may change."""
    names = {path.name for path in net.state.iterdir()}
    trusted = bundles("", (net.state / "custom-ca.crt").read_text()).custom
    kept = names & {"custom-device.pem", "firmware-a.pyz", "firmware-b.pyz", "firmware.json"}
    return stored(phone, "GPP_A"), stored(phone, "Profile_Rule"), trusted, kept


def test_a_server_that_drips_is_left_in_time_by_everyone(
    net: Net, dnsmasq: StartDnsmasq, liar: str
) -> None:
    dnsmasq(HERE)
    rules = ("Custom_CA_Rule", "CDC_Server_1_", "Report_Rule", "PRT_Upload_Rule")
    author = Publisher(net.folder / "ca")
    author.publish(net.folder / "firmware", b"image")
    author.trust(net.folder / "firmware", net.state)
    dripping = dict.fromkeys(rules, f"{liar}/drip/x")
    uploads = {"Report_to_Server": "On Local Change", "Upload_Delay_On_Local_Change": "0"}
    quiet = {"Resync_On_Reset": "No", "Resync_Error_Retry_Delay": "0", "GPP_A": "good"}
    phone = net.boot(**quiet, **SCEP, **uploads, **dripping)
    submit(phone, Display_Name_1_="Anna")
    with ThreadPoolExecutor() as aside:
        sent = aside.submit(command, phone, "problem-report")
        image = aside.submit(upgraded, phone, f"{liar}/drip")
        for reason in (fetch(phone, f"{liar}/drip/x"), sent.result(), image.result()):
            assert "no answer in 30 s" in reason
    for event in ("custom_ca.failed", "certificates.scep_failed", "report.failed"):
        assert "no answer in 30 s" in logged(phone, event, f"{liar}/drip/x")
    assert stored(phone, "GPP_A") == "good"
    assert ".bug" not in phone.log


@pytest.mark.proves("RSY-13")
def test_no_lie_over_tftp_changes_the_phone(net: Net, dnsmasq: StartDnsmasq, liar: str) -> None:
    phone = booted(net, dnsmasq, {})
    before = held(net, phone)
    (process,) = phone.children()
    wanted = {
        "endless": "the file exceeds 1048576 bytes",
        "error": "TFTP error 2: ",
        "options": "grants options that nobody asked for",
    }
    found = {kind: fetch(phone, f"tftp://{NAME}/{kind}") for kind in wanted}
    wrong = {kind: found[kind] for kind, words in wanted.items() if words not in found[kind]}
    assert not wrong
    assert found["error"].isprintable()
    assert len(found["error"]) < 400
    assert held(net, phone) == before
    assert phone.children() == [process]
    assert ".bug" not in phone.log
