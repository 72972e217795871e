"""Profile rules: grammar, choice, URL. Source: phone-facts 2.5."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.policy.macros import expand
from ringfence.policy.rules import Options, parse_rule, parse_url

VALUES = {
    "MA": "000e08abcdef",
    "PSN": "8841",
    "SWVER": "sip88xx.11-3-7MPP0001-609",
    "PRVST": "-1",
    "A": "telco",
    "N": "IP Phone 7832",
    "EMPTY": "",
}


def chosen(rule: str) -> str | None:
    alternative = parse_rule(rule).select(VALUES)
    return alternative.url if alternative else None


@pytest.mark.proves("RSY-02")
@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/$PSN.xml", "tftp://:69/8841.xml"),
        ("prov.telco.test/$MA.xml", "tftp://prov.telco.test:69/000e08abcdef.xml"),
        ("https://prov.telco.test/$MA.xml", "https://prov.telco.test:443/000e08abcdef.xml"),
        ("http://10.0.0.5/a", "http://10.0.0.5:80/a"),
        ("HTTPS://prov.telco.test:8443/a?m=$MA", "https://prov.telco.test:8443/a?m=000e08abcdef"),
        ("https://[2001:db8::5]:444/a", "https://[2001:db8::5]:444/a"),
        ("https://$A.test/$N", "https://telco.test:443/IP%20Phone%207832"),
    ],
)
def test_scheme_port_and_server_have_defaults(text: str, url: str) -> None:
    assert str(parse_url(expand(chosen(text) or "", VALUES))) == url


@pytest.mark.proves("RSY-02")
@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("$SWVER >= 11.3.7", True),
        ("$SWVER ge sip88xx.11-3-7MPP0001-609", True),
        ("$SWVER < sip88xx.11-3-7MPP0001-610", True),
        ("$SWVER > sip88xx.11-3-7MPP0001-610", False),
        ("$SWVER lt 11.10.0", True),
        ("$SWVER ge sip88xx.11-0-1MPP-376", True),
        ("$PRVST = -1", True),
        ("$PRVST ne 2 and $PSN eq 8841", True),
        ("$PRVST eq 2 and $PSN eq 8841", False),
        ('"$MA" = "000e08abcdef"', True),
        ('$MA != "000e08abcdef"', False),
        ('"$EMPTY" = ""', True),
        ("$PRVST < 10", True),
    ],
)
def test_conditions_compare_numbers_versions_and_texts(condition: str, holds: bool) -> None:
    assert (chosen(f"({condition})? /yes.xml | /no.xml") == "/yes.xml") is holds


@pytest.mark.proves("RSY-02")
def test_the_first_alternative_that_holds_is_taken() -> None:
    assert chosen("($PRVST = 5)? /a | ($PRVST = -1)? /b | ($PRVST = -1)? /c | /d") == "/b"


def test_no_alternative_and_an_empty_rule_mean_skip() -> None:
    assert chosen("($PRVST = 5)? /a") is None
    assert chosen("") is None


def test_an_alternative_may_fetch_nothing_on_purpose() -> None:
    assert chosen("($PRVST = -1)? | /b") == ""


@pytest.mark.proves("RSY-02")
def test_assignments_come_with_their_alternative() -> None:
    rule = parse_rule('($PRVST = -1)? (Line_Enable_1_ = "No"; GPP_A = "x=;y")! /a | /b')
    alternative = rule.select(VALUES)
    assert alternative is not None
    assert alternative.assignments == (("Line_Enable_1_", "No"), ("GPP_A", "x=;y"))
    assert alternative.url == "/a"


@pytest.mark.proves("RSY-02")
def test_options_are_read_and_their_secrets_masked() -> None:
    alternative = parse_rule('[--key "a b" --uid bob --pwd hush --post A --alias B] https://h/a')
    (only,) = alternative.alternatives
    assert only.options.key.reveal() == "a b"
    assert (only.options.uid, only.options.post, only.options.alias) == ("bob", "A", "B")
    assert only.options.pwd.reveal() == "hush"
    assert "hush" not in repr(alternative)
    assert only.url == "https://h/a"


def test_an_ipv6_literal_is_not_taken_for_options() -> None:
    (only,) = parse_rule("[2001:db8::5]/a").alternatives
    assert only.options == Options()
    assert parse_url(only.url).host == "2001:db8::5"


def test_curly_quotes_of_a_word_processor_are_repaired() -> None:
    assert chosen("(“$PRVST” = “-1”)? /a") == "/a"


def test_a_macro_value_never_becomes_syntax() -> None:
    (only,) = parse_rule("$B").alternatives
    with pytest.raises(ValueError, match="not"):
        parse_url(expand(only.url, {"B": "[--key x] https://h/a"}))


@pytest.mark.parametrize(
    "rule",
    [
        "/a | /b",
        "|",
        "/a |",
        "(PRVST)? /a",
        "($A = 1 or $A = 2)? /a",
        "($A = 1 $A = 2)? /a",
        "($A = 1? /a",
        '("$A = 1)? /a',
        "($A = 1)! /a",
        "()! /a",
        "[--key x /a",
        "[--cfg x] /a",
        "[--key] /a",
        "[--post Z] /a",
        "/a b c",
        "/" + "a" * 5000,
    ],
)
def test_what_is_no_rule_is_refused_with_a_reason(rule: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_rule(rule)


@pytest.mark.parametrize(
    "url",
    [
        "prov.telco.test",
        "https://prov.telco.test",
        "https:///a",
        "https://:443/a",
        "ftp://h/a",
        "file:///etc/passwd",
        "gds://code",
        "https://h:0/a",
        "https://h:70000/a",
        "https://user:secret@h/a",
        "https://h/a\r\nX: y",
        "https://h\n/a",
    ],
)
def test_what_is_no_url_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_url(url)


@pytest.mark.parametrize("condition", ['"a" < "b"', "$MA >= 1"])
def test_texts_have_no_order(condition: str) -> None:
    with pytest.raises(ValueError, match="order"):
        parse_rule(f"({condition})? /a").select(VALUES)


@given(st.text(alphabet="()[]!?|$=<>\"'; /:-abAB10.", max_size=60))
def test_any_text_is_a_rule_or_a_value_error(text: str) -> None:
    try:
        alternative = parse_rule(text).select(VALUES)
        if alternative and alternative.url:
            assert parse_url(expand(alternative.url, VALUES)).path.startswith("/")
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--kay hush", "--kay is no option; "),
        ("--key", "--key needs a value behind it"),
        ("--uid bob hush", "a word without -- is no option; "),
        ("--status", "--delta for a report"),
    ],
)
def test_an_option_that_is_none_is_named_without_its_value(options: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as raised:
        parse_rule(f"[{options}] https://pv.telco.test/a")
    assert "hush" not in str(raised.value)
