"""Schedules `d[+r],...`: the seconds to wait before each attempt.

Source: phone-facts 2.8.
"""

from collections.abc import Callable

from msgspec import Struct


class Delay(Struct, frozen=True):
    """One element: `fixed` seconds and a random 0…`spread` on top."""

    fixed: int
    spread: int = 0


class Schedule(Struct, frozen=True):
    """Delays of the first, second, ... attempt; the last one repeats for ever, 0 ends it."""

    delays: tuple[Delay, ...]

    def seconds(self, attempt: int, entropy: Callable[[int], bytes]) -> int | None:
        """Return the delay before an attempt, counted from 0; None means no attempt."""
        delay = self.delays[min(attempt, len(self.delays) - 1)]
        return delay.fixed + uniform(delay.spread, entropy) if delay != Delay(0) else None


def uniform(limit: int, entropy: Callable[[int], bytes]) -> int:
    """Return a random whole number from 0 to `limit`, both included."""
    return int.from_bytes(entropy(8), "big") % (limit + 1)


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that `text` spells; empty text is `0`, never.

    Raises:
        ValueError: an element is not `d` or `d+r`; the message says which.

    """
    if not text.strip():
        return Schedule((Delay(0),))
    return Schedule(tuple(_delay(word.strip()) for word in text.split(",")))


def _delay(word: str) -> Delay:
    fixed, plus, spread = (part.strip() for part in word.partition("+"))
    if not _is_number(fixed) or (plus and not _is_number(spread)):
        raise ValueError(f"{word[:40]!r} is not a delay; seconds or seconds+random are expected")
    return Delay(int(fixed), int(spread or 0))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
