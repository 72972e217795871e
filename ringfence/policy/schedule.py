"""Schedules `d[+r],...`: the seconds to wait before each attempt; and the time of the day.

Source: phone-facts 1.4 and 2.8.
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


DAY = 86400
LEAST_SPREAD = 600
"""Seconds; Resync At Random Delay counts as this much where it is less."""


class Daily(Struct, frozen=True):
    """A time of the day, and a random 0…`spread` seconds after it."""

    at: int
    """Seconds since midnight."""
    spread: int

    def after(self, local: float, entropy: Callable[[int], bytes]) -> float:
        """Return the next such moment, on a clock that counts the seconds of local time."""
        begin = local - local % DAY + self.at
        return (begin if begin > local else begin + DAY) + uniform(self.spread, entropy)


def parse_daily(text: str, spread: int) -> Daily | None:
    """Return the time that `HHmm` spells, 0000 to 2400, or None where the text is empty.

    `spread` is in seconds, and is taken as whole minutes.

    Raises:
        ValueError: the text is no time of the day.

    """
    if not text:
        return None
    hours, minutes = text[:2], text[2:]
    if not (len(text) == 4 and text.isascii() and text.isdigit() and int(minutes) < 60):
        raise ValueError(f"{text[:10]!r} is not HHmm")
    at = int(hours) * 3600 + int(minutes) * 60
    if at > DAY:
        raise ValueError(f"{text!r} is later than 2400")
    return Daily(at % DAY, (max(spread, LEAST_SPREAD) + 30) // 60 * 60)


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
