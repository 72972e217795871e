"""The connection of a line: its TLS, its ports, what keeps it alive and what ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import tshark
from tests.support.certificates import CLIENT, authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.sip_net import (
    DOMAIN,
    FIRST,
    FIRST_V6,
    LINE,
    PHONE,
    ROOT,
    Provider,
    provider,
)

__all__ = ["provider"]

Wire = tuple[Namespace, Namespace]
SECOND_LINE = {"Proxy_2_": DOMAIN, "User_ID_2_": "1002", "Password_2_": "pw1002"}
BOTH = {**LINE, **SECOND_LINE, "SIP_Port_2_": "5062"}
TLS = {**LINE, "SIP_Transport_1_": "TLS"}
BOTH_TLS = {**BOTH, "SIP_Transport_1_": "TLS", "SIP_Transport_2_": "TLS"}
FOREIGN, DEVICES = authority("Foreign Root"), authority("Device Root")
AES_128 = "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.fixture
def phone(pair: Wire, provider: Provider) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {})
    started.trust(ROOT.pem)
    yield started
    started.stop()


@pytest.fixture
def kamailio(provider: Provider) -> Kamailio:
    provider.zone(f"host-record={DOMAIN},{FIRST}")
    return provider.registrar()


def call(phone: LinePhone) -> str:
    """Call Ext 1 from Ext 2; return the number of the placed call once audio flows both ways."""
    out = str(phone.command("dial", target="1001", line="2")["call"])
    phone.wait_call(direction="in", state="ringing")
    phone.command("answer")
    phone.wait_call(direction="out", state="established", received=[">=", 10])
    phone.wait_call(direction="in", state="established", received=[">=", 10])
    return out


@pytest.mark.proves("SIP-05")
@pytest.mark.parametrize(
    ("change", "suite"),
    [
        ({"TLS_Cipher_List": AES_128}, AES_128),
        ({"TLS_Client_Min_Version": "TLS 1.3"}, "TLS_AES_256_GCM_SHA384"),
        ({"TLS_Name_Validate_1_": "No"}, "TLS_AES_256_GCM_SHA384"),
    ],
)
def test_another_tls_policy_ends_the_connection_and_registers_over_a_new_one(
    phone: LinePhone, kamailio: Kamailio, change: dict[str, str], suite: str
) -> None:
    phone.set(**TLS)
    phone.wait(registered=True)
    phone.set(**TLS, **change)
    kamailio.hear("SAVED 1001 over tls", 3)  # registered, unregistered and registered again
    assert phone.wait(registered=True, transport="TLS")["suite"] == suite


@pytest.mark.proves("SIP-05")
def test_another_trust_ends_a_registration_that_it_would_not_allow(
    phone: LinePhone, kamailio: Kamailio
) -> None:
    phone.set(**TLS)
    phone.wait(registered=True)
    phone.trust(FOREIGN.pem)
    phone.set(**TLS)
    phone.wait(registered=False, reason="not issued under a root that the phone trusts")
    assert kamailio.contacts() == {}


@pytest.mark.proves("SIP-03")
def test_a_registrar_that_asks_for_a_certificate_gets_that_of_the_device(
    phone: LinePhone, provider: Provider, tmp_path: Path
) -> None:
    provider.zone(f"host-record={DOMAIN},{FIRST}")
    roots = tmp_path / "devices.pem"
    roots.write_text(DEVICES.pem)
    kamailio = provider.registrar(devices=roots)
    phone.set(**TLS)
    phone.wait(registered=False, reason="certificate required")
    phone.own(*leaf(DEVICES, dns=[], cn="000e08abcdef", usage=CLIENT).save(tmp_path, "device"))
    phone.set(**TLS)
    phone.wait(registered=True)
    assert "1001" in kamailio.contacts()


@pytest.mark.proves("SIP-03")
def test_connections_come_from_the_configured_ports_and_wait_where_none_is_left(
    phone: LinePhone, kamailio: Kamailio
) -> None:
    texts = {**BOTH, "SIP_Transport_1_": "TCP", "SIP_TCP_Port_Min": "5075"}
    phone.set(**texts, SIP_TCP_Port_Max="5075")
    phone.wait(registered=True)
    assert f"@{PHONE}:5075;" in kamailio.contacts()["1001"]
    phone.set(**{**texts, "SIP_Transport_2_": "TCP"}, SIP_TCP_Port_Max="5075")
    phone.wait(2, registered=False, reason="every local port from 5075 to 5075 is taken")
    phone.set(**{**texts, "SIP_Transport_2_": "TCP"}, SIP_TCP_Port_Max="5076")
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    ports = {contact.partition(f"{PHONE}:")[2][:4] for contact in kamailio.contacts().values()}
    assert ports == {"5075", "5076"}


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_the_only_port_of_a_line_is_free_again_although_the_server_does_not_let_go_of_it(
    phone: LinePhone, kamailio: Kamailio, transport: str
) -> None:
    ports = {"SIP_TCP_Port_Min": "5075", "SIP_TCP_Port_Max": "5075"}
    texts = {**LINE, **ports, "SIP_Transport_1_": transport}
    phone.set(**texts)
    phone.wait(1, registered=True)
    with kamailio.held_up():
        phone.set(**texts, Display_Name_1_="other")
        phone.wait(1, registered=False, reason="registering at")
    phone.wait(1, registered=True)
    assert f"@{PHONE}:5075;" in kamailio.contacts()["1001"]


@pytest.mark.parametrize(
    ("transport", "ping"),
    [("UDP", f"{PHONE}\t8\t\n"), ("TCP", f"{PHONE}\t\t0d0a0d0a\n")],
)
def test_keep_alives_are_seen_on_the_wire_and_follow_their_interval_at_once(
    phone: LinePhone,
    kamailio: Kamailio,
    provider: Provider,
    component: list[str],
    transport: str,
    ping: str,
) -> None:
    component.append(tshark.version())
    read = ("ip.src", "udp.length", "tcp.payload")
    capture = tshark.Capture(provider.space, "port 5060", *read)
    try:
        texts = {**LINE, "SIP_Transport_1_": transport}
        phone.set(**texts, NAT_Keep_Alive_Intvl="0")
        phone.wait(registered=True)
        sequence = kamailio.sequence("1001")
        phone.set(**texts, NAT_Keep_Alive_Intvl="1")
        capture.wait_for(ping)
        if transport == "TCP":
            capture.wait_for(f"{FIRST}\t\t0d0a\n")
        assert kamailio.sequence("1001") == sequence
    finally:
        capture.stop()


@pytest.mark.proves("SIP-05")
def test_another_policy_waits_for_the_end_of_a_call_but_binds_new_calls_at_once(
    phone: LinePhone, kamailio: Kamailio
) -> None:
    phone.set(**BOTH_TLS)
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    before, out = kamailio.contacts()["1001"], call(phone)
    status = phone.set(**BOTH_TLS, TLS_Cipher_List=AES_128)
    assert status["health"] == "Pending"
    assert status["rows"]["Ext 1"].endswith(
        "; pending: new settings wait until its calls are over, and takes no new ones: "
        "what the line may trust has changed"
    )
    assert "not registered" in phone.command("dial", target="1002", line="1")["refused"]
    phone.wait_call(direction="out", received=[">=", 20])
    assert kamailio.contacts()["1001"] == before
    phone.command("hangup", call=out)
    phone.wait_call(gone=True)
    phone.wait(1, registered=True, suite=AES_128)
    phone.wait(2, registered=True, suite=AES_128)


@pytest.mark.proves("RAD-02")
def test_a_line_with_a_call_unregisters_from_a_forbidden_proxy_when_the_call_is_over(
    phone: LinePhone, kamailio: Kamailio
) -> None:
    phone.set(**BOTH)
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    out = call(phone)
    phone.set(**BOTH, Restricted_Access_Domains="elsewhere.test")
    waits = f"and takes no new ones: Blocked by restricted domains: {DOMAIN}"
    phone.wait(1, registered=True, pending=waits)
    assert "not registered" in phone.command("dial", target="1002", line="1")["refused"]
    assert len(kamailio.contacts()) == 2
    phone.command("hangup", call=out)
    kamailio.until(lambda: kamailio.contacts() == {})
    phone.wait(1, registered=False, reason=f"Blocked by restricted domains: {DOMAIN}")


@pytest.mark.proves("SIP-03")
@pytest.mark.parametrize("transport", ["UDP", "TLS"])
def test_a_call_goes_over_ipv6_with_its_audio(
    phone: LinePhone, provider: Provider, transport: str
) -> None:
    provider.registrar(f"[{FIRST_V6}]")
    provider.zone(f"host-record={DOMAIN},{FIRST_V6}")
    phone.set(**BOTH, SIP_Transport_1_=transport, SIP_Transport_2_=transport)
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    phone.command("hangup", call=call(phone))
    phone.wait_call(gone=True)
