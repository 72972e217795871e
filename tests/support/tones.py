"""Tones: written to a file for a peer to play, and found again in what somebody recorded."""

import array
import math
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

RATE = 8000
LOUDNESS = 8000
"""Amplitude of every tone, ours and theirs."""
WINDOW = RATE // 4
"""Samples that are judged at a time: a quarter of a second."""


def write_tone(path: Path, hertz: int, seconds: int = 30) -> Path:
    """Write a sine as mono, 16 bit, 8000 Hz."""
    return write_audio(path, tone(hertz, seconds))


def tone(hertz: int, seconds: int) -> bytes:
    """Return a sine as 16-bit samples, 8000 a second."""
    period = RATE // math.gcd(RATE, hertz)
    one = [round(LOUDNESS * math.sin(2 * math.pi * hertz * at / RATE)) for at in range(period)]
    samples = array.array("h", one * (seconds * RATE // period))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def write_audio(path: Path, audio: bytes, rate: int = RATE) -> Path:
    """Write samples as mono, 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(audio)
    return path


def read_audio(path: Path) -> Sequence[int]:
    """Return the first channel of a recording, 8000 samples a second."""
    with wave.open(str(path), "rb") as file:
        step, rest = divmod(file.getframerate() * file.getnchannels(), RATE)
        assert (file.getsampwidth(), rest) == (2, 0)
        samples = array.array("h", file.readframes(file.getnframes()))[::step]
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def amplitude(samples: Sequence[int], hertz: int) -> float:
    """Return the amplitude of one frequency (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)


def loudest(path: Path, hertz: int) -> float:
    """Return the greatest amplitude of a frequency over all windows of a recording."""
    samples = read_audio(path)
    starts = range(0, len(samples) - WINDOW + 1, WINDOW)
    return max((amplitude(samples[at : at + WINDOW], hertz) for at in starts), default=0.0)


def assert_heard(path: Path, hertz: int, *not_heard: int, share: float = 0.8) -> None:
    """See that a recording holds a tone nearly as loud as it was made, and not the others."""
    found = loudest(path, hertz)
    assert found > share * LOUDNESS, f"{hertz} Hz only at {found:.0f} in {path}"
    for other in not_heard:
        assert loudest(path, other) < 0.05 * LOUDNESS, f"{other} Hz in {path}, too"
