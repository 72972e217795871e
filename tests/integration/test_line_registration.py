"""Registration of a line, as a real Kamailio sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.certificates import authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.one_registrar import NAME, PHONE, PROXY, ROOT, kamailio
from tests.support.sipp import Expect, Request

__all__ = ["kamailio"]

Wire = tuple[Namespace, Namespace]
ACCOUNT = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
FOREIGN = authority("Foreign Root")


@pytest.fixture
def phone(pair: Wire, kamailio: Kamailio) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {NAME: [PROXY]})
    yield started
    started.stop()


@pytest.mark.proves("SIP-03")
@pytest.mark.parametrize(
    ("transport", "contact"),
    [
        ("UDP", r"sip:1001@10.99.0.2:5060"),
        ("TCP", r";transport=tcp"),
        ("TLS", r";transport=tls"),
    ],
)
def test_a_line_registers_and_unregisters_when_the_phone_stops(
    phone: LinePhone, kamailio: Kamailio, transport: str, contact: str
) -> None:
    phone.trust(ROOT.pem)
    phone.set(SIP_Transport_1_=transport, **ACCOUNT)
    line = phone.wait(registered=True)
    assert line["transport"] == transport
    assert line["suite"] == ("TLS_AES_256_GCM_SHA384" if transport == "TLS" else "")
    assert contact in kamailio.contacts()["1001"]
    phone.stop()
    assert kamailio.contacts() == {}


def test_a_line_over_tls_does_not_wait_for_one_over_udp_that_nobody_answers(
    phone: LinePhone, kamailio: Kamailio
) -> None:
    phone.trust(ROOT.pem)
    silent = {"Proxy_2_": "10.99.0.77", "User_ID_2_": "1002", "SIP_Timer_F": "60"}
    phone.set(SIP_Transport_1_="TLS", **ACCOUNT, **silent)
    phone.wait(registered=True, transport="TLS")
    assert phone.wait(2)["registered"] is False
    assert "1001" in kamailio.contacts()


@pytest.mark.proves("SIP-09")
def test_a_registration_is_refreshed_before_it_ends(phone: LinePhone, kamailio: Kamailio) -> None:
    phone.set(Register_Expires_1_="2", **ACCOUNT)
    phone.wait(registered=True)
    first = kamailio.sequence("1001")
    kamailio.until(lambda: kamailio.sequence("1001") >= first + 2)
    assert phone.wait(registered=True)["reason"] == ""


@pytest.mark.proves("SIP-09")
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_digest_that_the_registrar_asks_for_is_answered(
    phone: LinePhone, kamailio: Kamailio, algorithm: str
) -> None:
    kamailio.stop()
    kamailio.start(algorithm=algorithm)
    phone.set(**ACCOUNT)
    phone.wait(registered=True)
    assert "1001" in kamailio.contacts()


def test_a_wrong_password_is_told_apart_from_silence(phone: LinePhone, kamailio: Kamailio) -> None:
    phone.set(**{**ACCOUNT, "Password_1_": "wrong"})
    assert phone.wait(reason="wrong user or password")["registered"] is False
    assert kamailio.contacts() == {}
    phone.set(**ACCOUNT)
    phone.wait(registered=True)


def test_without_an_address_a_line_waits_and_says_so(pair: Wire, kamailio: Kamailio) -> None:
    phone = LinePhone(pair[0], "", {NAME: [PROXY]})
    try:
        assert phone.set(**ACCOUNT)["health"] == "Pending"
        phone.wait(registered=False, reason="waiting for an address")
    finally:
        phone.stop()
    assert kamailio.contacts() == {}


@pytest.mark.proves("SIP-05", "SIP-07")
def test_a_wrong_name_is_refused_unless_tls_name_validate_is_no(
    phone: LinePhone, kamailio: Kamailio, tmp_path: Path
) -> None:
    certificate, key = leaf(ROOT, dns=["other.telco.test"]).save(tmp_path, "wrong")
    kamailio.stop()
    kamailio.start(certificate=Path(certificate), key=Path(key))
    tls = {**ACCOUNT, "SIP_Transport_1_": "TLS"}
    phone.trust(ROOT.pem)
    phone.set(**tls)
    phone.wait(
        registered=False, reason=f"named by Proxy_1_: wanted {NAME}; the certificate has DNS:other"
    )
    assert "REGISTER" not in kamailio.said()
    phone.set(TLS_Name_Validate_1_="No", **tls)
    phone.wait(registered=True, transport="TLS")
    assert "1001" in kamailio.contacts()


@pytest.mark.proves("SIP-05")
@pytest.mark.parametrize("validate", ["Yes", "No"])
def test_a_chain_without_a_trusted_root_is_refused_with_and_without_the_name_check(
    phone: LinePhone, kamailio: Kamailio, validate: str
) -> None:
    tls = {**ACCOUNT, "SIP_Transport_1_": "TLS", "TLS_Name_Validate_1_": validate}
    phone.trust(FOREIGN.pem)
    phone.set(**tls)
    phone.wait(registered=False, reason="not issued under a root that the phone trusts")
    assert "REGISTER" not in kamailio.said()
    phone.trust(FOREIGN.pem, ROOT.pem)
    phone.set(**tls)
    phone.wait(registered=True)


@pytest.mark.proves("RAD-01")
def test_a_proxy_outside_the_restricted_domains_is_never_asked(
    phone: LinePhone, kamailio: Kamailio
) -> None:
    blocked = phone.set(Restricted_Access_Domains="elsewhere.test", **ACCOUNT)
    assert blocked["rows"]["Ext 1"] == f"Not registered: Blocked by restricted domains: {NAME}"
    assert blocked["health"] == "Failed"
    phone.set(Restricted_Access_Domains="elsewhere.test, telco.test", **ACCOUNT)
    phone.wait(registered=True)
    phone.set(Restricted_Access_Domains="elsewhere.test", **ACCOUNT)
    kamailio.until(lambda: kamailio.contacts() == {})
    assert kamailio.said().count("REGISTER 1001") == 3  # challenged, answered, unregistered


def test_one_line_changes_while_the_other_stays(phone: LinePhone, kamailio: Kamailio) -> None:
    second = {"Proxy_2_": NAME, "User_ID_2_": "1002", "Password_2_": "pw1002"}
    both = {**ACCOUNT, **second, "SIP_Transport_1_": "TCP"}
    phone.set(**both)
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    first, connection = kamailio.sequence("1001"), kamailio.contacts()["1001"]
    phone.set(**both, SIP_Port_2_="5070", Auth_INVITE_1_="Yes")
    kamailio.until(lambda: "5070" in kamailio.contacts().get("1002", ""))
    status = phone.set(**both, SIP_Port_2_="5070", Auth_INVITE_1_="Yes")
    assert status["bound"] == [["udp", 5060], ["udp", 5070]]
    assert (kamailio.sequence("1001"), kamailio.contacts()["1001"]) == (first, connection)


def test_requests_over_the_registered_connection_are_answered(
    phone: LinePhone, kamailio: Kamailio, pair: Wire
) -> None:
    phone.trust(ROOT.pem)
    phone.set(SIP_Transport_1_="TLS", Auth_INVITE_1_="Yes", **ACCOUNT)
    phone.wait(registered=True)
    challenge = sipp.call(
        pair[1],
        Request(sender="1002"),
        Expect(407),
        Request(headers="[authentication username=1002 password=pw1002]", sender="1002"),
        Expect(401),
        user="1001",
        at=PROXY,
        source=PROXY,
    )[-1]
    assert f'realm="{NAME}"' in challenge


def test_an_address_without_a_server_is_passed_and_a_restarted_registrar_is_found_again(
    pair: Wire, kamailio: Kamailio
) -> None:
    phone = LinePhone(pair[0], PHONE, {NAME: [PHONE, PROXY]})
    try:
        phone.set(SIP_Transport_1_="TCP", **ACCOUNT)
        phone.wait(registered=True)
        kamailio.stop()
        phone.wait(registered=False)
        kamailio.start()
        phone.wait(registered=True)
        assert "1001" in kamailio.contacts()
    finally:
        phone.stop()
