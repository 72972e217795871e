"""Start the phone again and again in a running lab: how long until its registrar says 200 OK?

What is counted: from the moment before the process is made (`python -m ringfence phone run`) until
Kamailio writes that it has stored a contact, which it does as it sends its 200 OK. The first of
the two lines decides: DNS, REGISTER, challenge, REGISTER with digest over UDP; the other one, with
TLS and every check of the certificate, is printed beside it, with the firewall in the kernel before
either. The address is the one of the last lease, which the phone asks for again meanwhile. This is
done in a lab without 802.1X, and in one whose switch lets nothing of the phone through until
FreeRADIUS has seen its certificate (EAP-TLS); there the wire is pulled out before each start.
Beside it, in the same run, what the interpreter alone takes to start. CPU time is that of all its
processes until the last registration, memory (PSS) what they hold once all is loaded.

Exits 1 when a median passes the limit. Run: `make bench`, or this file.
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

ROUNDS = 20
MOST = {"off": 0.150, "eap-tls": 0.600}
"""`{802.1X: seconds}` from the start of the process to the first 200 OK, as a median."""
TOO_LONG = 30.0
SETTLED = 0.3
"""Seconds after which switch and phone have noticed a wire."""
INSIDE = "--inside"
FIRST, LAST = "first 200 OK", "last 200 OK"
STEPS = {
    "let in by the switch": r"dot1x\.authenticated",
    "firewall in the kernel": r"firewall\.applied",
    "everything loaded": r"phone\.ready",
    "lease confirmed": r"dhcp\.bound",
}
"""`{step: line of the phone's log}`."""
CPU, MEMORY = "CPU until the last 200 OK, in s", "memory, in MiB"


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


def replug() -> None:
    """Pull the phone's wire out of the switch and put it back: nobody is let in any more."""
    for state in ("down", "up"):
        subprocess.run(["ip", "link", "set", "net", state], check=True)
        time.sleep(SETTLED)


def one(state: Path, log: Path) -> Mapping[str, float]:
    """Start a phone on a state folder, wait for its registrations, stop it; return what it took."""
    start = log.stat().st_size
    took: dict[str, float] = {}
    words = [sys.executable, "-m", "ringfence", "phone", "run", "--state", str(state)]
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = state / "bench.log"
    with own.open("w") as output:
        began = time.monotonic()
        phone = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=output, env=env)
        try:
            for seen, text in lines(log, start):
                if found := re.search(r"SAVED (\d+) over (\w+)", text):
                    took.setdefault(FIRST, seen - began)
                    took[f"{found[1]} over {found[2].upper()}"] = took[LAST] = seen - began
                if len(took) == 4:
                    break
            took[CPU] = sum(cpu(pid) for pid in tree(phone.pid))
            next(text for _, text in lines(own, 0) if "phone.ready" in text)
            took[MEMORY] = sum(memory(pid) for pid in tree(phone.pid))
        finally:
            phone.terminate()
    for name, pattern in STEPS.items():
        stamp = re.search(rf"(\d+):(\d+):(\d+),(\d+) .*{pattern}", own.read_text())
        if stamp:
            took[name] = _wall(stamp) - (time.time() - (time.monotonic() - began))
    phone.wait(TOO_LONG)
    return took


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def cpu(pid: int) -> float:
    """Return the seconds that a process has run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory(pid: int) -> float:
    """Return the MiB that a process holds, shared pages by their share."""
    found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return int(found[1]) / 1024 if found else 0.0


def _wall(stamp: re.Match[str]) -> float:
    """Return a time of today's log as seconds since the epoch."""
    hours, minutes, seconds, thousandths = map(int, stamp.groups())
    day = time.localtime()
    moment = (day.tm_year, day.tm_mon, day.tm_mday, hours, minutes, seconds, 0, 0, -1)
    return time.mktime(moment) + thousandths / 1000


def inside(state: Path, guarded: bool) -> int:
    """Measure, in the phone's node of the lab; print what each start took as JSON."""
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
    log = state.parent / "log" / "kamailio.log"
    one(state, log)  # writes bytecode where there is none
    rounds = []
    for _ in range(ROUNDS):
        if guarded:
            replug()
        rounds.append(one(state, log))
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
    failed = [mode for mode in MOST if measured(mode)]
    return 1 if failed else 0


def measured(mode: str) -> int:
    """Measure in a lab of one kind; return 1 where that could not be done or took too long."""
    print(f"802.1X {mode}:")
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as home:
        booted = lab(home, "up", "--dot1x", mode)
        try:
            if booted.returncode:
                print(booted.stdout + booted.stderr)
                return 1
            state = Path(home, "ringfence", "lab", "default", "phone")
            words = (sys.executable, str(Path(__file__).resolve()), INSIDE, str(state), mode)
            ran = lab(home, "shell", "phone", "--", *words)
        finally:
            lab(home, "down")
    if ran.returncode:
        print(ran.stderr)
        return 1
    rounds = json.loads(ran.stdout)
    medians = {name: statistics.median(r[name] for r in rounds if name in r) for name in rounds[0]}
    used, held = medians.pop(CPU), medians.pop(MEMORY)
    for name, seconds in sorted(medians.items(), key=lambda pair: pair[1]):
        print(f"  {seconds * 1000:6.0f} ms  {name}")
    alone = interpreter()
    first = medians[FIRST]
    best, worst = min(r[FIRST] for r in rounds), max(r[FIRST] for r in rounds)
    print(
        f"CPU until the last 200 OK {used * 1000:.0f} ms; memory once all is loaded {held:.0f} MiB"
    )
    print(
        f"first 200 OK of REGISTER {first * 1000:.0f} ms after the start of the process"
        f" (best of {len(rounds)}: {best * 1000:.0f} ms, worst {worst * 1000:.0f} ms;"
        f" limit {MOST[mode] * 1000:.0f} ms); Python with asyncio and ssl alone:"
        f" {alone * 1000:.0f} ms, ratio {first / alone:.1f}"
    )
    return 0 if first <= MOST[mode] else 1


if __name__ == "__main__":
    if sys.argv[1:2] == [INSIDE]:
        sys.exit(inside(Path(sys.argv[2]), guarded=sys.argv[3] != "off"))
    sys.exit(main())
