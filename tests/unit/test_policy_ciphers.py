"""The cipher-string evaluator, held against recorded OpenSSL 1.1.1d and against the local one."""

import json
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.policy.cipher_words import SUITE_B, WORDS
from ringfence.policy.ciphers import Effect, Verdict, evaluate, verdicts
from ringfence.policy.suites import TLS13, universe

RECORDED = Path(__file__).parents[1] / "vectors" / "ciphers" / "table6.json"
TABLE6: dict[str, list[str] | None] = json.loads(RECORDED.read_text())["words"]
STRINGS: list[tuple[str, str]] = json.loads(RECORDED.with_name("strings.json").read_text())[
    "strings"
]

AVAILABLE = [name for name, suite in universe().items() if suite.available]
TERMS = sorted({*WORDS, "EECDH"})


def names(text: str) -> list[str]:
    return [suite.name for suite in evaluate(text).suites]


@pytest.mark.proves("TLS-02")
@pytest.mark.parametrize("word", sorted(TABLE6))
def test_each_word_of_table_6_selects_what_the_library_of_the_guide_offers(word: str) -> None:
    assert [f"{suite.code:04x}" for suite in evaluate(word).suites] == (TABLE6[word] or [])


@pytest.mark.proves("TLS-02")
def test_recorded_strings_select_what_the_library_of_the_guide_supports() -> None:
    assert len(STRINGS) > 250
    for text, recorded in STRINGS:
        codes = [f"{suite.code:04x}" for suite in evaluate(text).suites if suite.built]
        assert codes == recorded.split(), text


def test_table_6_has_52_words_and_all_are_known() -> None:
    assert len(TABLE6) == 52
    assert set(TABLE6) | {"EECDH"} == {*WORDS, *SUITE_B, "DEFAULT"}


def test_eecdh_is_ecdhe() -> None:
    assert names("EECDH") == names("ECDHE")


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
        ("SUITEB192+DHE", ["ECDHE-ECDSA-AES256-GCM-SHA384"]),
        (":SUITEB192", []),
        (":DEFAULT:AES128-SHA", ["AES128-SHA"]),
        ("AES128-SHA@STRENGTH", ["AES128-SHA"]),
        ("NULL-MD5@SECLEVEL=0", ["NULL-MD5"]),
        ("AES256-SHA!RSA:AES128-SHA", []),
        ("DEFAULT!ECDHE!DHE!SHA1!SHA256", ["AES256-GCM-SHA384", "AES128-GCM-SHA256"]),
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
        ("RSA:!RC4", "!RC4", "Table 6 does not"),
        ("RSA:TLSv1.0", "TLSv1.0", "Table 6 does not"),
        ("rsa:AES128-SHA", "rsa", "RSA"),
        ("RSA:aes128-sha", "aes128-sha", "AES128-SHA"),
        ("RSA:DEFAULT", "DEFAULT", "first"),
        ("RSA:SUITEB128", "SUITEB128", "first"),
        ("SUITEB128:RSA", "RSA", "replaces"),
        ("SUITEB128+RSA", "+RSA", "replaces"),
        ("SUITEB128C2:RSA", "SUITEB128C2", "Table 6 does not"),
        (",DEFAULT:RSA", "DEFAULT", "first"),
        ("RSA:@SECLEVEL=9", "@SECLEVEL=9", "@SECLEVEL=0"),
        ("RSA:@FOO", "@FOO", "@STRENGTH"),
        ("RSA:kRSA+BOGUS", "kRSA+BOGUS", "neither"),
        ("RSA:!!AES", "!!AES", "operator"),
        ("RSA:--AES", "--AES", "operator"),
        ("RSA:+", "+", "without a word"),
        ("RSA:SHA256+SHA384", "SHA256+SHA384", "at once"),
        ("RSA:AES_128", "AES_128", "neither"),
        ("RSA:\u00c4ES", "\u00c4ES", "neither"),
        ("RSA:A\tES", "A\tES", "neither"),
        ("RSA:A\0ES", "A\0ES", "neither"),
        ("RSA:BOGUS!AES128-SHA", "BOGUS!AES128-SHA", "neither"),
        ("RSA!", "!", "without a word"),
        ("@SECLEVEL=1!AES:RSA", "!AES", "next separator"),
        (
            "RSA:ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "ECDHE-RSA-AES128-GCM-SHA256",
        ),
        ("RSA:TLS_RSA_WITH_AES_128_CCM_8", "TLS_RSA_WITH_AES_128_CCM_8", "AES128-CCM8"),
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


