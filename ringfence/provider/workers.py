"""Several processes behind one port: each takes connections from the same listening sockets.

The parent opens the sockets and parses nothing from outside. A worker that dies takes its own
connections with it and no other; whoever waits in the kernel's queue is served by the next one.
"""

import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

from ringfence.runtime.privileges import die_with_parent

logger = logging.getLogger(__name__)

FIRST_DELAY, LAST_DELAY = 0.1, 10.0
"""Seconds before a worker that died is started again; doubled each time."""
STEADY = 60.0
"""Seconds after which a worker counts as healthy and the delay starts over."""
STOPPED, CRASHED = 0, 70

Job = Callable[[], None]
"""What one worker does until SIGTERM ends it."""


def run(jobs: Sequence[Job], buried: Callable[[int], None]) -> None:
    """Run each job in a process of its own until SIGTERM or SIGINT; start again what dies.

    `buried(number of the job)` is called when a process is gone, before another takes its place.
    """
    told = threading.Event()
    running: dict[int, tuple[int, float]] = {}
    delays = [FIRST_DELAY] * len(jobs)

    def stop(number: int, _: object) -> None:
        told.set()
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def start(which: int, delay: float = 0.0) -> None:
        held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        if not told.is_set():
            pid = _fork(jobs[which], held, delay)
            running[pid] = (which, time.monotonic())
        signal.pthread_sigmask(signal.SIG_SETMASK, held)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for which in range(len(jobs)):
        start(which)
    while running:
        pid, status = os.waitpid(-1, 0)
        which, began = running.pop(pid)
        buried(which)
        if told.is_set():
            continue
        code = os.waitstatus_to_exitcode(status)
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        logger.error("provider.worker: process %d died (%s); another takes its place", pid, how)
        delays[which] = FIRST_DELAY if time.monotonic() - began > STEADY else delays[which]
        start(which, delays[which])
        delays[which] = min(2 * delays[which], LAST_DELAY)


def _fork(job: Job, held: set[int | signal.Signals], delay: float) -> int:
    """Start a job, which waits by itself, so that the others that died need not."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = CRASHED
    try:
        die_with_parent(signal.SIGKILL)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        time.sleep(delay)
        if os.getppid() == parent:
            job()
        code = STOPPED
    except BaseException:  # noqa: BLE001 - the end of the process, whatever it was
        traceback.print_exc()
    finally:
        os._exit(code)
