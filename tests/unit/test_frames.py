"""Where the heads of a packet end. Lengths by RFC 791, 8200, 9293, 768 and IEEE 802.1Q."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols import pcapng
from ringfence.protocols.frames import head_length

MACS = bytes(12)
V4 = bytes.fromhex("45000000000000004000")
"""IPv4 up to its TTL: five words of head, no fragment."""
SAID = b"REGISTER sip:telco.test" * 4


def v4(protocol: int, rest: bytes, head: bytes = V4) -> bytes:
    return MACS + b"\x08\x00" + head[:9] + bytes([protocol]) + bytes(10) + rest


def v6(following: int, rest: bytes) -> bytes:
    return MACS + b"\x86\xdd" + bytes(6) + bytes([following]) + bytes(33) + rest


TCP = bytes(12) + b"\x80" + bytes(19)
"""Eight words of head."""


@pytest.mark.proves("APP-02")
@pytest.mark.parametrize(
    ("frame", "length"),
    [
        (v4(17, bytes(8) + SAID), 42),
        (v4(6, TCP + SAID), 66),
        (v4(1, bytes(8) + SAID), 42),
        (v4(50, SAID), 34),  # ESP: nothing of it is a head that helps
        (v4(17, bytes(8) + SAID, bytes.fromhex("45000000000000b94000")), 34),  # a later fragment
        (v4(17, bytes(12) + SAID, bytes.fromhex("46000000000000004000")), 46),  # with an option
        (v6(17, bytes(8) + SAID), 62),
        (v6(6, TCP + SAID), 86),
        (v6(58, bytes(8) + SAID), 62),
        (v6(0, SAID), 54),
        (MACS + b"\x81\x00\x00\x07" + v4(17, bytes(8) + SAID)[12:], 46),
        (MACS + b"\x88\xa8\0\7\x81\0\0\7" + v4(17, bytes(8) + SAID)[12:], 50),
        (MACS + b"\x08\x06" + bytes(28) + SAID, 42),
        (MACS + b"\x88\x8e" + SAID, 14),  # EAPOL: identities
        (MACS + b"\x00\x40" + SAID, 14),
    ],
)
def test_heads_end_where_the_standards_say(frame: bytes, length: int) -> None:
    assert head_length(frame) == length


@given(st.binary(max_size=80))
def test_any_bytes_have_a_length(frame: bytes) -> None:
    assert head_length(frame) >= 14


def file(*blocks: bytes) -> bytes:
    return pcapng.section("x") + pcapng.interface("eth0", 9) + b"".join(blocks)


KEYS = pcapng.secrets(4).replace(b"    ", b"KEYS")


@pytest.mark.proves("APP-02")
def test_of_a_trace_only_heads_are_left_with_times_and_lengths() -> None:
    one, two = v4(17, bytes(8) + SAID), v6(6, TCP + SAID)
    again = pcapng.section("x") + pcapng.interface("eth0", 9)
    end = pcapng.statistics(0, 2, 0, "the phone stopped")
    whole = file(KEYS, pcapng.packet(one, 7, 1), again, KEYS, pcapng.packet(two, 9, 2), end)
    left = pcapng.heads(whole, 1 << 20)
    assert b"KEYS" not in left
    assert b"sip:" not in left
    assert left.startswith(file())
    assert left.endswith(end)
    assert left.count(again) == 2
    short = pcapng.packet(one[:42], 7, 0)
    assert short[28:].startswith(one[:42])
    assert one[:42] in left
    assert len(one).to_bytes(4, "little") in left  # how long it was
    assert two[:86] in left


def test_of_a_long_trace_the_newest_packets_are_left() -> None:
    packets = [pcapng.packet(MACS + bytes([n, 1]), n, 1) for n in range(100)]
    left = pcapng.heads(file(*packets), 500)
    assert len(left) <= 500
    assert MACS + bytes([99, 1]) in left
    assert MACS + bytes([98, 1]) in left
    assert MACS + bytes([1, 1]) not in left


@given(st.integers(0, 400), st.binary(max_size=8))
def test_a_broken_file_is_refused_or_read(at: int, bad: bytes) -> None:
    whole = file(KEYS, pcapng.packet(v4(17, SAID), 7, 1), KEYS)
    with contextlib.suppress(ValueError):
        pcapng.heads(whole[:at] + bad + whole[at + len(bad) :], 1 << 20)
