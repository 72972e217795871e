"""Key presses: which there are, how long they last, and the ways in which they travel."""

from msgspec import Struct

KEYS = "0123456789*#ABCD"
"""In the order of the event codes 0 to 15. Source: RFC 4733 section 3.2."""
KEYS_LIMIT = 64
"""Most key presses that wait."""
TONE_MS, GAP_MS = 120, 80
"""How long a key is down, and up before the next."""


class Dtmf(Struct, frozen=True):
    """How key presses are sent.

    With `events` and `tones`, as tones where the other side takes no events.
    """

    events: bool = True
    """As telephone events (RFC 4733)."""
    tones: bool = False
    """As tones in the sound itself."""
    info: bool = False
    """By INFO, whatever the sound does."""


EVENTS = Dtmf()


def known_keys(digits: str) -> str:
    """Return keys as `KEYS` spells them.

    Raises:
        ValueError: one is none.

    """
    if unknown := set(digits.upper()) - set(KEYS):
        raise ValueError(f"no such key: {' '.join(sorted(unknown))}")
    return digits.upper()
