"""Directories that lie: bounded time and memory, a clear word, and never a step back to clear."""

import pytest

from ringfence.features.ldap import session
from ringfence.lab.slapd import CLIENT_DN, Someone
from tests.support.ldap_liar import PORTS
from tests.support.ldap_net import LIAR, SECURE, Wire, wire
from tests.support.slapd import PASSWORD

__all__ = ["wire"]

STARTTLS = {"LDAP_StartTLS_Enable": "Yes"}
LARGEST = 32 * 1024
"""KiB that one search may cost. Source: issue 8, hostile servers."""

LIES = {
    "endless": "",
    "references": "the server sends references without end",
    "intermediate": "the server sends references without end",
    "huge": "a message of more than 131072 bytes",
    "referral": "refers to another server, which is not followed",
    "garbage": "what answers speaks no LDAP",
    "closed": "the server closed the connection",
    "stranger": "an answer to what nobody asked",
    "drip": "the directory took more than 2 s",
}


@pytest.mark.proves("APP-01")
def test_whatever_a_directory_sends_is_bounded_and_said(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, component: list[str]
) -> None:
    component[:] = ["own-peer"]
    wire.program("tests.support.ldap_liar", LIAR)
    monkeypatch.setattr(session, "SEARCH_TIME", 2.0)
    for name, words in LIES.items():
        told = wire.search(f"ldap://{LIAR}:{PORTS[name]}")
        assert told["grown"] <= LARGEST, name
        if name == "endless":
            assert told["result"] == "success"
            assert (len(told["entries"]), told["more"]) == (50, True)
        else:
            assert told["result"] == "failure", name
            assert words in told["reason"], name
            assert words in told["rows"]["Last Search"]
            assert told["health"] == "Failed"


@pytest.mark.proves("LDP-06")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("injected", "says more in clear text than that TLS begins"),
        ("no-handshake", "speaks no TLS"),
        ("cut", "closed during the TLS handshake"),
        ("notice", "the server ends the connection"),
        ("busy", "StartTLS: busy (51)"),
        ("closed", "the server closed the connection"),
    ],
)
def test_nothing_but_a_refusal_of_the_server_leads_to_clear_text(
    wire: Wire, component: list[str], name: str, words: str
) -> None:
    component[:] = ["own-peer"]
    liar = wire.program("tests.support.ldap_liar", LIAR)
    own = {"LDAP_Auth_Method": "Simple", **STARTTLS}
    told = wire.search(f"ldap://{LIAR}:{PORTS[name]}", **own)
    assert told["result"] == "failure"
    assert words in told["reason"]
    assert not any("downgraded" in line for line in told["log"])
    # A bind would begin with 0x30 and hold the password.
    assert liar.logged(f"{name} heard 30") == 0


@pytest.mark.proves("APP-01")
def test_who_is_asked_for_a_password_signs_in_and_is_remembered(wire: Wire) -> None:
    directory = wire.slapd(SECURE, wire.pair())
    own = {
        "LDAP_Auth_Method": "Simple",
        "LDAP_Password": "",
        "LDAP_Prompt_For_Empty_Credentials": "Yes",
    }
    who = {"user": CLIENT_DN, "password": PASSWORD}
    told = wire.searches(
        f"ldaps://{SECURE}",
        [
            {"word": "love"},
            {"command": "directory-sign-in", **who},
            {"word": "love"},
            {"command": "directory-sign-in", "user": ""},
            {"word": "love"},
            {"word": "love", "user": CLIENT_DN, "password": "wrong"},
            {"word": "love", **who},
        ],
        **own,
    )
    results = [one.get("result", one.get("signed_in")) for one in told]
    assert results == ["refused", True, "success", False, "refused", "failure", "success"]
    assert "sign in to the directory" in told[0]["reason"]
    assert "invalidCredentials (49)" in told[5]["reason"]
    assert all(PASSWORD not in str(one) for one in told)
    assert directory.server.logged(" SRCH base") == 2


@pytest.mark.proves("APP-01")
def test_a_directory_with_more_people_than_are_listened_to_says_so(wire: Wire) -> None:
    many = tuple(Someone(f"G{n}", f"Long{n:03}", f"{n + 100}") for n in range(80))
    wire.slapd(SECURE, wire.pair(), many)
    told = wire.search(f"ldaps://{SECURE}", "long", LDAP_Number_Mapping="(<:9>xxx)")
    assert (len(told["entries"]), told["more"]) == (50, True)
    assert told["note"] == "there is more: type more to find less"
    assert told["entries"][0]["dials"].startswith("9")
    few = wire.search(f"ldaps://{SECURE}", "long00")
    assert (len(few["entries"]), few["more"]) == (10, False)
