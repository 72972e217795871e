"""When firmware is asked for: at boot, when the rule changes, at intervals, after a failure.

Sans-IO: time and randomness are passed in. Source: phone-facts 1.4 and 2.8.
"""

from collections.abc import Callable

from msgspec import Struct

from ringfence.policy.schedule import Schedule


class Timing(Struct, frozen=True):
    """The parameters that decide when."""

    periodic: Schedule
    """Seconds to the next look after a good one: those of the resync."""
    retry: Schedule


class UpgradeEngine:
    """Decides when the next attempt begins; one runs at a time."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._timing: Timing | None = None
        self._sought: object = None
        self._begun: object = None
        """What was sought when the attempt began that runs."""
        self._due: float | None = None
        self._looks = 0
        self.failures = 0
        """Attempts that failed since the last good one: `$UPGST` is 2 behind one."""

    def receive_plan(self, sought: object, timing: Timing, now: float) -> None:
        """Take what is sought; anything else than before is asked for at once."""
        before, self._timing = self._timing, timing
        if sought != self._sought:
            self._sought, self.failures, self._due = sought, 0, now
        elif before != timing and self._due is not None and self._due > now:
            self._arm(now)

    def receive_pause(self) -> None:
        """Learn that nothing may be asked for; when something may again, it is at once."""
        self._sought, self._due = None, None

    def receive_request(self, now: float) -> None:
        """Someone asked for an attempt."""
        self._due = now

    def receive_result(self, succeeded: bool, now: float) -> None:
        """Take how an attempt came out, and arm the next one.

        What was asked for meanwhile is due at once; a failure of what is sought no more is none.
        """
        self._looks = 0 if not succeeded else self._looks + 1
        past = self._begun != self._sought
        self.failures = 0 if succeeded or past else self.failures + 1
        if self._due is None:
            self._arm(now)

    def get_timer(self) -> float | None:
        """Return when the next attempt is due, None for never."""
        return self._due

    def next_event(self, now: float) -> bool:
        """Return whether an attempt begins now; `receive_result` must follow."""
        if self._due is None or now < self._due:
            return False
        self._begun, self._due = self._sought, None
        return True

    def _arm(self, now: float) -> None:
        wait = None
        if self._timing and self.failures:
            wait = self._timing.retry.seconds(self.failures - 1, self._entropy)
        elif self._timing:
            wait = self._timing.periodic.seconds(max(self._looks - 1, 0), self._entropy)
        self._due = None if wait is None else now + wait
