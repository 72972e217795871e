"""What people read of lines, before they run and while they do."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.line.plan import LinePlan, plan
from ringfence.features.line.status import call_words, refresh_words
from ringfence.features.line.words import calls, reach, show
from ringfence.runtime.state import Facts

LINE = {"Proxy_1_": "sip.telco.test", "User_ID_1_": "1001", "Password_1_": "pw1001"}

CALL = {
    **{"call": 1, "line": 2, "peer": "sip:1003@telco.test", "direction": "out"},
    **{"state": "established", "codec": "PCMU", "srtp": "AES_CM_128_HMAC_SHA1_80"},
    **{"transfer": "", "sent": 250, "received": 199, "lost": 1, "jitter_ms": 1.2},
}


def line(**texts: str) -> LinePlan:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, Facts()).plans["1"]


def test_a_plan_tells_how_servers_are_found_and_when_it_returns_to_the_preferred_one() -> None:
    texts = {"Alternate_Proxy_1_": "alt.test:5070", "Proxy_Fallback_Intvl_1_": "90"}
    made = line(**{**LINE, **texts, "Proxy_1_": "a.test|b.test"}, IP_Mode="IPv4 Only")
    assert reach(made) == (
        "over UDP: asks DNS for A of a.test, port 5060; else asks DNS for A of b.test, port 5060",
        "else at alt.test:5070: asks DNS for A of alt.test, port 5070",
        "returns to a preferred server after 90 s and the next REGISTER",
    )
    both = line(**{**LINE, **texts}, IP_Mode="IPv4 Only", Dual_Registration_1_="Yes")
    assert reach(both)[1:] == (
        "and at the same time at alt.test:5070: asks DNS for A of alt.test, port 5070",
    )
    assert reach(line(**{**LINE, "Proxy_1_": "|"})) == (
        "does not register: not a server: no server between the bars",
    )
    assert reach(line(**LINE, Register_1_="No")) == ("does not register",)
    assert reach(line()) == ()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({}, "what the other side offers, RTP in our offers (AES_CM_128_HMAC_SHA1_80 first)"),
        ({"Secure_Call_Option_1_": "Strict"}, "RTP only"),
        ({"Secure_Call_Option_1_": "Required"}, "SRTP only (AES_CM_128_HMAC_SHA1_80 first)"),
        (
            {"SIP_Transport_1_": "TLS", "Encryption_Method_1_": "AES 256 GCM"},
            "SRTP only (AEAD_AES_256_GCM first)",
        ),
        (
            {"SIP_Transport_1_": "Auto", "Secure_Call_Option_1_": "Strict"},
            "over TLS SRTP only (AES_CM_128_HMAC_SHA1_80 first), else RTP only",
        ),
    ],
)
def test_a_plan_tells_which_media_calls_may_have(texts: dict[str, str], words: str) -> None:
    assert calls(line(**{**LINE, **texts})) == f"{words}; PCMU, PCMA"
    assert calls(line()) == ""


def test_a_plan_shows_everything_but_the_password() -> None:
    text = show(line(SIP_Transport_1_="TLS", Auth_INVITE_1_="Yes", **LINE))
    assert text == (
        "Ext 1 1001: answers on its own connection, challenges INVITE as realm 'sip.telco.test'\n"
        "  registers at sip.telco.test as 1001, password ***\n"
        "  media plane security: where the server asks for it\n"
        "  calls: SRTP only (AES_CM_128_HMAC_SHA1_80 first); PCMU, PCMA\n"
        "  over TLS, names standard: asks DNS for A and AAAA of sip.telco.test, port 5061\n"
    )
    assert show(line(**{**LINE, "User_ID_1_": "", "Password_1_": ""})) == (
        "Ext 1 (no user): answers on UDP port 5060\n  does not register: User ID is empty\n"
    )
    assert "pw1001" not in repr(line(**LINE))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, "where the server asks for it"),
        ({"MediaSec_Request_1_": "Yes"}, "asked for by the phone"),
        ({"MediaSec_Request_1_": "Yes", "MediaSec_Over_TLS_Only_1_": "Yes"}, "never over UDP"),
    ],
)
def test_a_plan_tells_who_begins_media_plane_security(texts: dict[str, str], expected: str) -> None:
    assert f"media plane security: {expected}\n" in show(line(**{**LINE, **texts}))


def test_a_call_tells_who_how_and_how_well() -> None:
    assert call_words(CALL) == (
        "Ext 2 to sip:1003@telco.test, established; PCMU, SRTP AES_CM_128_HMAC_SHA1_80;"
        " 250 packets sent, 199 received, 1 lost (0.5 %), jitter 1.2 ms"
    )


def test_a_call_in_clear_text_says_so() -> None:
    assert "; PCMU, RTP in clear text; " in call_words({**CALL, "srtp": ""})


def test_a_call_that_rings_has_no_media_yet() -> None:
    ringing = {**CALL, "direction": "in", "state": "ringing", "codec": "", "srtp": ""}
    assert call_words(ringing) == "Ext 2 from sip:1003@telco.test, ringing"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.2, ", again in 0 s"),
        (61, ", again in 1 min 1 s"),
        (3240, ", again in 54 min"),
        (86399.6, ", again in 24 h"),
        (7325, ", again in 2 h 2 min"),
    ],
)
def test_the_next_register_is_told_in_two_units_at_most(seconds: float | None, words: str) -> None:
    assert refresh_words(seconds) == words
