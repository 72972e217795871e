"""G.722 and Opus: what is encoded is heard again, in step, and rubbish does no harm."""

import math
import struct

import pytest

from ringfence.protocols.rtp.packet import read_packet
from ringfence.protocols.rtp.session import AudioSession, Format
from ringfence.runtime.audio_codecs import coding


def sine(hertz: int, packet: int) -> bytes:
    """Return 20 ms of a tone."""
    at = range(160 * packet, 160 * packet + 160)
    return struct.pack("<160h", *(round(8000 * math.sin(math.tau * hertz * n / 8000)) for n in at))


def loudness(audio: bytes, hertz: int) -> float:
    samples = struct.unpack(f"<{len(audio) // 2}h", audio)
    turn = math.tau * hertz / 8000
    real = sum(value * math.cos(turn * n) for n, value in enumerate(samples))
    other = sum(value * math.sin(turn * n) for n, value in enumerate(samples))
    return 2 * math.hypot(real, other) / len(samples)


@pytest.mark.parametrize("name", ["G722", "OPUS"])
def test_a_tone_survives_both_ways_and_no_packet_is_short(name: str) -> None:
    made = coding(name)
    heard = [made.decode(made.encode(sine(700, packet))) for packet in range(50)]
    assert {len(one) for one in heard[1:]} == {320}
    second = b"".join(heard[10:])
    assert loudness(second, 700) > 7000
    assert loudness(second, 440) < 400


def test_g722_has_64_kbit_and_two_calls_do_not_mix() -> None:
    loud, quiet = coding("G722"), coding("G722")
    assert len(loud.encode(sine(700, 0))) == 160
    for packet in range(1, 5):
        loud.decode(loud.encode(sine(700, packet)))
    assert loudness(quiet.decode(quiet.encode(bytes(320))), 700) < 100


def test_what_is_no_opus_is_no_audio() -> None:
    made = coding("OPUS")
    assert made.decode(b"\xff\xfe\x01") == made.decode(b"") == b""
    assert len(made.decode(made.encode(sine(700, 0)))) == 320


def test_opus_counts_time_48000_times_a_second_keys_too() -> None:
    made = AudioSession(bytes, coding)
    made.configure(Format("OPUS", 99, 99, 20, events=108, receive_events=108))
    packets = [read_packet(made.next_packet(bytes(320)) or b"") for _ in range(2)]
    assert [one.timestamp for one in packets] == [0, 960]
    made.press("5")
    first, second = (read_packet(made.next_packet(bytes(320)) or b"") for _ in range(2))
    assert (first.payload, second.payload) == (b"\x05\x0a\x03\xc0", b"\x05\x0a\x07\x80")
    assert first.timestamp == second.timestamp == 1920
