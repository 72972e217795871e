"""Calls between two lines of the phone, through a real Kamailio."""

from collections.abc import Iterator

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.one_registrar import NAME, PHONE, PROXY, ROOT, kamailio

__all__ = ["kamailio"]

Wire = tuple[Namespace, Namespace]
LINES = {
    "Proxy_1_": NAME,
    "User_ID_1_": "1001",
    "Password_1_": "pw1001",
    "Proxy_2_": NAME,
    "User_ID_2_": "1002",
    "Password_2_": "pw1002",
    "SIP_Port_2_": "5062",
}


@pytest.fixture
def phone(pair: Wire, kamailio: Kamailio) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {NAME: [PROXY]})
    started.trust(ROOT.pem)
    yield started
    started.stop()


def ready(phone: LinePhone, **texts: str) -> LinePhone:
    phone.set(**{**LINES, **texts})
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    return phone


def talk(phone: LinePhone) -> tuple[str, str]:
    """Call Ext 1 from Ext 2; return the numbers of both calls once audio flows both ways."""
    out = str(phone.command("dial", target="1001", line="2")["call"])
    call = phone.wait_call(direction="in", state="ringing")
    assert call["peer"] == f"sip:1002@{NAME}"
    phone.command("answer")
    phone.wait_call(direction="out", state="established", received=[">=", 25])
    phone.wait_call(direction="in", state="established", received=[">=", 25])
    return out, str(call["call"])


@pytest.mark.parametrize(
    ("first", "second", "suite"),
    [("UDP", "UDP", ""), ("TCP", "UDP", ""), ("TLS", "TLS", "AES_CM_128_HMAC_SHA1_80")],
)
def test_a_call_is_placed_answered_and_hung_up(
    phone: LinePhone, first: str, second: str, suite: str
) -> None:
    ready(phone, SIP_Transport_1_=first, SIP_Transport_2_=second)
    out, _ = talk(phone)
    call = phone.wait_call(direction="out")
    assert (call["codec"], call["srtp"]) == ("PCMU", suite)
    phone.command("hangup", call=out)
    phone.wait_call(gone=True)


def test_a_held_call_is_silent_until_it_is_taken_back(phone: LinePhone) -> None:
    out, _ = talk(ready(phone))
    phone.command("hold", call=out)
    before = phone.wait_call(direction="out", state="held")["sent"]
    phone.command("resume", call=out)
    sent = phone.wait_call(direction="out", state="established", sent=[">=", before + 25])["sent"]
    assert sent >= before + 25


def test_keys_are_heard_as_telephone_events(phone: LinePhone) -> None:
    out, _ = talk(ready(phone))
    phone.command("dtmf", call=out, digits="159#D")
    assert phone.wait_call(direction="in", keys="159#D")
    assert "no such key" in phone.command("dtmf", call=out, digits="x")["refused"]


def test_a_call_that_rings_is_refused_or_cancelled(phone: LinePhone) -> None:
    ready(phone)
    phone.command("dial", target="1001", line="2")
    ringing = phone.wait_call(direction="in", state="ringing")
    phone.command("hangup", call=str(ringing["call"]))
    phone.wait_call(gone=True)
    out = phone.command("dial", target="1001", line="2")
    phone.wait_call(direction="in", state="ringing")
    phone.command("hangup", call=str(out["call"]))
    phone.wait_call(gone=True)


def test_a_line_over_tls_takes_no_call_in_clear(phone: LinePhone) -> None:
    ready(phone, SIP_Transport_1_="TLS")
    phone.command("dial", target="1001", line="2")
    phone.wait_call(direction="in", state="ringing")
    assert "SRTP is required" in phone.command("answer")["refused"]
    phone.wait_call(gone=True)


def test_what_cannot_be_dialled_says_why(phone: LinePhone) -> None:
    assert "no line is registered" in phone.command("dial", target="1001")["refused"]
    ready(phone)
    for target, why in (
        ("sip:a b@c", "malformed"),
        (" ", "nothing to dial"),
        ("tel:+4930123", "is no SIP URI; name a number or sip:user@domain"),
        ("http://telco.test", "is no SIP URI"),
        ("xmpp:a@telco.test", "is no SIP URI"),
    ):
        assert why in phone.command("dial", target=target, line="1")["refused"]
    for line in ("x", "-1", "1.0", "\u00b2", "\u0661", "9" * 7):
        assert "is no number" in phone.command("dial", target="1001", line=line)["refused"]
    assert "there is none" in phone.command("hangup")["refused"]
    assert "none rings" in phone.command("answer")["refused"]


def test_what_cannot_be_done_to_a_call_says_why(phone: LinePhone) -> None:
    out, into = talk(ready(phone))
    both = f"which one: {out}, {into}; see: ringfence phone status"
    for verb in ("hangup", "hold", "resume"):
        assert both in phone.command(verb)["refused"]
    assert "nothing to press" in phone.command("dtmf", call=out, digits="")["refused"]
    assert "the call does not ring" in phone.command("answer", call=into)["refused"]
    phone.command("hangup", call=out)
    phone.wait_call(gone=True)
    for verb in ("answer", "hangup", "hold", "resume", "dtmf"):
        refused = phone.command(verb, call=out, digits="1")["refused"]
        assert refused == f"{out}: no such call; calls: none"
