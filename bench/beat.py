"""A peer that only keeps the beat of sound: how late this machine is by itself."""

import asyncio
import sys
import time

from bench_page import PTIME, hurry, percentile


def timer() -> None:
    """Tell for each line how late an asyncio timer with nothing to do was for so many seconds.

    The 99th percentile, in milliseconds after the beat of the earliest.
    """
    hurry()
    print("ready", flush=True)
    for line in sys.stdin:
        late = asyncio.run(beats(float(line)))
        print(percentile([one - min(late) for one in late]), flush=True)


async def beats(seconds: float) -> list[float]:
    """Return how late each beat was, in milliseconds."""
    late, begun = [], time.monotonic()
    for number in range(1, int(seconds / PTIME)):
        due = begun + number * PTIME
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late.append((time.monotonic() - due) * 1000)
    return late
