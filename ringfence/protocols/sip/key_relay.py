"""Key presses by INFO, one after another.

The body is the one that gateways of the field know. Source: RFC 6086 section 1 (legacy usage).
"""

from collections import deque
from math import inf

from ringfence.protocols.pattern import pattern
from ringfence.protocols.rtp.keys import GAP_MS, TONE_MS
from ringfence.protocols.sip.message import Message

CONTENT = (b"Content-Type", b"application/dtmf-relay")
MOST = 64
"""Most keys that wait."""
_SIGNAL = pattern(rb"(?i)(?:\A|\n)Signal[ \t]*+=[ \t]*+([0-9*#A-D])[ \t]*+(?:\r?\n|\Z)")
APART = (TONE_MS + GAP_MS) / 1000
"""Seconds between two keys at least: who gets them may have to sound each."""


class KeyRelay:
    """Keys that wait for their turn: the next one goes when the last was acknowledged."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=MOST)
        self._free = -inf
        """When the next may go."""
        self._asked = False
        """One is under way."""

    def press(self, keys: str) -> None:
        """Let keys wait."""
        self._waiting.extend(keys)

    def next_body(self, now: float) -> bytes:
        """Return what the next INFO says, which is to be sent now; empty where none is due."""
        if self._asked or not self._waiting or now < self._free:
            return b""
        self._asked, self._free = True, now + APART
        return f"Signal={self._waiting.popleft()}\r\nDuration={TONE_MS}\r\n".encode()

    def receive_status(self, status: int) -> int:
        """Take the final response to the last INFO; return how many keys are given up for it."""
        self._asked = False
        lost = 0 if status < 300 else 1 + len(self._waiting)
        if lost:
            self._waiting.clear()
        return lost

    def get_timer(self) -> float:
        """Return when `next_body` has something; infinity for never."""
        return self._free if self._waiting and not self._asked else inf


def key_of(message: Message) -> str:
    """Return the key that an INFO tells; empty where it tells none."""
    kind = message.first(b"content-type").partition(b";")[0].strip().lower()
    found = _SIGNAL.search(message.body) if kind == CONTENT[1] else None
    return found[1].decode().upper() if found else ""
