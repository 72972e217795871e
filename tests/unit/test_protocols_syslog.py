"""Syslog packets. Source: RFC 3164 section 4.1; the first packet is shaped like its section 5.4."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.syslog import Severity, build

OCT_11_2003 = 1065910455.0
"""2003-10-11 22:14:15 UTC, the time of RFC 3164's first example."""


def test_a_packet_has_priority_time_host_tag_and_text() -> None:
    assert (
        build(Severity.NOTICE, OCT_11_2003, "mymachine", "'su root' failed")
        == b"<133>Oct 11 22:14:15 mymachine ringfence: 'su root' failed"
    )


def test_a_day_of_one_digit_is_padded_with_a_blank() -> None:
    assert build(Severity.ERROR, 1065910455.0 - 10 * 86400, "h", "x").startswith(b"<131>Oct  1 ")


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    packet = build(Severity.INFO, 0.0, "h\n<0>", "a\r\n<0>Jan  1 00:00:00 root evil\x00\x1b[2J\x85")
    assert packet == b"<134>Jan  1 00:00:00 h-<0> ringfence: a  <0>Jan  1 00:00:00 root evil  [2J"


@given(st.text(max_size=3000), st.text(max_size=300))
def test_every_packet_is_one_short_line_of_text(text: str, hostname: str) -> None:
    packet = build(Severity.INFO, 0.0, hostname, text)
    assert len(packet) <= 1024
    assert packet.decode().isprintable()
