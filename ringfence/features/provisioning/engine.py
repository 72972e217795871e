"""When a resync begins: after boot, at intervals or a time of the day, after a failure, on request.

Sans-IO: the randomness is passed in, and two clocks: `now` counts seconds from any moment and
never jumps; `local` counts the seconds of local time, and is set whenever the clock is.
Source: phone-facts 1.4 and 2.7.
"""

import enum
from collections.abc import Callable
from math import inf

from msgspec import Struct

from ringfence.policy.schedule import DAY, Daily, Schedule, uniform

DELAY_UNIT = 20
"""Seconds that one step of Resync Random Delay stands for."""

CHAIN = 5
"""Resyncs in a row that only follow changed rules; beyond it the rules chase one another."""

CLOCK_CHECK = 600.0
"""Seconds after which the time of the day is looked at again: someone may have set the clock."""
MISSED = 3600.0
"""Seconds by which a time of the day is over for today: the clock has jumped past it."""


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
    daily: Daily | None = None
    """Takes the place of `periodic`."""
    idle: int = 0
    """Seconds for which all lines must have been idle before a resync that a timer asks for."""


class Wait(Struct, frozen=True):
    """What a resync that is due waits for."""

    reason: Reason
    in_call: bool
    """A line has a call."""
    idle: float
    """Seconds that all lines must be idle from now on, or from the end of the call on."""


class ResyncEngine:
    """Decides when the next resync begins; one runs at a time."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._timing: Timing | None = None
        self._timer: float | None = None
        self._next = Reason.BOOT
        """What the timer will start."""
        self._daily: float | None = None
        """The next time of the day, in local time."""
        self._look: float | None = None
        """When to compare it with the clock."""
        self._due: Reason | None = None
        self._in_call = False
        self._idle_since = -inf
        """When the last call ended; a phone that had none since boot was always idle."""
        self._running = False
        self._failures = 0
        self._periods = 0
        """Intervals that have begun; says which element of the schedule is next."""
        self._succeeded = False
        self._chain = 0

    def receive_timing(self, timing: Timing, now: float, local: float) -> None:
        """Take new parameters; the first ones are the boot."""
        before, self._timing = self._timing, timing
        if before is None or before.daily != timing.daily:
            self._draw(now, local)
        if before is None:
            if timing.on_reset:
                wait = uniform(timing.random_delay * DELAY_UNIT, self._entropy)
                self._arm(Reason.BOOT, now, wait)
            return
        changed = (before.periodic, before.daily) != (timing.periodic, timing.daily)
        waiting = self._timer is not None and self._next is Reason.PERIODIC
        if changed and (waiting or (self._timer is None and self._succeeded)):
            held, self._timer = self._timer, None
            self._periods = 0
            self._arm_periodic(now)
            if held is not None and self._timer is not None:
                self._timer = min(held, self._timer)

    def receive_lines(self, in_call: bool, idle_since: float | None) -> None:
        """Learn whether a line has a call, and when the last one ended; None for none so far."""
        self._in_call = in_call
        if idle_since is not None:
            self._idle_since = idle_since

    def receive_request(self) -> None:
        """Someone asked for a resync: it begins when no line has a call, and none runs."""
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

    def receive_declined(self, now: float) -> None:
        """Learn that the triggers forbade a resync that had become due: the next interval begins.

        It also begins where no resync has been good yet, for else a trigger that is false at
        boot would be asked never again.
        """
        self._running = False
        self._timer = None
        self._arm_periodic(now)

    def wait(self, now: float) -> Wait | None:
        """Return what a resync that is due waits for; None where it begins, or none is due."""
        if self._due is None or self._running:
            return None
        if self._in_call:
            return Wait(self._due, in_call=True, idle=self._idle())
        left = self._idle_since + self._idle() - now
        return Wait(self._due, in_call=False, idle=left) if left > 0 else None

    def upcoming(self, now: float, local: float) -> tuple[Reason, float] | None:
        """Return what time will call for next, and in how many seconds; None for nothing."""
        waits = [] if self._timer is None else [(self._timer - now, self._next)]
        if self._daily is not None:
            waits.append((self._daily - local, Reason.PERIODIC))
        if self._running or not waits:
            return None
        wait, reason = min(waits)
        return reason, max(wait, 0.0)

    def get_timer(self) -> float | None:
        """Return when `handle_timer` is to be called, None for never.

        The end of a call has no time: while one lasts, its lines are to be looked at.
        """
        if self._running:
            return None
        due = None
        if self._due is not None and not self._in_call:
            due = self._idle_since + self._idle()
        times = (self._timer, self._look, due)
        return min((time for time in times if time is not None), default=None)

    def handle_timer(self, now: float, local: float) -> None:
        """Act on the time."""
        if self._running:
            return
        if self._timer is not None and now >= self._timer:
            self._timer = None
            self._chain = 0
            self._call_for(self._next)
        if self._look is not None and now >= self._look:
            self._compare(now, local)

    def next_event(self, now: float) -> Reason | None:
        """Return the reason of a resync that begins now, or None."""
        if self._running or self._due is None or self.wait(now):
            return None
        due, self._due = self._due, None
        self._running = True
        return due

    def _call_for(self, reason: Reason) -> None:
        """Have a resync begin as soon as the lines let it."""
        if self._due is None:
            self._due = reason

    def _idle(self) -> int:
        """Return for how many seconds the lines must have been idle for what is due."""
        if self._timing is None or self._due is Reason.REQUEST:
            return 0
        return self._timing.idle

    def _compare(self, now: float, local: float) -> None:
        """Look whether the time of the day has come."""
        timing, daily = self._timing, self._daily
        if timing is None or timing.daily is None or daily is None:
            self._look = None
            return
        late = local - daily
        if late < -(DAY + timing.daily.spread) or late > MISSED:
            self._draw(now, local)  # the clock was set
        elif late >= 0:
            self._chain = 0
            self._call_for(Reason.PERIODIC)
            self._draw(now, local)
        else:
            self._look = now + min(-late, CLOCK_CHECK)

    def _draw(self, now: float, local: float) -> None:
        """Choose the next time of the day."""
        daily = self._timing.daily if self._timing else None
        self._daily = daily.after(local, self._entropy) if daily else None
        self._look = None if self._daily is None else now + min(self._daily - local, CLOCK_CHECK)

    def _arm_periodic(self, now: float) -> None:
        if self._timing is None or self._timing.daily is not None:
            return
        if (wait := self._timing.periodic.seconds(self._periods, self._entropy)) is not None:
            self._periods += 1
            self._arm(Reason.PERIODIC, now, wait)

    def _arm(self, reason: Reason, now: float, wait: float) -> None:
        self._next, self._timer = reason, now + wait
