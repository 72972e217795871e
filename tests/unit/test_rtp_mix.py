"""Audio of two put together, louder and softer."""

import struct

import pytest

from ringfence.protocols.rtp.mix import mixed, scaled


def audio(*samples: int) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def test_two_who_speak_are_heard_at_once_and_nobody_louder_than_a_sample_can_be() -> None:
    one, other = audio(100, -100, 32000, -32000), audio(7, -7, 1000, -1000)
    assert mixed(one, other) == audio(107, -107, 32767, -32768)


@pytest.mark.parametrize(
    ("factor", "wanted"),
    [(1.0, (1000, -20000)), (0.5, (500, -10000)), (2.0, (2000, -32768)), (0.0, (0, 0))],
)
def test_audio_is_played_as_loud_as_it_is_to_be(factor: float, wanted: tuple[int, ...]) -> None:
    assert scaled(audio(1000, -20000), factor) == audio(*wanted)
