"""Text to value and back."""

import enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.catalog.values import SipTransport
from ringfence.config.codecs import (
    SCHEDULE,
    Address,
    Choice,
    Codec,
    Number,
    NumberOrNone,
    Password,
    Seconds,
    Secret,
    SecretText,
    Text,
    YesNo,
    codec_for,
)
from ringfence.config.hosts import HOST, HOST_ALONE

DEEP = "correct-horse-battery-9"


@pytest.mark.parametrize("text", ["Yes", "yes", "YES"])
def test_yes_is_read_in_any_case_and_written_in_one(text: str) -> None:
    assert YesNo().decode(text) is True
    assert YesNo().encode(True) == "Yes"


@pytest.mark.parametrize("text", ["", "1", "true", "on", "Yes!"])
def test_neither_yes_nor_no_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected Yes\|No, not"):
        YesNo().decode(text)


@pytest.mark.parametrize("text", ["TLS", "tls", "Tls"])
def test_a_choice_is_read_in_any_case_and_written_canonically(text: str) -> None:
    codec = Choice(SipTransport)
    assert codec.encode(codec.decode(text)) == "TLS"


def test_a_refused_choice_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"UDP\|TCP\|TLS\|Auto, not 'SCTP'"):
        Choice(SipTransport).decode("SCTP")


def test_a_member_that_a_parameter_does_not_offer_is_refused() -> None:
    codec = Choice(SipTransport, without=(SipTransport.AUTO,))
    assert codec.choices == ("UDP", "TCP", "TLS")
    with pytest.raises(ValueError, match="expected one of"):
        codec.decode("Auto")


@pytest.mark.parametrize("text", ["", " 5", "5 ", "+5", "0x5", "5.0", "٥", "5e3", "9" * 11, "--5"])
def test_only_ascii_digits_are_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Number(0, 10).decode(text)


@given(st.integers(-(10**9), 10**9))
def test_a_number_inside_its_limits_is_taken_and_outside_refused(value: int) -> None:
    codec = Number(-500, 500)
    if -500 <= value <= 500:
        assert codec.decode(str(value)) == value
    else:
        with pytest.raises(ValueError, match="–500"):
            codec.decode(str(value))


@pytest.mark.parametrize("text", ["", "Null", "null"])
def test_nothing_or_null_switches_an_optional_number_off(text: str) -> None:
    codec = NumberOrNone(Number(1, 254))
    assert codec.decode(text) is None
    assert codec.encode(None) == ""
    assert codec.decode("132") == 132


@pytest.mark.parametrize(("text", "seconds"), [(".5", 0.5), ("4", 4.0), ("0.020", 0.02)])
def test_a_time_may_have_a_fraction(text: str, seconds: float) -> None:
    assert Seconds(0, 10).decode(text) == seconds


@pytest.mark.parametrize("text", ["", ".", "1.2.3", "-1", "nan", "inf", "1e3", "11", "1" * 13])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Seconds(0, 10).decode(text)


@given(st.text(st.characters(codec="ascii"), max_size=50))
def test_text_is_kept_as_it_is_unless_it_has_a_control_character(text: str) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        with pytest.raises(ValueError, match="control"):
            Text().decode(text)
    else:
        assert Text().decode(text) == text


@pytest.mark.parametrize("codec", [Text(), SecretText(), Password()])
def test_bytes_that_are_not_utf_8_are_refused(codec: Codec[Any]) -> None:
    with pytest.raises(ValueError, match="is not UTF-8"):
        codec.decode(b"J\xf6rg".decode(errors="surrogateescape"))


def test_an_empty_text_passes_where_a_pattern_would_not() -> None:
    assert Text(9, "digits", r"\d+").decode("") == ""
    with pytest.raises(ValueError, match="expected digits"):
        Text(9, "digits", r"\d+").decode("12x")


def test_curly_quotes_of_a_rule_become_straight_with_a_warning() -> None:
    codec = Text(syntax=True)
    assert codec.decode("(“$MA” eq ‘x’)? http://h/") == "(\"$MA\" eq 'x')? http://h/"
    assert "curly" in codec.doubt("“x”")
    assert codec.doubt('"x"') == ""


def test_characters_outside_ascii_are_doubtful_except_where_people_read_them() -> None:
    assert "ASCII" in Text().doubt("Müller")
    assert Text(display=True).doubt("Müller") == ""


@pytest.mark.parametrize("text", ["", "10.1.2.3", "255.255.255.0"])
def test_an_ipv4_literal_or_nothing_is_an_address(text: str) -> None:
    assert Address(4).decode(text) == text


