"""Telephone events: key presses inside RTP. Source: RFC 4733 section 2."""

import struct
from collections.abc import Iterator

from ringfence.protocols.rtp.keys import KEYS, TONE_MS

_EVENT = struct.Struct("!BBH")
_VOLUME = 10
"""-10 dBm0."""
_REPEATS = 3
"""How often the end is told. Source: section 2.5.1.4."""


def event_payloads(key: str, ptime: int, rate: int = 8000) -> Iterator[bytes]:
    """Yield the payloads of one key press, one for each packet time of `ptime` milliseconds.

    All of a press carry the timestamp of its beginning; the last three tell its end.

    Raises:
        ValueError: `key` is none of `KEYS`.

    """
    code = KEYS.index(key.upper())
    steps = max(1, TONE_MS // ptime)
    for step in range(1, steps + 1):
        yield _EVENT.pack(code, _VOLUME, min(step * ptime * rate // 1000, 0xFFFF))
    last = min(steps * ptime * rate // 1000, 0xFFFF)
    for _ in range(_REPEATS):
        yield _EVENT.pack(code, 0x80 | _VOLUME, last)


def read_event(payload: bytes) -> tuple[str, bool, int] | None:
    """Return key, whether it is its end, and duration in timestamp units; None for others."""
    if len(payload) < _EVENT.size:
        return None
    code, flags, duration = _EVENT.unpack_from(payload)
    return (KEYS[code], bool(flags & 0x80), duration) if code < len(KEYS) else None
