"""How long the phone waits before it tries a session again."""

from collections.abc import Callable

MINIMUM, MULTIPLIER = 5, 2000
"""Seconds before the first retry, and thousandths by which the interval grows."""
LAST = 10
"""Retries after which the interval grows no more."""


def wait(count: int, minimum: int, multiplier: int, entropy: Callable[[int], bytes]) -> float:
    """Return the seconds before a retry, from 1 on: at random in an interval that grows.

    Source: TR-069, section on session retry policy.
    """
    factor = multiplier / 1000
    first = minimum * factor ** (min(count, LAST) - 1)
    share = int.from_bytes(entropy(4), "big") / 2**32
    return first + (first * factor - first) * share
