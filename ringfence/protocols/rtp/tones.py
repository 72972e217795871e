"""Key presses as sound: two tones at once. Source: ITU-T Q.23; ITU-T Q.24; ITU-T G.711 table 2a."""

import struct
from collections.abc import Iterator
from math import pi, sin

from ringfence.protocols.rtp.g711 import RATE
from ringfence.protocols.rtp.keys import TONE_MS

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_PAD = "123A456B789C*0#D"
_FULL = 32124 / 10 ** (3.17 / 20)
"""Amplitude of a sine of 0 dBm0: one of 3.17 dBm0 fills the range of µ-law."""
_LOW, _HIGH = _FULL * 10 ** (-10 / 20), _FULL * 10 ** (-8 / 20)
"""-10 and -8 dBm0: what exchanges hear (0 to -25), and the higher tone is damped more."""


def key_sound(key: str, ptime: int) -> Iterator[bytes]:
    """Yield the linear audio of one key press, one part for each packet time in milliseconds.

    Raises:
        ValueError: `key` is none of the sixteen.

    """
    row, column = divmod(_PAD.index(key), 4)
    low, high = (2 * pi * hertz / RATE for hertz in (_ROWS[row], _COLUMNS[column]))
    size = RATE * ptime // 1000
    for first in range(0, max(1, TONE_MS // ptime) * size, size):
        samples = (
            round(_LOW * sin(low * at) + _HIGH * sin(high * at))
            for at in range(first, first + size)
        )
        yield struct.pack(f"<{size}h", *samples)
