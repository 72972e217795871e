"""Whether a new image has come up: judged by the keeper, which is no part of the image.

It has come up when everything that was well before is well again: every feature, every
registration, and a resync.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ringfence.errors import ComponentError
from ringfence.runtime.control import ask
from ringfence.runtime.slots import Before

LONGEST = 120.0
"""Seconds that an image gets at each start."""
LOOK = 0.2
"""Seconds between two looks."""
ANSWER_TIME = 5.0
"""Seconds that the phone gets to say how it is doing."""
AGAIN = 5.0
"""Seconds between two resyncs where one failed that had been good before."""
WELL = ("Running", "Disabled")
MUST = ("firewall",)
"""Features that must be well, whatever they were before."""
BY_RESYNC = ("provisioning", "upgrade")
"""Features whose health says how the last attempt came out; a resync is asked for instead."""
SCHEMA = 1
"""Of the phone's report."""


def before(report: Mapping[str, Any]) -> Before:
    """Return how a phone is doing, from its own report."""
    last = report.get("last_resync") or {}
    features = {name: str(said["health"]) for name, said in report["features"].items()}
    resyncs = features.get("provisioning") not in (None, "Disabled")
    return Before(
        features=features,
        lines=tuple(line["n"] for line in report["lines"] if line["registered"]),
        resynced=resyncs and last.get("result") == "success",
    )


def worse(was: Before, report: Mapping[str, Any]) -> str:
    """Return the first thing that is worse than before, or nothing."""
    if report.get("schema") != SCHEMA:
        return "its report cannot be read"
    features = report["features"]
    for name, health in was.features.items():
        if name in BY_RESYNC or (health not in WELL and name not in MUST):
            continue
        now = features.get(name, {}).get("health", "gone")
        if now not in WELL:
            return f"{name} is {now}"
    registered = {line["n"] for line in report["lines"] if line["registered"]}
    for n in was.lines:
        if n not in registered:
            return f"Ext {n} is not registered"
    return ""


class Probation:
    """One start of an image on probation."""

    def __init__(self, state: Path, was: Before, now: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._was = was
        self._now = now
        self._until = now() + LONGEST
        self._next_resync = 0.0
        self.reason = "it does not answer"
        """Why it has not come up until now."""

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self._now() >= self._until

    def well(self) -> bool:
        """Look whether the image has come up; takes a few seconds at most, or one resync."""
        try:
            report = ask(self._state, {"verb": "status"}, ANSWER_TIME)
            if report is None:
                return False
            if reason := worse(self._was, report):
                self.reason = reason
                return False
            return self._resyncs()
        except (ComponentError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.reason = f"its report cannot be had: {error}"
            return False

    def _resyncs(self) -> bool:
        """Have it resync as after every upgrade; a failure counts where none was before."""
        if self._now() < self._next_resync:
            return False
        arguments = {"after": "upgrade"}
        request = {"verb": "command", "name": "resync", "arguments": arguments}
        try:
            told = ask(self._state, request, max(1.0, self._until - self._now()))
        except ComponentError as error:  # provisioning is disabled, which it may have been before
            self.reason = f"its resync fails: {error}"
            return not self._was.resynced
        if told is None:
            self.reason = "it ended"
            return False
        if told.get("result") == "failure" and self._was.resynced:
            self.reason = f"its resync fails: {str(told.get('reason'))[:300]}"
            self._next_resync = self._now() + AGAIN
            return False
        return True