def why(text: str, name: str) -> Verdict:
    (found,) = (one for one in verdicts(evaluate(text)) if one.suite.name == name)
    return found


@pytest.mark.proves("TLS-02")
@pytest.mark.parametrize(
    ("text", "name", "selected", "reason"),
    [
        ("RSA:!aNULL", "AES128-SHA", True, "selected by RSA"),
        ("AES128-SHA:RSA", "AES128-SHA", True, "selected by AES128-SHA"),
        ("RSA:-AES:kRSA", "AES128-SHA", True, "selected by kRSA"),
        ("RSA:+AES", "AES128-SHA", True, "selected by RSA"),
        ("DEFAULT", "AES128-SHA", True, "selected by DEFAULT"),
        ("DEFAULT:CAMELLIA", "CAMELLIA128-SHA", False, "forbidden by DEFAULT"),
        ("RSA:!aNULL", "ADH-AES128-SHA", False, "forbidden by !aNULL"),
        ("RSA:-AES", "AES128-SHA", False, "taken out by -AES"),
        ("RSA:!AES:AES", "AES128-SHA", False, "forbidden by !AES"),
        ("RSA", "ECDHE-RSA-AES128-SHA", False, "no word selects it"),
        (
            "RSA",
            "NULL-SHA",
            False,
            "selected by RSA, but security level 2 forbids it: 0 bits, not 112",
        ),
        (
            "ALL:@SECLEVEL=1",
            "ADH-AES128-SHA",
            False,
            "selected by ALL, but security level 1 forbids it: it authenticates nobody",
        ),
        (
            "ALL:@SECLEVEL=3",
            "AES128-SHA",
            False,
            "selected by ALL, but security level 3 forbids it: it has no forward secrecy",
        ),
        (
            "SEED-SHA",
            "SEED-SHA",
            True,
            "selected by SEED-SHA, but no TLS library of today has it",
        ),
        (
            "SUITEB192",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            True,
            "selected by SUITEB192",
        ),
    ],
)
def test_each_suite_says_which_word_let_it_in_or_kept_it_out(
    text: str, name: str, selected: bool, reason: str
) -> None:
    found = why(text, name)
    assert (found.selected, found.why) == (selected, reason)


def test_verdicts_are_all_suites_and_begin_with_the_selected_in_order() -> None:
    found = verdicts(evaluate("AES128-SHA:AES256-SHA"))
    assert [one.suite.name for one in found[:2]] == ["AES128-SHA", "AES256-SHA"]
    assert {one.suite.name for one in found} == set(universe())
    assert [one.selected for one in found].count(True) == 2


def test_each_word_says_what_it_did() -> None:
    steps = evaluate("AES128-SHA:AES256-SHA:+AES128-SHA:@SECLEVEL=1:-AES256-SHA:BOGUS").steps
    assert [(step.word, step.effect, step.suites) for step in steps] == [
        ("AES128-SHA", Effect.ADDS, ("AES128-SHA",)),
        ("AES256-SHA", Effect.ADDS, ("AES256-SHA",)),
        ("+AES128-SHA", Effect.MOVES, ("AES128-SHA",)),
        ("@SECLEVEL=1", Effect.LEVELS, ()),
        ("-AES256-SHA", Effect.DELETES, ("AES256-SHA",)),
        ("BOGUS", Effect.SKIPPED, ()),
    ]


def test_every_suite_is_spelled_in_the_registry_as_the_library_says() -> None:
    words = ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    official = {row[4]: (row[0], row[2]) for row in rows}
    for name in AVAILABLE:
        suite = universe()[name]
        code = f"0x{suite.code >> 8:02X},0x{suite.code & 255:02X}"
        assert official[name] == (code, suite.registered)
