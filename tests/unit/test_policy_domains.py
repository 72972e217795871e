"""Restricted Access Domains. Expected values: phone-facts 4 and the chapter's example."""

import pytest

from ringfence.policy.domains import findings, judge

EXAMPLE = "voiceip.com, voiceipl.com"


@pytest.mark.proves("RAD-07")
@pytest.mark.parametrize("host", ["anything.example", "192.0.2.1", "not a host", ""])
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_list_allows_every_host(text: str, host: str) -> None:
    assert judge(text, host).allowed


@pytest.mark.proves("RAD-01")
@pytest.mark.parametrize(
    ("text", "host", "allowed"),
    [
        (EXAMPLE, "voiceip.com", True),
        (EXAMPLE, "voiceipl.com", True),
        (EXAMPLE, "sip.voiceip.com", True),
        (EXAMPLE, "a.b.voiceip.com", True),
        (EXAMPLE, "VoiceIP.Com", True),
        (EXAMPLE, "voiceip.com.", True),
        ("VOICEIP.COM.", "voiceip.com", True),
        (EXAMPLE, "evilvoiceip.com", False),
        (EXAMPLE, "voiceip.com.evil.test", False),
        (EXAMPLE, "com", False),
        (EXAMPLE, "voiceip.co", False),
        ("voiceip.com,voiceipl.com", "voiceipl.com", True),
        (" voiceip.com ,, ", "voiceip.com", True),
        ("*.voiceip.com", "sip.voiceip.com", True),
        ("*.voiceip.com", "a.sip.voiceip.com", True),
        ("*.voiceip.com", "voiceip.com", False),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "www.bücher.example", True),
    ],
)
def test_a_listed_name_allows_itself_and_what_is_below(text: str, host: str, allowed: bool) -> None:
    assert judge(text, host).allowed is allowed


@pytest.mark.proves("RAD-07")
@pytest.mark.parametrize(
    ("text", "host", "allowed"),
    [
        (EXAMPLE, "192.0.2.1", False),
        ("voiceip.com, 192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "[2001:DB8:0::1]", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("192.0.2.1", "1.192.0.2.1", False),
        ("voiceip.com", "", False),
        ("voiceip.com", "not a host", False),
        ("voiceip.com", "127.1", False),
    ],
)
def test_an_address_must_be_listed_itself(text: str, host: str, allowed: bool) -> None:
    assert judge(text, host).allowed is allowed


@pytest.mark.parametrize(
    ("text", "host", "allowed"),
    [
        ("voiceip.com", "voiceip.com", True),
        ("voiceip.com", "sip.voiceip.com", False),
        ("*.voiceip.com", "sip.voiceip.com", True),
    ],
)
def test_exact_only_allows_no_subdomain(text: str, host: str, allowed: bool) -> None:
    assert judge(text, host, exact_only=True).allowed is allowed


@pytest.mark.proves("RAD-07")
@pytest.mark.parametrize("text", ["https://voiceip.com", "*", "a b", ",", "voiceip.com:5061", "."])
@pytest.mark.parametrize("host", ["voiceip.com", "192.0.2.1"])
def test_a_list_without_a_valid_entry_allows_nothing(text: str, host: str) -> None:
    assert not judge(text, host).allowed
    assert findings(text)[-1].rule == "domains-nothing-allowed"


@pytest.mark.proves("RAD-01")
@pytest.mark.parametrize(
    "entry",
    [
        *("https://voiceip.com", "voiceip.com:5061", "vo ice.com", "*", "*.", "*oice.com"),
        *("sip.*.com", "*.*.com", "192.0.2.0/24", "-a.test", "a..b"),
    ],
)
def test_an_invalid_entry_is_reported_and_spares_its_neighbours(entry: str) -> None:
    text = f"voiceip.com, {entry}"
    assert judge(text, "sip.voiceip.com").allowed
    assert not judge(text, "other.test").allowed
    (finding,) = findings(text)
    assert finding.rule == "domains-invalid-entry"
    assert finding.tag == "Restricted_Access_Domains"
    assert entry in finding.message
    assert finding.remedy


def test_the_reason_is_the_text_of_the_syslog_message() -> None:
    assert judge(EXAMPLE, "prov.other.test").reason == "domain not allowed: prov.other.test"


def test_the_reason_carries_no_control_character() -> None:
    assert judge(EXAMPLE, "a\r\nb").reason == "domain not allowed: a??b"


def test_a_valid_list_has_no_finding() -> None:
    assert findings(EXAMPLE) == ()
    assert findings("") == ()
