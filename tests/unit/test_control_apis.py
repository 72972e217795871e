"""What a control server may ask: the pattern matches a whole path. Phone-facts 1.5."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.websocket.plan import WebsocketPlan, plan, url_of
from ringfence.policy.applications import NameCheck
from ringfence.policy.control_apis import APIS, allowed
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Planned

FACTS = Facts(lease=Lease("192.0.2.50", 24, "192.0.2.1"))
DIAL, HANGUP = "/api/Call/v1/Dial", "/api/Call/v1/Hangup"


def planned(**texts: str) -> Planned[WebsocketPlan]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, FACTS)


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        (".*", set(APIS)),
        ("/api/Call/v1/(Dial|Hangup)", {DIAL, HANGUP}),
        ("/api/Call/v1/(?:Dial|Hangup)", {DIAL, HANGUP}),
        ("Dial", set()),
        ("/api/Call/v1/Dia", set()),
        (DIAL, {DIAL}),
        (".*/Dial|.*/H[aeiou]ngup", {DIAL, HANGUP}),
        ("/api/Call/v1/H.*p", {HANGUP}),
        ("/api/call/v1/dial", set()),
        ("", set()),
    ],
)
def test_the_pattern_matches_a_path_whole(pattern: str, paths: set[str]) -> None:
    assert allowed(pattern) == paths


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(.*)*x", "behind a single character"),
        ("(a|a)+", "behind a single character"),
        ("(?:a+){3}", "behind a single character"),
        (".**", "behind a single character"),
        (".*.*.*.*.*x", "at most 4 repeats"),
        ("(Dial", "no regular expression"),
        ("[a", "no regular expression"),
        ("(?=.*)Dial", "of groups"),
        (r"(a)\1", "nothing refers back"),
        ("a" * 513, "at most 512 characters"),
    ],
)
def test_a_pattern_that_could_take_long_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        allowed(pattern)


def test_a_virgin_phone_calls_nobody() -> None:
    made = planned()
    assert (made.plans[""].url, made.plans[""].shown, made.findings) == (None, "", ())


def test_a_server_of_wss_is_checked_by_its_name_and_the_domains() -> None:
    (made,) = planned(Control_Server_URL="wss://ctl.telco.test/phones?key=7").plans.values()
    assert made.shown == "wss://ctl.telco.test:443/phones"
    assert (made.url.scheme, made.url.path) == ("https", "/phones?key=7") if made.url else None
    assert made.reach.tls.application.names is NameCheck.STANDARD
    assert made.reach.tls.application.restricted
    (clear,) = planned(Control_Server_URL="WS://ctl.telco.test").plans.values()
    assert clear.shown == "ws://ctl.telco.test:80/"


@pytest.mark.parametrize("text", ["ctl.telco.test", "https://a.test/", "wss:///x", "wss://a:0/"])
def test_what_is_no_url_of_a_websocket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        url_of(text)


def test_a_pattern_that_cannot_be_read_lets_nothing_through() -> None:
    made = planned(Control_Server_URL="wss://ctl.telco.test/", Allowed_APIs="(.*)*")
    assert made.plans[""].allowed == frozenset()
    (found,) = made.findings
    assert (found.rule, found.tag) == ("allowed-apis-unusable", "Allowed_APIs")
