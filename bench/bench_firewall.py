"""Change the firewall: how long beside libnftables and `nft -f`, and how many packets it costs.

Both in namespaces of their own; exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import os
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from ringfence.config.settings import decode, virgin
from ringfence.features.firewall.options import merged
from ringfence.features.firewall.plan import FirewallPlan, plan
from ringfence.features.firewall.ruleset import TABLE, table
from ringfence.lab.namespaces import Namespace, create, enter, link
from ringfence.protocols.nft_table import rebuilt, replacement, text
from ringfence.runtime.host_nft import Nft
from ringfence.runtime.nft_table import KernelTable
from ringfence.runtime.state import Facts

ROUNDS, PAIRS = 15, 6
REPLACES = 400
RATE = 20_000
SOURCES = 500
RTP_PORT = 16400
LIBRARY = "libnftables"
MOST_OF_LIBRARY = 0.35
"""A full change, beside libnftables in this process, kept open, for the same change in words."""
MOST_PORT_MS = 0.1
"""Milliseconds for one port opened or closed."""
MOST_LOST = 0

Way = Callable[[int], None]

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
    planned(
        Firewall_Config="NO_ICMP_PING,NO_ICMP_UNREACHABLE,NO_CISCO_TFTP,UDP:9000:9010,TCP:12001",
        SIP_Port_1_="5071",
        Web_Server_Port="8080",
        RTP_Port_Min="16386",
        Broadcast_Echo="Enabled",
    ),
)
"""Every keyword, set and range differs; RTP_PORT is open in both."""


def compare(title: str, ours: KernelTable, ways: Mapping[str, Way]) -> Mapping[str, float]:
    """Time ways to and fro, round by round; print and return the medians in milliseconds.

    Every way finds and leaves what turn 1 makes.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            ours.put_right()  # another way was here: look at the table, outside of what is timed
            times = []
            for turn in range(2 * PAIRS):
                start = time.perf_counter()
                way(turn % 2)
                times.append(time.perf_counter() - start)
            taken[name].append(statistics.median(times) * 1e3)
    for name, times in taken.items():
        ratios = [mine / peer for mine, peer in zip(times, taken[LIBRARY], strict=True)]
        print(
            f"firewall {title}, {name:12} {statistics.median(times):8.3f} ms"
            f"  x{statistics.median(ratios):.3f} of {LIBRARY} ({min(ratios):.3f}-{max(ratios):.3f})"
        )
    return {name: statistics.median(times) for name, times in taken.items()}


def full_change(nft: Nft) -> bool:
    """Change everything that settings can change; the library does it as one transaction, too."""
    tables = [table(made) for made in PLANS]
    words = [replacement(text(tables[1 - turn]), tables[turn]) for turn in (0, 1)]
    nft.run(rebuilt(tables[0]))
    ours = KernelTable(nft)
    ours.bring(tables[0])
    start = time.perf_counter()
    ours.bring(tables[1])
    first = time.perf_counter() - start
    print(f"firewall full change, ours, with rules never loaded before {first * 1e3:8.3f} ms")

    def program(turn: int) -> None:
        subprocess.run(["nft", "-f", "-"], input=words[turn], text=True, check=True)

    ways: dict[str, Way] = {
        LIBRARY: lambda turn: (nft.run(words[turn]), None)[1],
        "ours": lambda turn: ours.bring(table(PLANS[turn])),
        "nft -f": program,
    }
    taken = compare("full change", ours, ways)
    return taken["ours"] <= MOST_OF_LIBRARY * taken[LIBRARY]


def one_port(nft: Nft) -> bool:
    """Open and close one TCP port."""
    shut = PLANS[0]
    plans = (replace(shut, tcp=merged([*shut.tcp, (13000, 13000)])), shut)
    ours = KernelTable(nft)
    ours.bring(table(shut))
    element = f"element {TABLE} tcp_open {{ 13000 }}"
    words = (f"add {element}", f"delete {element}")
    ways: dict[str, Way] = {
        LIBRARY: lambda turn: (nft.run(words[turn]), None)[1],
        "ours": lambda turn: ours.bring(table(plans[turn])),
    }
    return compare("one port", ours, ways)["ours"] <= MOST_PORT_MS


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
    tables = [table(made) for made in PLANS]

    def anew(turn: int) -> None:
        nft.run(rebuilt(tables[turn]))

    ours = KernelTable(nft)
    ours.bring(tables[1])
    for name, way in (
        ("table rebuilt (not used)", anew),
        ("ours", lambda turn: ours.bring(tables[turn])),
    ):
        ours.put_right()
        missing, of = lost(nft, stranger, way)
        print(f"firewall loss, {name:26} {missing} of {of} packets in {REPLACES} changes")
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
    limits = {
        f"full change <= {MOST_OF_LIBRARY} of {LIBRARY}": full_change(nft),
        f"one port <= {MOST_PORT_MS} ms": one_port(nft),
        f"packets lost <= {MOST_LOST}": loss(nft, stranger),
    }
    nft.run(f"delete table {TABLE}")
    for limit, held in limits.items():
        print(f"firewall: {limit}: {'ok' if held else 'NOT HELD'}")
    return 0 if all(limits.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
