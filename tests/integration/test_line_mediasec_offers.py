"""Offers that ask for media plane security, from a SIPp that agreed on it and one that did not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.line_phone import LinePhone
from tests.support.sipp_peer import SDP, Hear, Peer, Say, Step

Wire = tuple[Namespace, Namespace]
PHONE, PEER, NAME = "10.99.0.2", "10.99.0.9", "sip.telco.test"
LINE = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
AGREES = "Security-Server: sdes-srtp;mediasec\n"
ONLY = {"MediaSec_Over_TLS_Only_1_": "Yes"}
STRICT = {"Secure_Call_Option_1_": "Strict"}
REQUESTED = "a=3ge2ae: requested\n"
KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
"""The key of RFC 4568 section 4.1."""
SECURE = SDP.replace("RTP/AVP", "RTP/SAVP") + KEY


@pytest.fixture
def phone(pair: Wire, component: list[str]) -> Iterator[LinePhone]:
    component.append(sipp.version())
    started = LinePhone(pair[0], PHONE, {NAME: [PEER]})
    yield started
    started.process.kill()  # nobody is left to take leave of
    started.stop()


def offered(
    phone: LinePhone, wire: Wire, folder: Path, agrees: str, *steps: Step, **texts: str
) -> str:
    """Answer what SIPp offers after it registered the line; return what the phone said."""
    with Peer(wire[1], folder / "sipp", steps, PEER, PHONE, registered=agrees):
        phone.set(**LINE, **texts)
        phone.wait_call(state="ringing")
        return str(phone.command("answer").get("refused", ""))


@pytest.mark.proves("MS-06")
@pytest.mark.parametrize("texts", [{}, STRICT], ids=["Optional", "Strict"])
def test_an_offer_that_asks_for_protection_is_answered_by_sdes(
    phone: LinePhone, pair: Wire, tmp_path: Path, texts: dict[str, str]
) -> None:
    applied = Hear(200, matching="RTP/SAVP 0.*a=3ge2ae:applied.*a=crypto:1 AES_CM_128_HMAC_SHA1_80")
    ladder = (Say("INVITE", body=SECURE + REQUESTED), Hear(180), applied, Say("ACK"))
    ended = (Say("BYE"), Hear(200))
    assert not offered(phone, pair, tmp_path, AGREES, *ladder, *ended, **texts)


@pytest.mark.proves("MS-06")
@pytest.mark.parametrize("offer", [SDP, SDP.replace("RTP/AVP", "RTP/SAVP")], ids=["AVP", "SAVP"])
def test_an_offer_that_asks_for_protection_without_a_key_is_refused(
    phone: LinePhone, pair: Wire, tmp_path: Path, offer: str
) -> None:
    ladder = (Say("INVITE", body=offer + REQUESTED), Hear(180), Hear(488), Say("ACK"))
    assert offered(phone, pair, tmp_path, AGREES, *ladder)


@pytest.mark.proves("MS-06")
def test_an_agreed_call_cannot_be_offered_in_clear_later(
    phone: LinePhone, pair: Wire, tmp_path: Path
) -> None:
    began = (Say("INVITE", body=SECURE + REQUESTED), Hear(180), Hear(200), Say("ACK"))
    again = (Say("INVITE", body=SDP), Hear(488), Say("ACK"), Say("BYE"), Hear(200))
    assert not offered(phone, pair, tmp_path, AGREES, *began, *again)


@pytest.mark.proves("MS-03")
def test_over_tls_only_an_offer_over_udp_asks_in_vain(
    phone: LinePhone, pair: Wire, tmp_path: Path
) -> None:
    clear = Hear(200, matching="RTP/AVP 0")
    ladder = (Say("INVITE", body=SDP + REQUESTED), Hear(180), clear, Say("ACK"))
    ended = (Say("BYE"), Hear(200))
    assert not offered(phone, pair, tmp_path, AGREES, *ladder, *ended, **ONLY)


@pytest.mark.proves("MS-06")
def test_our_offer_in_an_answer_is_encrypted_as_agreed(
    phone: LinePhone, pair: Wire, tmp_path: Path
) -> None:
    ours = Hear(200, matching="RTP/SAVP 0.*a=3ge2ae:requested")
    ladder = (Say("INVITE"), Hear(180), ours, Say("ACK", body=SECURE), Say("BYE"), Hear(200))
    assert not offered(phone, pair, tmp_path, AGREES, *ladder)
