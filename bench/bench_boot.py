"""Start the phone again and again in a running lab: how long until Kamailio holds its lines?

Beside it, in the same run, what the interpreter alone takes to start. Exits 1 when the median
passes the limit. Run: `make bench`, or this file.
"""

import json
import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROUNDS = 9
MOST = 0.4
"""Seconds from the start of the process to the last registration, as a median."""
TOO_LONG = 30.0
INSIDE = "--inside"
STEPS = {
    "firewall in the kernel": r"firewall\.applied",
    "phone ready": r"phone\.ready",
    "lease": r"dhcp\.bound",
}
"""`{step: line of the phone's log}`."""


def lab(home: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `ringfence lab`."""
    return subprocess.run(
        [sys.executable, "-m", "ringfence", "lab", *words],
        env={**os.environ, "XDG_STATE_HOME": home},
        capture_output=True,
        text=True,
        check=False,
    )


def lines(path: Path, start: int) -> Iterator[tuple[float, str]]:
    """Yield what is appended to a file after `start` bytes, with the time it was seen."""
    deadline = time.monotonic() + TOO_LONG
    with path.open() as file:
        file.seek(start)
        while time.monotonic() < deadline:
            if text := file.readline():
                yield time.monotonic(), text
            else:
                time.sleep(0.001)
    raise TimeoutError(f"nothing in {path} for {TOO_LONG:g} s")


def one(state: Path, log: Path) -> Mapping[str, float]:
    """Start a phone on a state folder, wait for its registrations, stop it; return the times."""
    start = log.stat().st_size
    times: dict[str, float] = {}
    words = [sys.executable, "-m", "ringfence", "phone", "run", "--state", str(state)]
    own = state / "bench.log"
    with own.open("w") as output:
        began = time.monotonic()
        phone = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=output)
        try:
            for seen, text in lines(log, start):
                if found := re.search(r"SAVED (\d+) over (\w+)", text):
                    times[f"{found[1]} over {found[2].upper()}"] = seen - began
                if len(times) == 2:
                    break
        finally:
            phone.terminate()
    for name, pattern in STEPS.items():
        stamp = re.search(rf"(\d+):(\d+):(\d+),(\d+) .*{pattern}", own.read_text())
        if stamp:
            times[name] = _wall(stamp) - (time.time() - (time.monotonic() - began))
    phone.wait(TOO_LONG)
    return times


def _wall(stamp: re.Match[str]) -> float:
    """Return a time of today's log as seconds since the epoch."""
    hours, minutes, seconds, thousandths = map(int, stamp.groups())
    day = time.localtime()
    moment = (day.tm_year, day.tm_mon, day.tm_mday, hours, minutes, seconds, 0, 0, -1)
    return time.mktime(moment) + thousandths / 1000


def inside(state: Path) -> int:
    """Measure, in the phone's node of the lab; print the medians as JSON."""
    pids = subprocess.run(
        ["ip", "netns", "pids", "phone"], capture_output=True, text=True, check=True
    ).stdout.split()
    keeper = min(int(pid) for pid in pids if int(pid) != os.getpid())
    handle = os.pidfd_open(keeper)
    os.kill(keeper, 15)
    select.select([handle], [], [])  # readable once the process has ended
    os.close(handle)
    for path in (state, *state.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)  # the lab's phone has a user of its own
    rounds = [one(state, state.parent / "log" / "kamailio.log") for _ in range(ROUNDS)]
    print(json.dumps(rounds))
    return 0


def interpreter() -> float:
    """Return how long an interpreter takes to start and end, as a median."""
    times = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "import asyncio, ssl"], check=True)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as home:
        booted = lab(home, "up")
        try:
            if booted.returncode:
                print(booted.stdout + booted.stderr)
                return 1
            state = Path(home, "ringfence", "lab", "default", "phone")
            words = (sys.executable, str(Path(__file__).resolve()), INSIDE, str(state))
            ran = lab(home, "shell", "phone", "--", *words)
        finally:
            lab(home, "down")
    if ran.returncode:
        print(ran.stderr)
        return 1
    rounds = json.loads(ran.stdout)
    medians = {name: statistics.median(r[name] for r in rounds if name in r) for name in rounds[0]}
    for name, seconds in sorted(medians.items(), key=lambda pair: pair[1]):
        print(f"  {seconds * 1000:6.0f} ms  {name}")
    alone = interpreter()
    registered = statistics.median(max(r[n] for n in r if " over " in n) for r in rounds)
    worst = max(max(r[n] for n in r if " over " in n) for r in rounds)
    print(
        f"registered {registered * 1000:.0f} ms after the start of the process"
        f" (worst of {len(rounds)}: {worst * 1000:.0f} ms; limit {MOST * 1000:.0f} ms);"
        f" Python with asyncio and ssl alone: {alone * 1000:.0f} ms, ratio {registered / alone:.1f}"
    )
    return 0 if registered <= MOST else 1


if __name__ == "__main__":
    sys.exit(inside(Path(sys.argv[2])) if sys.argv[1:2] == [INSIDE] else main())
