"""Which codecs a line offers, in which order, and what of them is offered only where installed."""

import pytest
from msgspec.structs import replace

from ringfence.config.settings import decode, virgin
from ringfence.features.line.targets import StarCodes
from ringfence.features.line.terms import terms
from ringfence.protocols.sip.negotiation import Negotiation

EXTRAS = ("G722", "OPUS")


def offered(*extras: str, **texts: str) -> list[tuple[str, int, int]]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return [(one.name, one.rate, one.payload) for one in terms(settings, 1, extras)[0].codecs]


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


def test_offers_are_encrypted_where_the_user_says_so_and_the_line_lets_him() -> None:
    for texts, secure in (
        ({}, False),
        ({"Secure_Call_Setting": "Yes"}, True),
        ({"Secure_Call_Setting": "Yes", "Secure_Call_Option_1_": "Strict"}, False),
        ({"Secure_Call_Setting": "Yes", "Secure_Call_Serv": "No"}, False),
        ({"Secure_Call_Option_1_": "Required"}, True),
    ):
        settings, errors = decode(texts, virgin())
        assert not errors
        made = replace(terms(settings, 1, ())[0], address="192.0.2.1", port=16384)
        assert (b"RTP/SAVP" in Negotiation(made, bytes).offer()) is secure, texts


@pytest.mark.parametrize(
    ("dialled", "meant"),
    [
        ("*16", ("every", True, "")),
        (" *17 ", ("every", False, "")),
        ("*181003", ("one", True, "1003")),
        ("*19", ("one", False, "")),
        ("*161003", ("", False, "*161003")),
        ("1003", ("", False, "1003")),
        ("sip:*18@telco.test", ("", False, "sip:*18@telco.test")),
    ],
)
def test_what_codes_say_of_how_calls_are_secured(
    dialled: str, meant: tuple[str, bool, str]
) -> None:
    assert StarCodes("*16", "*17", "*18", "*19").read(dialled) == meant
    assert StarCodes("", "", "", "").read(dialled) == ("", False, dialled.strip())
