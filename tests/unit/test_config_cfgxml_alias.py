"""Files that call parameters by names of their own. Source: phone-facts 2.5, --alias."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.cfgxml import read
from ringfence.config.cfgxml_alias import Alias, parse_aliases, renamed
from ringfence.errors import DocumentError

MAP = (
    "/customer-account/SIP-number = /flat-profile/User_ID_1_ ;"
    " /customer-account/SIP-password = /flat-profile/Password_1_ ;"
)
CUSTOMER = """<?xml version="1.0"?>
<customers><customer-account>
  <SIP-number> 17775551234</SIP-number>
  <name>J. Smith</name>
  <SIP-password ua="na">5128&lt;907884</SIP-password>
</customer-account></customers>
"""


def values(document: str, aliases: str = MAP) -> dict[str, str]:
    read_again = read(renamed(document, parse_aliases(aliases)).encode())
    return {tag: entry.text for tag, entry in read_again.entries.items()}


@pytest.mark.proves("RSY-02")
def test_a_customers_file_sets_the_parameters_that_the_map_names() -> None:
    assert values(CUSTOMER) == {"User_ID_1_": "17775551234", "Password_1_": "5128<907884"}


@pytest.mark.proves("RSY-02")
def test_the_left_side_needs_no_more_than_the_end_of_the_path() -> None:
    assert values(CUSTOMER, "/name = /flat-profile/Display_Name_1_") == {
        "Display_Name_1_": "J. Smith"
    }
    assert values(CUSTOMER, "/customers/name = /flat-profile/Display_Name_1_") == {}


def test_a_parameter_under_its_own_name_counts_too_and_the_last_one_wins() -> None:
    document = (
        "<all><flat-profile><GPP_A>a</GPP_A><User_ID_1_>1</User_ID_1_></flat-profile>"
        "<customer-account><SIP-number>2</SIP-number></customer-account></all>"
    )
    assert values(document) == {"GPP_A": "a", "User_ID_1_": "2"}


def test_findings_keep_the_lines_of_the_file() -> None:
    document = read(renamed(CUSTOMER, parse_aliases(MAP)).encode())
    assert {tag: entry.line for tag, entry in document.entries.items()} == {
        "User_ID_1_": 3,
        "Password_1_": 5,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 30 entries, this one 0"),
        (";".join(["/a = /flat-profile/GPP_A"] * 31), "this one 31"),
        ("a = /flat-profile/GPP_A", "is not /path/name"),
        ("/a = GPP_A", "is not /path/name"),
        ("/a = /flat-profile/GPP_A/x", "is not /path/name"),
        ("/a<b = /flat-profile/GPP_A", "is not /path/name"),
    ],
)
def test_a_map_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_aliases(text)


@pytest.mark.parametrize(
    "document",
    [
        "<a>",
        "no xml",
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        "<a>" * 9 + "</a>" * 9,
        "<a>" + "<b/>" * 16384 + "</a>",
    ],
    ids=["open", "text", "DOCTYPE", "deep", "long"],
)
def test_a_file_that_is_not_one_is_refused(document: str) -> None:
    with pytest.raises(DocumentError):
        renamed(document, (Alias(("b",), "GPP_A"),))


@given(st.text(max_size=80))
def test_no_value_becomes_an_element(text: str) -> None:
    held = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    document = f"<c><n>{held}</n></c>"
    try:
        made = renamed(document, (Alias(("n",), "GPP_A"),))
    except DocumentError:
        return
    assert set(read(made.encode()).entries) <= {"GPP_A"}
