"""Macros in rules and messages. Expected values are typed from phone-facts 2.6."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.settings import Settings, decode
from ringfence.policy.macros import expand, phone_values, setting_values

UNIT = phone_values("000e08abcdef", "CP-8841-3PCC", "88012BA01234", "11.3")


@pytest.mark.proves("RSY-03")
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("/$PSN.xml", "/8841.xml"),
        ("$MA", "000e08abcdef"),
        ("$MAU", "000E08ABCDEF"),
        ("$MAC", "00:0e:08:ab:cd:ef"),
        ("$PN/$SN", "CP-8841-3PCC/88012BA01234"),
        ("$(PN)_x", "CP-8841-3PCC_x"),
        ("$VERSION ($MA)", "Ringfence/0.1.0 (000e08abcdef)"),
        ("cost $$5", "cost $5"),
        ("$$MA", "$MA"),
        ("$$$MA", "$000e08abcdef"),
        ("$NOBODY/$(NOBODY:1)", "$NOBODY/$(NOBODY:1)"),
        ("$(MA", "$(MA"),
        ("$", "$"),
        ("", ""),
    ],
)
def test_a_macro_becomes_its_value_and_unknown_names_stay(text: str, expanded: str) -> None:
    assert expand(text, UNIT) == expanded


@pytest.mark.proves("RSY-03")
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "ABCDEF"),
        ("$(A:2)", "CDEF"),
        ("$(A:2:3)", "CDE"),
        ("$(A:0:0)", ""),
        ("$(A:9)", ""),
        ("$(A:4:9)", "EF"),
        ("$(A:x)", "$(A:x)"),
        ("$(A:-1)", "$(A:-1)"),
    ],
)
def test_a_substring_has_an_offset_and_a_length(text: str, expanded: str) -> None:
    assert expand(text, {"A": "ABCDEF"}) == expanded


@pytest.mark.proves("RSY-03")
def test_a_value_is_not_expanded_again() -> None:
    assert expand("$A", {"A": "$B $$", "B": "secret"}) == "$B $$"


@given(st.text(max_size=80))
def test_any_text_without_known_macros_and_dollar_pairs_is_kept(text: str) -> None:
    text = text.replace("$$", "$ ")
    assert expand(text, {}) == text


def test_general_purpose_and_line_parameters_are_macros() -> None:
    settings, errors = decode(
        {"GPP_A": "first", "GPP_P": "last", "User_ID_2_": "1002", "Proxy_1_": "sip.telco.test"},
        Settings(),
    )
    assert not errors
    values = setting_values(settings)
    assert expand("$A $P $UID2 $PROXY1", values) == "first last 1002 sip.telco.test"


def test_secrets_are_not_among_the_macros_of_plain_text() -> None:
    settings, errors = decode({"GPP_SA": "hush-hush", "Password_1_": "hush-too"}, Settings())
    assert not errors
    assert expand("$SA $PASSWORD1", setting_values(settings)) == "$SA $PASSWORD1"
