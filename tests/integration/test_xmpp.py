"""Presence and waiting messages by a real Prosody."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Pair, leaf, rsa_key
from tests.support.lease import Server
from tests.support.phone import RINGFENCE, RunningPhone
from tests.support.prosody import DOMAIN, PASSWORD, Prosody, bob, version
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, PHONE, Net, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "net"]

A_RECORD = f"host-record={DOMAIN},{FIRST}"
USED = {
    "Resync_On_Reset": "No",
    "XMPP_Enable": "Yes",
    "XMPP_User_ID": f"1001@{DOMAIN}",
    "XMPP_Password": PASSWORD,
}
Start = Callable[..., Prosody]


@pytest.fixture
def prosody(net: Net, component: list[str]) -> Start:
    """Start Prosody, by default with the right certificate."""
    component.append(version())

    def start(certificate: Pair | None = None, more: str = "") -> Prosody:
        return Prosody(net, certificate or leaf(net.trust.servers, dns=[DOMAIN]), more)

    return start


def told(status: dict[str, Any]) -> dict[str, str]:
    return dict(status["features"]["xmpp"]["rows"])


def wait(phone: RunningPhone, label: str, words: str) -> dict[str, str]:
    """Return the section of the status once a row has words."""
    return told(phone.until(lambda now: words in told(now).get(label, "")))


@pytest.mark.proves("APP-05", "TLS-04")
def test_presence_and_messages_are_shown_over_starttls(
    net: Net, dnsmasq: StartDnsmasq, prosody: Start
) -> None:
    dnsmasq(A_RECORD)
    server = prosody()
    phone = net.boot(**USED)
    shown = wait(phone, "XMPP State", f"Online as 1001@{DOMAIN}/phone-000e08abcdef")
    assert "TLS_AES_256_GCM_SHA384, xmpp.telco.test; SCRAM-SHA-256" in shown["XMPP Protection"]
    server.wait_for("Authenticated as 1001")
    bob(
        net,
        "<presence><show>away</show><status>Lunch</status></presence>",
        f"<message to='1001@{DOMAIN}' type='chat'><body>Back &lt;soon&gt;</body></message>",
    )
    wait(phone, "XMPP Contacts", "1, 1 available")
    assert wait(phone, "Messages Waiting", "1")
    screen = Screen(phone)
    assert "[MESSAGE]" in screen.press("Home")
    screen.open("XMPP")
    screen.press("1")
    assert "Bob: Away, Lunch" in screen.wait("Bob")
    screen.press("Back", "2")
    assert f"bob@{DOMAIN}: Back <soon>" in screen.wait("soon")
    assert "[MESSAGE]" not in screen.press("Home")
    submit(phone, XMPP_Enable="No")
    phone.until(lambda now: now["features"]["xmpp"]["health"] == "Disabled")
    server.wait_for("Client disconnected")
    assert PASSWORD not in phone.log + str(phone.status())


@pytest.mark.proves("APP-05", "TLS-04")
def test_direct_tls_offers_xmpps_own_list_and_obeys_the_cipher_list(
    net: Net, dnsmasq: StartDnsmasq, prosody: Start
) -> None:
    dnsmasq(A_RECORD)
    # ARIA is in HIGH, and in none of the chapter's other lists.
    only = ', protocol = "tlsv1_2", ciphers = "ECDHE-ARIA256-GCM-SHA384"'
    prosody(leaf(net.trust.servers, dns=[DOMAIN], key=rsa_key()), only)
    phone = net.boot(**USED, XMPP_Port="5223")
    shown = wait(phone, "XMPP State", "Online")
    assert "TLSv1.2, ECDHE-ARIA256-GCM-SHA384" in shown["XMPP Protection"]
    submit(phone, TLS_Cipher_List="ECDHE-ECDSA-AES256-GCM-SHA384")
    assert "handshake failure" in wait(phone, "XMPP State", "Offline")["XMPP State"]


@pytest.mark.proves("APP-05", "TLS-08")
def test_a_wrong_name_root_or_domain_gets_no_password(
    net: Net, dnsmasq: StartDnsmasq, prosody: Start
) -> None:
    names = dnsmasq(A_RECORD)
    server = prosody(leaf(net.trust.servers, dns=["other.telco.test"]))
    phone = net.boot(**USED)
    wait(phone, "XMPP State", "none of them is that name")
    submit(phone, Restricted_Access_Domains="pv.telco.test")
    wait(phone, "XMPP State", f"domain not allowed: {DOMAIN}")
    names.wait_for(f"query[A] {DOMAIN}")
    assert "Authenticated" not in server.wait_for("Client connected")


@pytest.mark.proves("APP-05")
def test_a_probe_comes_to_tls_as_the_phone_does(net: Net, prosody: Start) -> None:
    prosody()
    net.phone_space.address("eth0", f"{PHONE}/24")
    (net.folder / "root.pem").write_text(net.trust.servers.pem)

    def probe(domain: str, port: int) -> tuple[int, str]:
        words = ("probe", "tls", f"{domain}:{port}", "--app", "xmpp", "--connect", FIRST)
        root = ("--ca", str(net.folder / "root.pem"))
        ran = net.phone_space.run(*RINGFENCE, *words, *root, check=False)
        return ran.returncode, ran.stdout

    for port in (5222, 5223):
        code, said = probe(DOMAIN, port)
        assert (code, said.startswith("accepted: TLSv1.3")) == (0, True), said
    code, said = probe("other.telco.test", 5222)
    assert (code, said) == (1, "refused: the server ended the stream: host-unknown\n")


@pytest.mark.proves("APP-05")
def test_the_phone_signs_in_again_after_the_server_came_back(
    net: Net, dnsmasq: StartDnsmasq, prosody: Start
) -> None:
    dnsmasq(A_RECORD)
    server = prosody()
    phone = net.boot(**USED)
    wait(phone, "XMPP State", "Online")
    server.stop()
    wait(phone, "XMPP State", "Offline")
    server.restart()
    wait(phone, "XMPP State", "Online")
    submit(phone, XMPP_Password="wrong")
    wait(phone, "XMPP State", "refuses the login: not-authorized")


@pytest.mark.proves("APP-05")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("no-tls", "the server offers no TLS"),
        ("endless", "more than 65536 bytes"),
        ("bomb", "a DOCTYPE is not allowed"),
        ("noise", "XML: "),
        ("closed", "the server ended the connection"),
    ],
)
def test_servers_that_lie_get_nothing_and_cost_no_memory(
    net: Net, dnsmasq: StartDnsmasq, component: list[str], kind: str, said: str
) -> None:
    component.append("own-peer")
    dnsmasq(A_RECORD)
    words = ("-m", "tests.support.xmpp_liar", FIRST, kind)
    server = Server(net.servers, net.folder, sys.executable, *words)
    net.at_end(server.stop)
    server.wait_for("ready")
    phone = net.boot(**USED)
    wait(phone, "XMPP State", said)
    (child,) = phone.children()
    held = Path(f"/proc/{child}/status").read_text().split()
    assert int(held[held.index("VmHWM:") + 1]) >> 10 < 120
    assert PASSWORD not in server.wait_for("heard")
