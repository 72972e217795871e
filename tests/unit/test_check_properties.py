"""What holds of `ringfence check` for every file."""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.cli.check import check
from ringfence.config.cfgxml import read
from ringfence.config.settings import slots
from ringfence.errors import Finding
from ringfence.policy.checks import RULES
from ringfence.runtime.state import Identity
from tests.support.check_cases import CASES

FIX = re.compile(r": (<([\w.-]+)>[^<>]*</\2>)$")
ODD = (
    *("", '""', "0", "Yes", "No", "rw", "TLS", "http://a/b", "https://u:p@h/x?key=1", "/x", "|"),
    *("(", "[--key", "[--pwd x] tftp://h/x", "$A", "a,b", "*.", "com", "@SECLEVEL=0", "UDP:1"),
    *(
        "!NULL",
        "ldap://x",
        "Manual",
        "Required",
        "Static IP",
        "99999",
        "a:b:c",
        "\u00e9\u2028",
        "$",
    ),
)


def found(values: str) -> list[Finding]:
    document = read(f"<flat-profile>{values}</flat-profile>".encode())
    return list(check(document, Identity()))


@cache
def offered(values: str) -> list[tuple[str, str, str]]:
    """Return rule, tag and element of each remedy that says exactly what to write."""
    pairs = ((one, FIX.search(one.remedy)) for one in found(values))
    return [(one.rule, one.tag or "", match[1]) for one, match in pairs if match]


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_remedy_that_says_what_to_write_is_one(rule: str) -> None:
    trips, _ = CASES[rule]
    for name, tag, element in offered(trips):
        left = [one for one in found(trips + element) if (one.rule, one.tag) == (name, tag)]
        assert left == [], element


def test_some_remedies_say_what_to_write() -> None:
    assert len({rule for trips, _ in CASES.values() for rule, _, _ in offered(trips)}) >= 15


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(slots())), st.sampled_from(ODD), st.sampled_from("nr")),
        max_size=30,
    )
)
def test_every_finding_is_declared_and_stands_at_a_place_with_a_remedy(
    values: list[tuple[str, str, str]],
) -> None:
    written = {"n": "na", "r": "rw"}
    text = "".join(
        f'<{tag} ua="{written[ua]}">{value.replace("&", "&amp;").replace("<", "&lt;")}</{tag}>'
        for tag, value, ua in values
    )
    for one in found(text):
        assert one.rule in RULES
        assert one.line is not None
        assert one.column is not None
        assert one.message
        assert one.remedy
