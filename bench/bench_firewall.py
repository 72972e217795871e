"""Replace the firewall: how long beside `nft -f`, and how many packets it costs.

Both in namespaces of their own; exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import os
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from ringfence.config.settings import decode, virgin
from ringfence.features.firewall.driver import hold
from ringfence.features.firewall.plan import FirewallPlan, plan
from ringfence.features.firewall.ruleset import TABLE, rebuilt, replacement, ruleset
from ringfence.lab.namespaces import Namespace, create, enter, link
from ringfence.runtime.host_nft import Nft
from ringfence.runtime.state import Facts

ROUNDS, PAIRS = 7, 6
REPLACES = 400
RATE = 20_000
SOURCES = 500
RTP_PORT = 16400
MOST_TIME, MOST_LOST = 0.1, 0

OBSERVER = f"""
table inet observer {{
    counter arrived {{ }}
    counter passed {{ }}
    chain before {{
        type filter hook prerouting priority -350; policy accept;
        udp dport {RTP_PORT} counter name arrived
    }}
    chain after {{
        type filter hook input priority 10; policy accept;
        udp dport {RTP_PORT} counter name passed drop
    }}
}}
"""
"""Counts the packets of the flood before and after the firewall."""


def planned(**texts: str) -> FirewallPlan:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, Facts()).plans[""]


PLANS = (
    planned(Firewall_Config="UDP:8000:8010,TCP:12000", SIP_Port_1_="5070"),
    planned(Firewall_Config="UDP:9000:9010,TCP:12001", SIP_Port_1_="5071"),
)


def seconds(action: Callable[[int], None]) -> float:
    """Return the median time of one replacement."""
    times = []
    for turn in range(2 * PAIRS):
        start = time.perf_counter()
        action(turn % 2)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def speed(nft: Nft) -> bool:
    texts = [ruleset(made) for made in PLANS]
    nft.run(texts[1])

    def transaction(turn: int) -> None:
        nft.run(replacement(texts[1 - turn], texts[turn]))

    held = nft.table(TABLE)

    def driver(turn: int) -> None:
        nonlocal held
        held = hold(nft, PLANS[turn], held)

    def program(turn: int) -> None:
        words = replacement(texts[1 - turn], texts[turn])
        subprocess.run(["nft", "-f", "-"], input=words, text=True, check=True)

    ways = {"nft -f": program, "transaction": transaction, "driver": driver}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            taken[name].append(seconds(way))
    for name, times in taken.items():
        ratios = [mine / peer for mine, peer in zip(times, taken["nft -f"], strict=True)]
        print(
            f"firewall replace, {name:12} {statistics.median(times) * 1e3:8.3f} ms"
            f"  x{statistics.median(ratios):.4f} of nft -f ({min(ratios):.4f}-{max(ratios):.4f})"
        )
    ratio = statistics.median(taken["driver"]) / statistics.median(taken["nft -f"])
    return ratio <= MOST_TIME


def flood(stranger: Namespace, stop: int, writer: int) -> int:
    """Start a child that sends from many ports until `writer` is closed; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    os.close(writer)
    enter(stranger.name)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOURCES)]
    due, sent = time.perf_counter(), 0
    while not select.select([stop], [], [], max(0.0, due - time.perf_counter()))[0]:
        for _ in range(RATE // 200):
            sockets[sent % SOURCES].sendto(b"x" * 160, ("10.99.0.2", RTP_PORT))
            sent += 1
        due += 1 / 200
    os._exit(0)


def lost(nft: Nft, stranger: Namespace, replace: Callable[[int], None]) -> tuple[int, int]:
    """Return how many packets the replacements cost, of how many."""
    reader, writer = os.pipe()
    nft.run("table inet observer\ndelete table inet observer\n" + OBSERVER)
    child = flood(stranger, reader, writer)
    while nft.counters("inet observer")["passed"] < RATE // 10:
        time.sleep(0.01)
    for turn in range(REPLACES):
        replace(turn % 2)
        time.sleep(0.009)
    os.close(writer)
    os.waitpid(child, 0)
    os.close(reader)
    counts = nft.counters("inet observer")
    return counts["arrived"] - counts["passed"], counts["arrived"]


def loss(nft: Nft, stranger: Namespace) -> bool:
    texts = [ruleset(made) for made in PLANS]

    def anew(turn: int) -> None:
        nft.run(rebuilt(texts[turn]))

    held = nft.table(TABLE)

    def driver(turn: int) -> None:
        nonlocal held
        held = hold(nft, PLANS[turn], held)

    for name, way in (("table rebuilt (not used)", anew), ("driver", driver)):
        missing, of = lost(nft, stranger, way)
        print(f"firewall loss, {name:26} {missing} of {of} packets in {REPLACES} replaces")
    return missing <= MOST_LOST


def main() -> int:
    if os.environ.get("RINGFENCE_SANDBOX") != "1":
        words = [sys.executable, "-m", "ringfence.lab.sandbox", "--", sys.executable, __file__]
        os.execv(sys.executable, words)
    phone, stranger = create("phone"), create("stranger")
    link(phone, "eth0", stranger, "eth0")
    phone.address("eth0", "10.99.0.2/24")
    stranger.address("eth0", "10.99.0.9/24")
    enter(phone.name)
    nft = Nft()
    fast = speed(nft)
    whole = loss(nft, stranger)
    nft.run(f"delete table {TABLE}")
    print(f"firewall: time {'ok' if fast else 'TOO LONG'}, loss {'ok' if whole else 'TOO MUCH'}")
    return 0 if fast and whole else 1


if __name__ == "__main__":
    sys.exit(main())
