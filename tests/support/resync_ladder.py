"""A resync engine whose clock is set by hand."""

from typing import Any

from ringfence.features.provisioning.engine import Reason, ResyncEngine, Timing
from ringfence.policy.schedule import parse_daily, parse_schedule

LADDER = "60,120,240,480,960,1920,3840,7680,15360,30720,61440,86400"


NOON = 1_800_014_400.0
"""Noon of a day, in seconds of local time."""


def timing(
    *,
    on_reset: bool = True,
    delay: int = 0,
    periodic: str = "3600",
    retry: str = LADDER,
    at: str = "",
    spread: int = 600,
    idle: int = 14400,
) -> Timing:
    return Timing(
        on_reset,
        delay,
        parse_schedule(periodic),
        parse_schedule(retry),
        parse_daily(at, spread),
        idle,
    )


def booted(now: float = 0.0, **values: Any) -> ResyncEngine:
    engine = ResyncEngine(bytes)
    engine.receive_timing(timing(**values), now, NOON + now)
    return engine


def begun(engine: ResyncEngine, now: float, local: float | None = None) -> Reason | None:
    engine.handle_timer(now, NOON + now if local is None else local)
    return engine.next_event(now)


def begins(engine: ResyncEngine, until: float, now: float = 0.0) -> list[tuple[float, Reason]]:
    """Return when resyncs begin that all go well, from boot to a later moment."""
    found: list[tuple[float, Reason]] = []
    while now <= until:
        if (reason := begun(engine, now)) is not None:
            found.append((now, reason))
            engine.receive_result(True, now)
        timer = engine.get_timer()
        assert timer is None or timer > now
        if timer is None:
            break
        now = timer
    return found


HOUR, DAY, YEAR = 3600.0, 86400.0, 365 * 86400.0
