"""When the phone calls its ACS. Sans-IO: time and randomness are passed in."""

from collections.abc import Callable

from msgspec import Struct

from ringfence.protocols.cwmp.retry import MINIMUM, MULTIPLIER, wait


class Timing(Struct, frozen=True):
    """What decides when."""

    interval: float | None = None
    """Seconds between two periodic calls; None for none."""
    minimum: int = MINIMUM
    multiplier: int = MULTIPLIER


class Engine:
    """Knows when a periodic call is due, and how long a failure keeps the phone from calling."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._timing = Timing()
        self._periodic: float | None = None
        self._blocked = 0.0
        self.failures = 0
        """Calls that failed since the last good one."""

    def receive_timing(self, timing: Timing, now: float) -> None:
        """Take what decides; a new interval begins anew."""
        if timing.interval != self._timing.interval:
            self._periodic = None if timing.interval is None else now + timing.interval
        self._timing = timing

    def receive_result(self, *, good: bool, now: float) -> None:
        """Take how a call came out."""
        timing = self._timing
        if timing.interval is not None:
            self._periodic = now + timing.interval
        if good:
            self.failures, self._blocked = 0, 0.0
            return
        self.failures += 1
        seconds = wait(self.failures, timing.minimum, timing.multiplier, self._entropy)
        self._blocked = now + seconds

    def receive_request(self) -> None:
        """Someone wants a call now: a failure keeps nobody from it any more."""
        self._blocked = 0.0

    def is_periodic(self, now: float) -> bool:
        """Return whether a periodic call is due; the next one follows a whole interval later."""
        interval = self._timing.interval
        if interval is None or self._periodic is None or now < self._periodic:
            return False
        self._periodic = now + interval
        return True

    def is_free(self, now: float) -> bool:
        """Return whether a call may begin."""
        return now >= self._blocked

    def get_timer(self, *, wanted: bool) -> float | None:
        """Return when something is due; `wanted` says that a call is."""
        timers = [self._blocked] if wanted else []
        if self._periodic is not None:
            timers.append(self._periodic)
        return min(timers, default=None)
