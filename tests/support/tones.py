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
        return samples_of(file.readframes(file.getnframes()))[::step]


def samples_of(audio: bytes) -> Sequence[int]:
    """Return the samples of linear audio."""
    samples = array.array("h", audio)
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


ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = ("123A", "456B", "789C", "*0#D")
STEP, LOOK = RATE // 100, RATE * 3 // 100
"""A decision every 10 ms, on 30 ms of sound."""


def keys_heard(samples: Sequence[int]) -> str:
    """Return the keys in a recording, each of 40 ms at least and 40 ms apart (ITU-T Q.24)."""
    seen = [_key(samples[at : at + LOOK]) for at in range(0, max(len(samples) - LOOK, 0) + 1, STEP)]
    found, silent = "", 4
    for at, key in enumerate(seen):
        if not key:
            silent += 1
        elif seen[at : at + 4] == [key] * 4 and silent >= 4:
            found += key
        silent = 0 if key else silent
    return found


def _key(samples: Sequence[int]) -> str:
    low, high = ([amplitude(samples, hertz) for hertz in group] for group in (ROWS, COLUMNS))
    row, column = low.index(max(low)), high.index(max(high))
    others = [*low[:row], *low[row + 1 :], *high[:column], *high[column + 1 :]]
    least = min(low[row], high[column])
    return PAD[row][column] if least > 2000 and least > 3 * max(others) else ""
