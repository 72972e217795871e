"""The parent of the phone: it parses nothing from outside, and brings the phone back.

It reaps its child, restarts it with back-off after a crash, performs the reboot, and keeps
the history of reasons. It starts the image that an upgrade chose, watches one on probation, and
returns to what ran before where that does not come up: no image ever takes the keeper's place.
Source: architecture A.14; phone-facts 1.7, Reboot History.
"""

import contextlib
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import msgspec

from ringfence.errors import ComponentError
from ringfence.runtime.host import Host
from ringfence.runtime.privileges import die_with_parent
from ringfence.runtime.slots import Record, Slots

logger = logging.getLogger(__name__)

STOPPED, REFUSED, CANNOT, CRASHED, REBOOT = 0, 1, 3, 70, 75
"""Exit codes of the phone: told to stop; its file was refused; cannot run here; a bug; wants to
be started again."""
HISTORY = "reboots.json"
KEPT = 5
FIRST_DELAY, LAST_DELAY = 0.1, 30.0
"""Seconds before a crashed phone is started again; doubled at each crash."""
STEADY = 60.0
"""Seconds after which a phone counts as healthy and the delay starts over."""

Phone = Callable[[Callable[[str], None], bool], int]
"""Run one phone to its end. Takes how to give the reason of a reboot and whether this is the
first start; returns an exit code."""


def history(host: Host) -> list[str]:
    """Return the reboot reasons, newest first, `[08/13/26 06:12:38] User Triggered`."""
    try:
        kept = msgspec.json.decode(host.read(HISTORY))
    except (ComponentError, ValueError):
        return []
    return [str(line) for line in kept][:KEPT] if isinstance(kept, list) else []


def keep(phone: Phone, host: Host, words: Callable[[bool], Sequence[str]] | None = None) -> int:
    """Run the phone until it is told to stop; return its exit code.

    `words(first)` are those that start an image; without them the installed phone runs.
    """
    delay, first = FIRST_DELAY, True
    told: list[int] = []
    while True:
        began = time.monotonic()
        held, image = _choose(host) if words else (Record(), None)
        said = [str(image), *words(first)] if words and image else []
        life = _Life(phone, host, held, said)
        code, reason = life.run(first, told)
        first = False
        if life.failed and _back(host, life.failed):
            delay = FIRST_DELAY
            continue
        if told or code in (STOPPED, REFUSED, CANNOT):
            return STOPPED if told and code < 0 else code
        if code == REBOOT:
            _remember(host, reason or "User Triggered")
            delay = FIRST_DELAY
            continue
        _remember(host, f"Crash (signal {-code})" if code < 0 else f"Crash (exit status {code})")
        if time.monotonic() - began > STEADY:
            delay = FIRST_DELAY
        time.sleep(delay)
        delay = min(delay * 2, LAST_DELAY)


def _choose(host: Host) -> tuple[Record, Path | None]:
    """Return what is started now; a full disk, which counts no starts, starts no image."""
    slots = Slots(host)
    before = slots.load().outcome
    try:
        held, image = slots.start()
    except ComponentError as error:
        logger.error("keeper.image_not_started: %s", error)
        return Record(), None
    if held.outcome and held.outcome != before:
        _remember(host, f"Upgrade taken back: {held.outcome.reason}")
    return held, image


def _back(host: Host, reason: str) -> bool:
    """Return to what ran before an image; say whether that could be done."""
    try:
        Slots(host).back(reason)
    except ComponentError:
        return False
    _remember(host, f"Upgrade taken back: {reason}")
    return True


class _Life:
    """One life of the phone: a fork of this process, or the process of an image."""

    def __init__(self, phone: Phone, host: Host, held: Record, words: Sequence[str]) -> None:
        self._phone = phone
        self._host = host
        self._trial = held.trial if words else None
        self._words = words
        self.failed = ""
        """Why an image must go; empty where none must."""

    def run(self, first: bool, told: list[int]) -> tuple[int, str]:
        """Be the parent until its end; return exit code (negative: signal) and reason."""
        reader, writer = os.pipe()
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(reader)
            die_with_parent(signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(STOPPED)
            if self._words:
                _be_image(self._words, writer)
            be_phone(self._phone, writer, first)
        os.close(writer)

        def forward(number: int, _: object) -> None:
            told.append(number)
            os.kill(child, signal.SIGTERM)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, forward)
        code = os.waitstatus_to_exitcode(self._ended(child))
        with os.fdopen(reader, "rb") as pipe:
            reason = pipe.read(200).decode(errors="replace").strip()
        if self._trial and told:
            with contextlib.suppress(ComponentError):  # then it counts
                Slots(self._host).stopped()
        elif self._words and not told and not self.failed and self._is_hopeless(code):
            self.failed = f"it ended with exit status {code}"
        return code, reason

    def _is_hopeless(self, code: int) -> bool:
        """Return whether an image cannot run here; 1 is also how a Python without it ends."""
        if self._trial:
            return code in (REFUSED, CANNOT)
        return code == REFUSED and "--config" not in self._words

    def _ended(self, child: int) -> int:
        """Return the status of a child that has ended; one on probation must come up in time."""
        if self._trial is None:
            return os.waitpid(child, 0)[1]
        from ringfence.runtime.probation import LONGEST, LOOK, Probation

        probation = Probation(self._host.state, self._trial.before)
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
            if probation.well() and self._came_up():
                return os.waitpid(child, 0)[1]
            if probation.over:
                self.failed = f"it was not up after {LONGEST:g} s: {probation.reason}"
                os.kill(child, signal.SIGKILL)
                return os.waitpid(child, 0)[1]
            time.sleep(LOOK)

    def _came_up(self) -> bool:
        try:
            Slots(self._host).came_up()
        except ComponentError:
            return False
        return True


def _be_image(words: Sequence[str], writer: int) -> NoReturn:
    """Become an image, which is a Python program of its own."""
    os.set_inheritable(writer, True)
    try:
        os.execv(sys.executable, [sys.executable, *words, "--life", str(writer)])  # noqa: S606
    finally:
        os._exit(REFUSED)


def be_phone(phone: Phone, writer: int, first: bool) -> NoReturn:
    """Be one life of the phone, and end this process; the reason of a reboot goes to `writer`."""
    code = CRASHED
    try:
        code = phone(lambda reason: _say(writer, reason), first)
    except BaseException:  # noqa: BLE001 - the end of the process, whatever it was
        traceback.print_exc()
    finally:
        os._exit(code)


def _say(writer: int, reason: str) -> None:
    os.write(writer, reason.encode()[:200])


def _remember(host: Host, reason: str) -> None:
    stamp = datetime.fromtimestamp(host.wall()).astimezone().strftime("%m/%d/%y %H:%M:%S")
    lines = [f"[{stamp}] {reason}", *history(host)][:KEPT]
    try:
        host.write(HISTORY, msgspec.json.encode(lines))
    except ComponentError:
        return  # a full disk must not keep the phone from starting
