"""The XSI directory of a lab server on the phone's screen, by HTTPS and HTTP."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.certificates import Pair, leaf
from tests.support.hostile import liar
from tests.support.lease import Server
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, NAME, SECOND, Net, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "liar", "net"]

XSI = "xsi.telco.test"
A_RECORDS = (f"host-record={XSI},{FIRST}", f"host-record={NAME},{FIRST}")
USED = {
    "Resync_On_Reset": "No",
    "Directory_Enable": "Yes",
    "Directory_Name": "Company",
    "XSI_Host_Server": f"https://{XSI}",
    "Login_User_ID": "1001",
    "Login_Password": "login-secret",
}
LAST = "XSI Last"
Start = Callable[..., Server]


@pytest.fixture
def xsi(net: Net, component: list[str]) -> Start:
    """Start the lab's server: HTTPS, or HTTP where no certificate is given."""
    component.append("own-peer")

    def start(certificate: Pair | None, address: str = FIRST) -> Server:
        folder = net.folder / f"xsi-{address}"
        folder.mkdir()
        files = certificate.save(folder, "server") if certificate else ()
        port = "443" if certificate else "80"
        words = ("-m", "ringfence.lab.xsi", address, port, *files)
        server = Server(net.servers, folder, sys.executable, *words)
        net.at_end(server.stop)
        server.wait_for("ready")
        return server

    return start


def rows(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["xsi"]["rows"])


def failed(phone: RunningPhone, words: str) -> None:
    """Wait until the last request has failed for a reason."""
    phone.until(lambda now: words in dict(now["features"]["xsi"]["rows"]).get(LAST, ""))


def resident(phone: RunningPhone) -> int:
    """Return the memory of the phone, in MiB."""
    (child,) = phone.children()
    words = Path(f"/proc/{child}/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) >> 10


@pytest.mark.proves("APP-04", "TLS-08")
def test_names_are_found_dialled_and_the_calls_are_listed(
    net: Net, dnsmasq: StartDnsmasq, xsi: Start
) -> None:
    dnsmasq(*A_RECORDS)
    server = xsi(leaf(net.trust.servers, dns=[XSI]))
    phone = net.boot(**USED)
    screen = Screen(phone)
    screen.open("Company")
    screen.press("1", "Down", *"love", "Search")
    found = screen.wait("Ada Lovelace")
    assert "+442079460815" in found
    assert "1 to 1 of 1" in found
    server.wait_for("known: 1001 by Basic")
    assert "+442079460815_" in screen.press("EditDial")
    screen.open("Company")
    screen.press("1", "Down", *"lovn*/i&x", "Search")
    assert "Nobody was found." in screen.wait("Nobody")
    server.wait_for("lastName=%2Alovni%26x%2A%2Fi&")
    screen.press("Back", "Search")
    assert "1 to 50 of 123" in screen.wait("1 to 50")
    screen.press("More")
    screen.wait("51 to 100 of 123")
    screen.press("More")
    assert "More" not in screen.wait("101 to 123").splitlines()[-1]
    screen.press("Back", "Back", "2")
    calls = screen.wait("Missed 12:30 Grace")
    assert "Received 11:00 Ada & Co <x>" in calls
    assert "1906_" in screen.press("EditDial")
    shown = rows(phone)
    assert f"TLSv1.3, TLS_AES_256_GCM_SHA384, {XSI}" in shown[LAST]
    assert shown["XSI Login"] == "1001, Login Credentials"


@pytest.mark.proves("APP-04")
def test_both_kinds_of_credentials_and_no_password_in_clear(
    net: Net, dnsmasq: StartDnsmasq, xsi: Start
) -> None:
    dnsmasq(*A_RECORDS)
    server = xsi(leaf(net.trust.servers, dns=[XSI]))
    sip = {"SIP_Auth_ID": "sip-1001", "SIP_Password": "sip-secret"}
    phone = net.boot(**USED, **sip, XSI_Authentication_Type="SIP Credentials")
    screen = Screen(phone)
    screen.open("Company")
    screen.press("2")
    screen.wait("Missed")
    server.wait_for("known: 1001 by BroadWorksSIP")
    submit(phone, SIP_Password="wrong")
    screen.open("Company")
    screen.press("2")
    screen.wait("HTTP status 401")
    assert "secret" not in phone.log + str(phone.status())


@pytest.mark.proves("APP-04")
def test_http_is_spoken_where_https_is_not_written_and_only_digest_is_answered(
    net: Net, dnsmasq: StartDnsmasq, xsi: Start
) -> None:
    dnsmasq(*A_RECORDS)
    server = xsi(None)
    phone = net.boot(**{**USED, "XSI_Host_Server": XSI})
    screen = Screen(phone)
    screen.open("Company")
    screen.press("2")
    screen.wait("Missed")
    assert "known: 1001 by Digest" in server.wait_for("known")
    assert "no TLS" in rows(phone)[LAST]
    submit(
        phone,
        XSI_Authentication_Type="SIP Credentials",
        SIP_Auth_ID="sip-1001",
        SIP_Password="sip-secret",
    )
    screen.open("Company")
    screen.press("2")
    screen.wait("without TLS")


@pytest.mark.proves("APP-04", "TLS-08")
def test_a_server_of_another_name_root_or_domain_gets_no_request(
    net: Net, dnsmasq: StartDnsmasq, xsi: Start
) -> None:
    dnsmasq(f"host-record={XSI},{FIRST}", f"host-record=two.telco.test,{SECOND}")
    wrong = xsi(leaf(net.trust.servers, dns=["other.telco.test"]))
    xsi(leaf(net.trust.foreign, dns=["two.telco.test"]), SECOND)
    phone = net.boot(**USED)
    screen = Screen(phone)
    for change, said in (
        ({}, "none of them is that name"),
        ({"XSI_Host_Server": "https://two.telco.test"}, "its signature is not by the root"),
        ({"Restricted_Access_Domains": "pv.telco.test"}, "domain not allowed: two.telco.test"),
    ):
        if change:
            submit(phone, **change)
        screen.open("Company")
        screen.press("2")
        failed(phone, said)
    assert "asked" not in wrong.wait_for("ready")


@pytest.mark.proves("APP-04")
def test_servers_that_lie_cost_no_memory(net: Net, dnsmasq: StartDnsmasq, liar: str) -> None:
    dnsmasq(*A_RECORDS)
    phone = net.boot(**{**USED, "XSI_Host_Server": f"{liar}/good"})
    before = resident(phone)
    screen = Screen(phone)
    for kind, said in (
        ("endless", "the body exceeds 262144 bytes"),
        ("loop", "more than 5 redirects"),
        ("garbage", "no HTTP answer"),
        ("cut", "broken answer"),
        ("laughs", "a DOCTYPE is not allowed"),
    ):
        submit(phone, XSI_Host_Server=f"{liar}/{kind}")
        screen.open("Company")
        screen.press("2")
        failed(phone, said)
    submit(phone, XSI_Host_Server=f"{liar}/bomb")
    screen.open("Company")
    screen.press("2")
    screen.wait("XML: ")
    assert resident(phone) - before < 32
