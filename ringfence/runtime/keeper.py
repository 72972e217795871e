"""The parent of the phone: it parses nothing from outside, and brings the phone back.

It reaps its child, restarts it with back-off after a crash, performs the reboot, and keeps
the history of reasons. Source: architecture A.14; phone-facts 1.7, Reboot History.
"""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable
from datetime import datetime

from ringfence.errors import ComponentError
from ringfence.runtime.host import Host
from ringfence.runtime.privileges import die_with_parent

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
        kept = json.loads(host.read(HISTORY))
    except (ComponentError, ValueError):
        return []
    return [str(line) for line in kept][:KEPT] if isinstance(kept, list) else []


def keep(phone: Phone, host: Host) -> int:
    """Run the phone until it is told to stop; return its exit code."""
    delay, first = FIRST_DELAY, True
    told: list[int] = []
    while True:
        began = time.monotonic()
        code, reason = _one_life(phone, first, told)
        if told or code in (STOPPED, REFUSED, CANNOT):
            return STOPPED if told and code < 0 else code
        first = False
        if code == REBOOT:
            _remember(host, reason or "User Triggered")
            delay = FIRST_DELAY
            continue
        _remember(host, f"Crash (signal {-code})" if code < 0 else f"Crash (exit status {code})")
        if time.monotonic() - began > STEADY:
            delay = FIRST_DELAY
        time.sleep(delay)
        delay = min(delay * 2, LAST_DELAY)


def _one_life(phone: Phone, first: bool, told: list[int]) -> tuple[int, str]:
    """Fork a phone and wait for its end; return exit code (negative: signal) and reason."""
    reader, writer = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reader)
        die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(STOPPED)
        _be_phone(phone, writer, first)
    os.close(writer)

    def forward(number: int, _: object) -> None:
        told.append(number)
        os.kill(child, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        reason = pipe.read(200).decode(errors="replace").strip()
    return os.waitstatus_to_exitcode(status), reason


def _be_phone(phone: Phone, writer: int, first: bool) -> None:
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
        host.write(HISTORY, json.dumps(lines).encode())
    except ComponentError:
        return  # a full disk must not keep the phone from starting
