"""What need not be looked up twice before the event loop waits again.

All requests that a turn of the loop answers had arrived when it began, so what is found at the
first of them is as new as each of them can ask for.
"""

import asyncio
from itertools import count

_numbers = count()
_current: tuple[asyncio.AbstractEventLoop, int] | None = None


def number() -> int:
    """Return the number of this turn of the loop; where no loop runs, another each time.

    A thread beside the loop is told the turn that is under way, which began after the request
    that it works for had arrived.
    """
    global _current
    if _current is not None and not _current[0].is_closed():
        return _current[1]
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return next(_numbers)
    _current = (loop, next(_numbers))
    loop.call_soon(_end)
    return _current[1]


def _end() -> None:
    global _current
    _current = None
