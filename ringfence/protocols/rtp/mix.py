"""Linear audio louder, softer, and of two put together; 16-bit, little-endian."""

import struct
from collections.abc import Iterable

LOUDEST = 10
"""Volumes go from 0, which is silence, to this one."""
NORMAL = 7
"""The volume at which audio is played as it came."""
STEP_DB = 3.0
_LEAST, _MOST = -0x8000, 0x7FFF


def gain(volume: int) -> float:
    """Return by what a volume multiplies audio."""
    return 10 ** ((volume - NORMAL) * STEP_DB / 20) if volume else 0.0


def scaled(audio: bytes, factor: float) -> bytes:
    """Return audio times a factor; what no sample can hold is cut."""
    if factor == 1:
        return audio
    return _written(round(sample * factor) for sample in _samples(audio))


def mixed(one: bytes, other: bytes) -> bytes:
    """Return the sum of two audios of one length; what no sample can hold is cut."""
    return _written(map(sum, zip(_samples(one), _samples(other), strict=True)))


def _samples(audio: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(audio) // 2}h", audio)


def _written(samples: Iterable[int]) -> bytes:
    cut = [min(max(sample, _LEAST), _MOST) for sample in samples]
    return struct.pack(f"<{len(cut)}h", *cut)
