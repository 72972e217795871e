"""G.711: 16-bit linear samples to µ-law and A-law and back, by table.

Linear audio is little-endian signed 16-bit, as WAV files have it. Source: ITU-T G.711; G.191 for
what the sign does to a sample between two steps.
"""

import struct
from collections.abc import Callable
from functools import cache
from operator import itemgetter

RATE = 8000
"""Samples of linear audio a second, whatever the encoding."""
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
def _decoder(one: Callable[[int], int]) -> tuple[bytes, bytes]:
    """Return what each code becomes: low bytes and high bytes of the samples."""
    samples = [one(code) & 0xFFFF for code in range(256)]
    return bytes(one & 0xFF for one in samples), bytes(one >> 8 for one in samples)


@cache
def _encoder(one: Callable[[int], int]) -> list[int]:
    """Return the codes of every sample, indexed by the sample as an unsigned number.

    Four neighbours share a code in both laws.
    """
    codes = [one(at) for at in (*range(0, 0x8000, 4), *range(-0x8000, 0, 4))]
    return [code for code in codes for _ in range(4)]


def prepare() -> None:
    """Make the tables now: that takes longer than a packet time."""
    _encoder(_to_ulaw)
    _encoder(_to_alaw)


def decode_ulaw(data: bytes) -> bytes:
    """Return linear audio."""
    return _decode(data, *_decoder(_from_ulaw))


def encode_ulaw(audio: bytes) -> bytes:
    """Return a byte for each sample."""
    return _encode(audio, _encoder(_to_ulaw))


def decode_alaw(data: bytes) -> bytes:
    """Return linear audio."""
    return _decode(data, *_decoder(_from_alaw))


def encode_alaw(audio: bytes) -> bytes:
    """Return a byte for each sample."""
    return _encode(audio, _encoder(_to_alaw))


def _decode(data: bytes, low: bytes, high: bytes) -> bytes:
    audio = bytearray(2 * len(data))
    audio[0::2] = data.translate(low)
    audio[1::2] = data.translate(high)
    return bytes(audio)


def _encode(audio: bytes, table: list[int]) -> bytes:
    samples = struct.unpack(f"<{len(audio) // 2}H", audio)
    # One getter of all samples is twice as fast as a loop; of a single one it returns no tuple.
    return bytes(itemgetter(*samples, 0, 0)(table)[:-2])
