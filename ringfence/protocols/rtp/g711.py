"""G.711: 16-bit linear samples to µ-law and A-law and back, by table.

Linear audio is little-endian signed 16-bit, as WAV files have it. Source: ITU-T G.711; G.191 for
what the sign does to a sample between two steps.
"""

import array
import sys
from collections.abc import Callable
from functools import cache

_BIAS, _CLIP = 0x84, 32635


def _from_ulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS << ((code & 0x70) >> 4)) - _BIAS
    return -magnitude if code & 0x80 else magnitude


def _to_ulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(sample if sample >= 0 else ~sample, _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


def _from_alaw(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = mantissa + 8 if not exponent else mantissa + 0x108 << exponent - 1
    return magnitude if code & 0x80 else -magnitude


def _to_alaw(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    magnitude = min((sample if sample >= 0 else ~sample) >> 3, 4095)
    exponent = max(magnitude.bit_length() - 5, 0)
    mantissa = magnitude >> (exponent if exponent > 1 else 1) & 0x0F
    return (sign | exponent << 4 | mantissa) ^ 0x55


@cache
def _decoder(one: Callable[[int], int]) -> tuple[int, ...]:
    return tuple(one(code) for code in range(256))


@cache
def _encoder(one: Callable[[int], int]) -> bytes:
    """Return the codes of every sample, indexed by the sample as an unsigned number."""
    return bytes(one(sample - 0x10000 if sample & 0x8000 else sample) for sample in range(0x10000))


def decode_ulaw(data: bytes) -> bytes:
    """Return linear audio."""
    return _decode(data, _decoder(_from_ulaw))


def encode_ulaw(audio: bytes) -> bytes:
    """Return a byte for each sample."""
    return _encode(audio, _encoder(_to_ulaw))


def decode_alaw(data: bytes) -> bytes:
    """Return linear audio."""
    return _decode(data, _decoder(_from_alaw))


def encode_alaw(audio: bytes) -> bytes:
    """Return a byte for each sample."""
    return _encode(audio, _encoder(_to_alaw))


def _decode(data: bytes, table: tuple[int, ...]) -> bytes:
    samples = array.array("h", map(table.__getitem__, data))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _encode(audio: bytes, table: bytes) -> bytes:
    samples = array.array("H", audio)
    if sys.byteorder == "big":
        samples.byteswap()
    return bytes(map(table.__getitem__, samples))
