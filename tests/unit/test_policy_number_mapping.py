"""Numbers of a directory as they are dialled."""

import pytest

from ringfence.policy.number_mapping import dialable, mapped, parse


@pytest.mark.proves("APP-01")
@pytest.mark.parametrize(
    ("mapping", "number", "dialled"),
    [
        ("(<:9xx.>)", "5551212", "95551212"),  # the manual's own example
        ("<:9>xx.", "5551212", "95551212"),
        ("(<+49:0>x.|<:00>[1-9]x.)", "+4989123", "089123"),
        ("(<+49:0>x.|<:00>[1-9]x.)", "4389123", "004389123"),
        ("(<+49:0>x.|<:00>[1-9]x.)", "089123", "089123"),
        ("(<0:>xxx)", "0123", "123"),
        ("(<:0>[2-47]xx)", "712", "0712"),
        ("", "12", "12"),
        ("(<:9>xx)", "1", "1"),
    ],
)
def test_a_number_is_dialled_as_the_first_sequence_that_takes_it_says(
    mapping: str, number: str, dialled: str
) -> None:
    assert mapped(parse(mapping), number) == dialled


@pytest.mark.parametrize(
    ("text", "dialled"),
    [
        ("+49 (89) 555-1212", "+49895551212"),
        ("555.1212", "5551212"),
        ("bob@telco.test", "bob@telco.test"),
        ("*21#", "*21#"),
        ("1;phone-context=x", ""),
        ("sip:bob@x", ""),
        ("1\r\nVia: x", ""),
        ("", ""),
        ("9" * 41, "9" * 41),
        ("9" * 65, ""),
    ],
)
def test_only_numbers_and_plain_addresses_are_dialled(text: str, dialled: str) -> None:
    assert dialable(text) == dialled


@pytest.mark.parametrize("text", ["(<:9", "(abc)", "(x|)", ".", "<a:b>", "[9-1]", "[", "x" * 65])
def test_a_mapping_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse(text)


def test_no_mapping_takes_long_to_fail() -> None:
    hostile = parse("(" + "x." * 60 + "*)")
    assert mapped(hostile, "1" * 40) == "1" * 40