@pytest.mark.parametrize("text", ["10.1.2", "10.1.2.256", "010.1.2.3", "::1", "host", "1.2.3.4/24"])
def test_anything_else_is_no_ipv4_address(text: str) -> None:
    with pytest.raises(ValueError, match="IPv4 address"):
        Address(4).decode(text)


def test_an_ipv6_literal_is_written_canonically() -> None:
    assert Address(6).decode("2001:DB8:0:0::1") == "2001:db8::1"
    assert Address(6).decode("FE80::53%eth0") == "fe80::53%eth0"


@pytest.mark.parametrize("zone", ["e 0", "eth0; reboot", "eth0\nroute", "x" * 16, "a%b"])
def test_a_zone_is_the_name_of_an_interface(zone: str) -> None:
    with pytest.raises(ValueError, match="IPv6 address"):
        Address(6).decode(f"fe80::1%{zone}")


@pytest.mark.parametrize("text", ["60", "60,120", "3600+600", "60 , 120+5", ""])
def test_a_schedule_is_delays_joined_by_commas(text: str) -> None:
    assert SCHEDULE.decode(text) == text


@pytest.mark.parametrize("text", ["60;120", "60,", ",60", "60+", "+5", "a", "-60", "60,120+5x"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seconds"):
        SCHEDULE.decode(text)


@pytest.mark.parametrize("text", ["host", "host.example.com:514", "10.1.2.3", "[2001:db8::1]:514"])
def test_a_host_has_no_scheme(text: str) -> None:
    assert HOST.decode(text) == text
    with pytest.raises(ValueError, match="host"):
        HOST.decode(f"udp://{text}")


@pytest.mark.parametrize("text", ["log.test", "vpn_1.test.", "192.0.2.1", "2001:db8::1", ""])
def test_a_host_alone_and_a_host_with_a_port_are_names_and_addresses(text: str) -> None:
    assert (HOST.decode(text), HOST_ALONE.decode(text)) == (text, text)


@pytest.mark.parametrize("text", ["log.test:514", "192.0.2.1:1", "[2001:db8::1]:65535"])
def test_a_port_stands_only_where_it_may(text: str) -> None:
    assert HOST.decode(text) == text
    with pytest.raises(ValueError, match="without scheme and port"):
        HOST_ALONE.decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "a:b:c",
        "log.test:x",
        "log.test:",
        "log.test:0",
        "log.test:65536",
        "a..b",
        ":514",
        "[::1",
        "[::1]514",
        "[log.test]:514",
        "1::2::3",
        "a b",
        "user@host",
        "host/path",
    ],
)
def test_what_names_no_server_is_refused(text: str) -> None:
    for codec in (HOST, HOST_ALONE):
        with pytest.raises(ValueError, match="host name or address"):
            codec.decode(text)


@pytest.mark.parametrize("codec", [SecretText(20), Password(8, 20)])
def test_no_error_repeats_a_secret(codec: Codec[Secret]) -> None:
    for text in (DEEP, f"{DEEP[:10]}\x01"):
        with pytest.raises(ValueError, match=r"characters|control") as caught:
            codec.decode(text)
        assert DEEP[:10] not in str(caught.value)


def test_a_secret_is_masked_wherever_it_is_written() -> None:
    secret = SecretText().decode(DEEP)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{[secret]}",
        f"{secret:s}",
    ]
    assert not any("horse" in text for text in shown)
    assert secret.reveal() == DEEP
    assert secret
    assert not Secret()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("Ab1$", "shorter than 8"),
        ("abcdefgh1", "three of"),
        ("Abcdefgh1", ""),
        ("abcdefg-1", ""),
    ],
)
def test_a_weak_password_is_accepted_with_a_reason_to_doubt_it(text: str, reason: str) -> None:
    codec = Password()
    assert codec.decode(text).reveal() == text
    assert reason in codec.doubt(text)
    assert bool(codec.doubt(text)) is bool(reason)


def test_a_blank_in_a_password_is_refused() -> None:
    with pytest.raises(ValueError, match="blank"):
        Password().decode("two words A1")


class Colour(enum.Enum):
    RED = "Red"


@pytest.mark.parametrize(
    ("kind", "text", "value"), [(bool, "no", False), (str, "x", "x"), (Colour, "red", Colour.RED)]
)
def test_a_type_decides_its_codec(kind: type, text: str, value: Any) -> None:
    assert codec_for(kind).decode(text) == value


def test_a_number_needs_its_limits() -> None:
    with pytest.raises(TypeError, match="explicit codec"):
        codec_for(int)
