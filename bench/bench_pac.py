"""Ask PAC files: an answer that is computed and one that is kept, next to pacparser.

Ours goes through the whole way: the URL stripped, the process asked over its pipes, the answer
judged. pacparser runs inside this process. Hostile files are timed by the clock, the start of the
process apart. Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import measure
import pacparser

from ringfence.policy import pac
from ringfence.policy.applications import PROVISIONING
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.pac import Pac
from tests.support.pac_files import HOSTILE

ROUNDS, ASKED, KEPT = 15, 60, 2000
TARGET = Target(PROVISIONING, "", 0, None, resolvers=("192.0.2.53",))
DOMAINS = ",".join(f'".d{n}.example.test"' for n in range(2000))
FILES = {
    "2,000 domains": f"""var all = [{DOMAINS}];
function FindProxyForURL(url, host) {{
  for (var i = 0; i < all.length; i++) if (dnsDomainIs(host, all[i])) return "DIRECT";
  return "PROXY p.test:3128";
}}""",
    "1,000 globs": "function FindProxyForURL(url, host) {\n"
    + "".join(f'if (shExpMatch(host, "*.d{n}.test")) return "DIRECT";\n' for n in range(1000))
    + 'return "PROXY p.test:3128"; }',
}
BOUNDS = {"2,000 domains": 0.30, "1,000 globs": 0.03}
MOST_HOSTILE_MS = 250
DEADLY = ("loop", "loop that catches", "regex", "memory", "array", "huge array", "recursion",
          "loop at load", "memory at load")  # fmt: skip


def quiet(times: Sequence[float]) -> float:
    """Return the median of the fastest quarter: what else runs on the machine only ever adds."""
    return statistics.median(sorted(times)[: max(1, len(times) // 4)])


async def known(name: str, resolvers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
    return ("192.0.2.7",)


def opened(script: str) -> Pac:
    host = Host(Path())
    return Pac(host, Egress(host, known), script.encode(), ("192.0.2.5",))


def urls(turn: int) -> list[str]:
    """Return URLs that nobody asked for before; none is in the lists."""
    return [f"http://www.h{turn}-{n}.department.other.test/" for n in range(ASKED)]


async def computed(file: Pac, turn: int) -> float:
    """Return microseconds of one answer."""
    begun = time.perf_counter()
    for url in urls(turn):
        await file.find(url, TARGET)
    return (time.perf_counter() - begun) / ASKED * 1e6


def theirs(turn: int) -> float:
    begun = time.perf_counter()
    for url in urls(turn):
        pacparser.find_proxy(url)
    return (time.perf_counter() - begun) / ASKED * 1e6


async def kept(file: Pac) -> float:
    url = "http://kept.other.test/"
    await file.find(url, TARGET)
    begun = time.perf_counter()
    for _ in range(KEPT):
        await file.find(url, TARGET)
    return (time.perf_counter() - begun) / KEPT * 1e6


async def hostile(name: str) -> float:
    """Return milliseconds until a hostile file is refused by a process that runs already."""
    file = opened("function FindProxyForURL() { return 'DIRECT'; }")
    await file.find("http://a.test/", TARGET)
    await file.take(HOSTILE[name][0].encode())
    begun = time.perf_counter()
    try:
        await file.find("http://b.test/", TARGET)
        sys.exit(f"{name} was not refused")
    except pac.PacError:
        return (time.perf_counter() - begun) * 1e3
    finally:
        await file.close()


async def main() -> int:
    limits: dict[str, tuple[float, str, float]] = {}
    for name, script in FILES.items():
        file = opened(script)
        pacparser.init()
        pacparser.parse_pac_string(script)
        await computed(file, -1), theirs(-1)
        pairs = [(await computed(file, turn), theirs(turn)) for turn in range(ROUNDS)]
        ours, other = (quiet(column) for column in zip(*pairs, strict=True))
        print(f"pac: {name}: {ours:.0f} us, pacparser {other:.0f} us")
        limits[f"{name}, of pacparser"] = (ours / other, "<=", BOUNDS[name])
        if name == "2,000 domains":
            fast = quiet([await kept(file) for _ in range(ROUNDS)])
            limits["kept answer, us"] = (fast, "<=", 5)
        pacparser.cleanup()
        await file.close()
    for name in DEADLY:
        slow = quiet([await hostile(name) for _ in range(8)])
        limits[f"{name}, ms"] = (slow, "<=", MOST_HOSTILE_MS)
    return measure.told("pac", limits)


if __name__ == "__main__":
    measure.sandboxed()
    sys.exit(asyncio.run(main()))
