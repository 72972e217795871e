"""Clocks: the machine's own, and what time servers say beside it."""

import time
from pathlib import Path

MADE_AFTER = 1735689600.0
"""2025-01-01 in seconds since 1970: no release is older, and no true time is."""


class Clocks:
    """Every clock that the phone goes by."""

    epoch: float | None = None
    """Seconds since 1970 at which `now` was 0, as time servers say; None while none was heard."""
    zone: int | None = None
    """Seconds that local time is ahead of UTC; None as the machine has it."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since the epoch by the machine's clock, which judges certificates."""
        return time.time()

    def time(self) -> float:
        """Return seconds since the epoch as time servers have it, for whose word nobody vouches."""
        return self.wall() if self.epoch is None else self.now() + self.epoch

    def local(self) -> float:
        """Return the seconds since the epoch that the clock on the wall shows, by local time."""
        now = self.time()
        return now + (time.localtime(now).tm_gmtoff if self.zone is None else self.zone)

    def boot(self) -> str:
        """Return what names this start of the machine, by which `now` counts; empty if unknown."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return ""
