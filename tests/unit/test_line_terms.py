"""Which codecs a line offers, in which order, and what of them is offered only where installed."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.line.terms import terms

EXTRAS = ("G722", "OPUS")


def offered(*extras: str, **texts: str) -> list[tuple[str, int, int]]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return [(one.name, one.rate, one.payload) for one in terms(settings, 1, "UDP", extras).codecs]


KEYS_8, KEYS_48 = ("telephone-event", 8000, 101), ("telephone-event", 48000, 108)
ULAW, ALAW, WIDE, OPUS = (
    ("PCMU", 8000, 0),
    ("PCMA", 8000, 8),
    ("G722", 8000, 9),
    ("opus", 48000, 99),
)


def test_what_is_not_installed_is_not_offered() -> None:
    assert offered() == [ULAW, ALAW, KEYS_8]
    preferred = {"Preferred_Codec_1_": "OPUS", "Use_Pref_Codec_Only_1_": "Yes"}
    assert offered(**preferred) == [ULAW, ALAW, KEYS_8]


def test_what_is_installed_follows_what_everybody_speaks() -> None:
    assert offered(*EXTRAS) == [ULAW, ALAW, WIDE, OPUS, KEYS_8, KEYS_48]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"Preferred_Codec_1_": "G722"}, [WIDE, ULAW, ALAW, OPUS, KEYS_8, KEYS_48]),
        (
            {"Preferred_Codec_1_": "OPUS", "Second_Preferred_Codec_1_": "G711a"},
            [OPUS, ALAW, ULAW, WIDE, KEYS_48, KEYS_8],
        ),
        ({"Preferred_Codec_1_": "OPUS", "Use_Pref_Codec_Only_1_": "Yes"}, [OPUS, KEYS_48]),
        (
            {"Preferred_Codec_1_": "G722", "G722_Enable_1_": "No"},
            [ULAW, ALAW, OPUS, KEYS_8, KEYS_48],
        ),
        ({"OPUS_Enable_1_": "No"}, [ULAW, ALAW, WIDE, KEYS_8]),
    ],
)
def test_preferences_come_first_and_switches_are_obeyed(
    texts: dict[str, str], wanted: list[tuple[str, int, int]]
) -> None:
    assert offered(*EXTRAS, **texts) == wanted


def test_payload_types_follow_their_parameters() -> None:
    moved = {"OPUS_Dynamic_Payload": "111", "AVT_48kHz_Dynamic_Payload": "112"}
    assert offered(*EXTRAS, **moved)[3:] == [
        ("opus", 48000, 111),
        KEYS_8,
        ("telephone-event", 48000, 112),
    ]
