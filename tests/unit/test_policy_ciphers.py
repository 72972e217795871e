"""The cipher-string evaluator, held against recorded OpenSSL 1.1.1d and against the local one."""

import json
import ssl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.policy.ciphers import SUITE_B, WORDS, evaluate
from ringfence.policy.suites import TLS13, universe
from tests.support.hello import SCSV, client_hello, offered

RECORDED = Path(__file__).parents[1] / "vectors" / "ciphers" / "table6.json"
TABLE6: dict[str, list[str] | None] = json.loads(RECORDED.read_text())["words"]

AVAILABLE = [name for name, suite in universe().items() if suite.available]
TERMS = sorted({*WORDS, "EECDH"})


def names(text: str) -> list[str]:
    return [suite.name for suite in evaluate(text).suites]


def local(text: str) -> list[int]:
    """Return what the local library offers for a string under a TLS 1.2 ceiling."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(text)
        return [code for code in offered(client_hello(context)) if code != SCSV]
    except ssl.SSLError:
        return []


@pytest.mark.proves("TLS-02")
@pytest.mark.parametrize("word", sorted(TABLE6))
def test_each_word_of_table_6_selects_what_the_library_of_the_guide_offers(word: str) -> None:
    assert [f"{suite.code:04x}" for suite in evaluate(word).suites] == (TABLE6[word] or [])


def test_table_6_has_52_words_and_all_are_known() -> None:
    assert len(TABLE6) == 52
    assert set(TABLE6) | {"EECDH"} == {*WORDS, *SUITE_B, "DEFAULT"}


def test_eecdh_is_ecdhe() -> None:
    assert names("EECDH") == names("ECDHE")


terms = st.lists(st.sampled_from(TERMS), min_size=1, max_size=3).map("+".join)
rules = st.builds(
    str.__add__, st.sampled_from(["", "", "", "!", "-", "+"]), terms | st.sampled_from(AVAILABLE)
)
specials = st.sampled_from(["@STRENGTH", "@SECLEVEL=0", "@SECLEVEL=1", "@SECLEVEL=3"])
levels = st.integers(0, 5).map("@SECLEVEL={}".format)
strings = st.builds(
    lambda first, rest, level, separator: separator.join([*first, *rest, level]),
    st.sampled_from([[], ["DEFAULT"]]),
    st.lists(rules | specials, min_size=1, max_size=7),
    levels,
    st.sampled_from([":", ",", " ", ";", "::", ", "]),
)


@pytest.mark.proves("TLS-02")
@settings(max_examples=500, deadline=None, derandomize=True)
@given(strings)
def test_every_string_selects_what_the_local_library_offers(text: str) -> None:
    assert [suite.code for suite in evaluate(text).suites if suite.available] == local(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AES128-SHA", ["AES128-SHA"]),
        ("AES128-SHA:AES256-SHA", ["AES128-SHA", "AES256-SHA"]),
        ("AES256-SHA,AES128-SHA", ["AES256-SHA", "AES128-SHA"]),
        ("AES256-SHA AES128-SHA", ["AES256-SHA", "AES128-SHA"]),
        ("AES128-SHA:AES256-SHA:+AES128-SHA", ["AES256-SHA", "AES128-SHA"]),
        ("AES128-SHA:AES256-SHA:-AES128-SHA:AES128-SHA", ["AES256-SHA", "AES128-SHA"]),
        ("AES128-SHA:AES256-SHA:!AES128-SHA:AES128-SHA", ["AES256-SHA"]),
        ("AES128-SHA:AES256-SHA:@STRENGTH", ["AES256-SHA", "AES128-SHA"]),
        ("kRSA+AESGCM", ["AES256-GCM-SHA384", "AES128-GCM-SHA256"]),
        ("DES-CBC3-SHA", ["DES-CBC3-SHA"]),
        ("DES-CBC3-SHA:@SECLEVEL=3", []),
        ("SUITEB128ONLY:ALL", ["ECDHE-ECDSA-AES128-GCM-SHA256"]),
        ("", []),
        (" ", []),
        ("!aNULL", []),
        ("-RSA", []),
        ("RSA:!RSA", []),
        ("eNULL", []),
    ],
)
def test_operators_work_as_in_ciphers_1(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "word", "reason"),
    [
        ("RSA:BOGUS", "BOGUS", "neither"),
        ("RSA:!RC4", "!RC4", "neither"),
        ("rsa:AES128-SHA", "rsa", "RSA"),
        ("RSA:aes128-sha", "aes128-sha", "AES128-SHA"),
        ("RSA:DEFAULT", "DEFAULT", "first"),
        ("RSA:SUITEB128", "SUITEB128", "first"),
        ("SUITEB128:RSA", "RSA", "replaces"),
        ("RSA:@SECLEVEL=9", "@SECLEVEL=9", "@SECLEVEL=0"),
        ("RSA:@FOO", "@FOO", "@STRENGTH"),
        ("RSA:kRSA+BOGUS", "kRSA+BOGUS", "neither"),
        ("RSA:!!AES", "!!AES", "operator"),
        ("RSA:+", "+", "neither"),
        ("RSA:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "TLS 1.3"),
        ("RSA:PSK-AES128-CBC-SHA", "PSK-AES128-CBC-SHA", "pre-shared"),
    ],
)
def test_a_word_without_effect_is_reported_and_spares_its_neighbours(
    text: str, word: str, reason: str
) -> None:
    chosen = evaluate(text)
    assert chosen.suites
    (skipped,) = chosen.skipped
    assert skipped.word == word
    assert reason in skipped.reason


def test_the_level_is_two_unless_the_string_says_otherwise() -> None:
    assert evaluate("RSA").level == 2
    assert evaluate("RSA:@SECLEVEL=0").level == 0


def test_the_longest_string_takes_no_time_to_speak_of() -> None:
    assert evaluate("A+" * 260).suites == ()


@given(st.text(max_size=521))
def test_no_text_breaks_the_evaluator(text: str) -> None:
    evaluate(text)


def test_suites_that_no_library_has_are_3des_rc4_idea_and_seed() -> None:
    gone = {suite.encryption for suite in universe().values() if not suite.available}
    assert gone == {"3DES", "RC4", "IDEA", "SEED"}


def test_the_local_library_has_every_suite_that_counts_as_available() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    held = {suite["name"] for suite in context.get_ciphers()}
    assert set(AVAILABLE) <= held
    assert set(TLS13) <= held
