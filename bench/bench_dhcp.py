"""How long until an interface has its lease: the phone's DHCP client beside udhcpc, in turns.

Both ask the same dnsmasq over the same wire, and both have ip(8) put the address in place. Ours
counts from the feature's start to the published lease, in a process that runs already, as in a
phone; udhcpc from its start to its end (`-q`). Neither waits for probes of the address. Exits 1
where the median of ours is more than 0.1 of udhcpc's. Run: `make bench`, or this file.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import SERVER, network, sandboxed, told

from ringfence.lab.namespaces import Namespace
from tests.support.lease import Dnsmasq, addressed

ROUNDS = 20
MOST = 0.1
SCRIPT = """\
#!/bin/sh
[ "$1" = bound ] && ip addr replace "$ip/$mask" dev "$interface"
exit 0
"""


def clear() -> None:
    """Take the address of the last round away."""
    subprocess.run(["ip", "addr", "flush", "dev", "eth0"], check=True)


def ours(folder: Path) -> list[float]:
    """Return the seconds that a lease of our own takes, as many as rounds, after a first one."""

    async def once() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as state:
            began = time.monotonic()
            async with addressed(Path(state)) as phone:
                await phone.bound()
                return time.monotonic() - began

    clear()
    asyncio.run(once())  # imports
    times = []
    clear()
    times.append(asyncio.run(once()))
    clear()
    return times


def udhcpc(script: str) -> float:
    """Return the seconds that udhcpc takes."""
    clear()
    words = ("udhcpc", "-i", "eth0", "-f", "-n", "-q", "-s", script)
    began = time.monotonic()
    subprocess.run(words, check=True, capture_output=True)
    took = time.monotonic() - began
    clear()
    return took


def measured(server: Namespace, client: Namespace, folder: Path) -> tuple[list[float], list[float]]:
    """Return the seconds of each round: ours, and udhcpc's."""
    script = folder / "script"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    first, last = (SERVER.rpartition(".")[0] + f".{number}" for number in (100, 150))
    dnsmasq = Dnsmasq(server, folder, f"dhcp-range={first},{last},255.255.255.0,2m")
    mine, theirs = [], []
    try:
        for _ in range(ROUNDS):
            mine += client.call(ours, folder)
            theirs.append(client.call(udhcpc, str(script)))
    finally:
        dnsmasq.stop()
    return mine, theirs


def main() -> int:
    sandboxed()
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as folder, network() as spaces:
        mine, theirs = measured(*spaces, Path(folder))
    for name, times in (("ours", mine), ("udhcpc", theirs)):
        millis = [1000 * one for one in sorted(times)]
        median = statistics.median(millis)
        print(f"  {name:6} {median:6.1f} ms  ({millis[0]:.1f} to {millis[-1]:.1f} ms)")
    ratio = statistics.median(mine) / statistics.median(theirs)
    return told("a lease", {"time of udhcpc's": (ratio, "<=", MOST)})


if __name__ == "__main__":
    sys.exit(main())
