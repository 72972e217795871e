"""How drivers wait: for something to happen, or for the time."""

import asyncio
import contextlib


async def woken(wake: asyncio.Event, due: float | None, now: float) -> None:
    """Return when `wake` is set, or at `due`; both times are monotonic seconds, None is never."""
    delay = None if due is None else max(0.0, due - now)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(delay):
            await wake.wait()
