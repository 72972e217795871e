"""When a resync begins: after boot, at intervals, after a failure, on request.

Sans-IO: the time in seconds, from any monotonic clock, and the randomness are passed in.
Source: phone-facts 1.4 and 2.7.
"""

import enum
from collections.abc import Callable

from msgspec import Struct

from ringfence.policy.schedule import Schedule, uniform

DELAY_UNIT = 20
"""Seconds that one step of Resync Random Delay stands for."""

CHAIN = 5
"""Resyncs in a row that only follow changed rules; beyond it the rules chase one another."""


class Reason(enum.IntEnum):
    """Why a resync begins; the value of `$PRVST`."""

    REQUEST = -1
    BOOT = 0
    PERIODIC = 1
    RETRY = 2


class Timing(Struct, frozen=True):
    """The parameters that decide when."""

    on_reset: bool
    random_delay: int
    """Longest random wait after boot, in units of 20 s."""
    periodic: Schedule
    retry: Schedule


class ResyncEngine:
    """Decides when the next resync begins; one runs at a time."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._timing: Timing | None = None
        self._timer: float | None = None
        self._next = Reason.BOOT
        """What the timer will start."""
        self._due: Reason | None = None
        self._running = False
        self._failures = 0
        self._succeeded = False
        self._chain = 0

    def receive_timing(self, timing: Timing, now: float) -> None:
        """Take new parameters; the first ones are the boot."""
        booted, self._timing = self._timing is None, timing
        if booted and timing.on_reset:
            wait = uniform(timing.random_delay * DELAY_UNIT, self._entropy)
            self._arm(Reason.BOOT, now, wait)
        elif self._timer is not None and self._next is Reason.PERIODIC:
            held, self._timer = self._timer, None
            self._arm_periodic(now)
            if self._timer is not None:
                self._timer = min(held, self._timer)

    def receive_request(self) -> None:
        """Someone asked for a resync: it begins at once, or after the one that runs."""
        self._due = Reason.REQUEST
        self._chain = 0

    def receive_change(self) -> None:
        """Note that the rules, or the server they mean, are others than at the last resync."""
        if self._chain < CHAIN:
            self._chain += 1
            self._due = Reason.REQUEST

    def receive_result(self, succeeded: bool, now: float) -> None:
        """Take the outcome of the resync that ran, and arm the next one."""
        self._running = False
        self._timer = None
        if succeeded:
            self._failures, self._succeeded = 0, True
            self._arm_periodic(now)
            return
        wait = self._timing.retry.seconds(self._failures, self._entropy) if self._timing else None
        self._failures += 1
        if wait is not None:
            self._arm(Reason.RETRY, now, wait)
        elif self._succeeded:
            self._arm_periodic(now)

    def get_timer(self) -> float | None:
        """Return when `handle_timer` is to be called, None for never."""
        return None if self._running else self._timer

    def handle_timer(self, now: float) -> None:
        """Act on the time."""
        if not self._running and self._timer is not None and now >= self._timer:
            self._timer = None
            self._chain = 0
            self._due = self._due or self._next

    def next_event(self) -> Reason | None:
        """Return the reason of a resync that begins now, or None."""
        if self._running or self._due is None:
            return None
        due, self._due = self._due, None
        self._running = True
        return due

    def _arm_periodic(self, now: float) -> None:
        if self._timing and (wait := self._timing.periodic.seconds(0, self._entropy)) is not None:
            self._arm(Reason.PERIODIC, now, wait)

    def _arm(self, reason: Reason, now: float, wait: float) -> None:
        self._next, self._timer = reason, now + wait
