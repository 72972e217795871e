"""What people read of calls and registrations."""

import pytest

from ringfence.features.line.status import call_words, refresh_words

CALL = {
    **{"call": 1, "line": 2, "peer": "sip:1003@telco.test", "direction": "out"},
    **{"state": "established", "codec": "PCMU", "srtp": "AES_CM_128_HMAC_SHA1_80"},
    **{"sent": 250, "received": 199, "lost": 1, "jitter_ms": 1.2},
}


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
