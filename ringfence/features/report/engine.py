"""When the phone reports its configuration by itself.

Source: phone-facts 1.4, Upload Configuration Options; what it leaves open is in ADR 23.
"""

from collections.abc import Callable

from msgspec import Struct

from ringfence.config.catalog.values import ReportWhen
from ringfence.policy.schedule import Delay, Schedule


class Timing(Struct, frozen=True):
    """What decides when a report is due."""

    when: ReportWhen = ReportWhen.ON_REQUEST
    period: int = 3600
    """Seconds between reports, where they are periodical."""
    delay: int = 60
    """Seconds from a local change to its report."""
    retry: Schedule = Schedule((Delay(0),))
    """Seconds to the next attempt after each failure in a row."""


class ReportEngine:
    """A schedule without a clock: every verb takes `now`, in monotonic seconds."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._timing = Timing()
        self._due: float | None = None
        self._changed = False
        """A local change waits to be reported."""
        self._failures = 0

    def receive_timing(self, timing: Timing, now: float) -> None:
        """Go by other settings; the same ones again change nothing."""
        if timing != self._timing:
            self._timing, self._failures = timing, 0
            self._due = self._regular(now)

    def receive_change(self, now: float) -> None:
        """Take notice of a local change; those that follow until its report ride along."""
        if self._timing.when is ReportWhen.ON_LOCAL_CHANGE and not self._changed:
            self._changed, self._failures = True, 0
            self._due = self._regular(now)

    def receive_result(self, now: float, *, good: bool) -> None:
        """Learn how a report came out, whoever asked for it."""
        if good:
            self._changed, self._failures = False, 0
            self._due = self._regular(now)
        elif self._due is not None:
            wait = self._timing.retry.seconds(self._failures, self._entropy)
            self._failures += 1
            self._due = self._regular(now) if wait is None else now + wait
            if wait is None and self._timing.when is ReportWhen.ON_LOCAL_CHANGE:
                self._changed, self._due = False, None

    def get_timer(self) -> float | None:
        """Return when the next report is due; None for none."""
        return self._due

    def next_event(self, now: float) -> bool:
        """Return whether a report is due."""
        return self._due is not None and now >= self._due

    def _regular(self, now: float) -> float | None:
        """Return when a report is due if none fails."""
        timing = self._timing
        if timing.when is ReportWhen.PERIODICALLY:
            return now + timing.period
        if timing.when is ReportWhen.ON_LOCAL_CHANGE and self._changed:
            return now + timing.delay
        return None
