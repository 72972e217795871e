"""A profile of 1,500 parameters and 80 kB against a bare expat parse of the same bytes.

`cold` reads, validates and diffs a profile of which 20 values differ from what the phone holds;
`nearly unchanged` does so on a phone that has applied the profile before, and remembers the new
one; `one line more` has a new line besides; `unchanged` meets the bytes that it applied last;
`first boot` validates and stores every value of a virgin phone, and is shown without a limit.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from xml.parsers import expat

from ringfence.config.cfgxml import Applied, read, reread
from ringfence.config.settings import slots, virgin
from ringfence.config.snapshot import Origin, Snapshot, submit

PARAMETERS = 1500
SIZE = 80_000
ROUNDS, REPEATS = 31, 8
OWN = {"Display_Name_{n}_", "User_ID_{n}_", "Proxy_{n}_"}
"""Rows of which every line has its own value."""
LIMITS = {"cold": 1.35, "nearly unchanged": 0.40, "one line more": 0.60, "unchanged": 0.10}


def profile(changes: int) -> bytes:
    """Return a profile out of the catalogue's tags, with that many values of its own."""
    tags = list(slots())
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<flat-profile>"]
    for at in range(PARAMETERS):
        tag = tags[at % len(tags)]
        row = slots()[tag].row
        text = row.codec.encode(row.default)
        if row.tag in OWN:
            text = f"value-{tag.lower()}.example.com"
        lines.append(f'<{tag} ua="{row.access.value}">{text}</{tag}>')
    changed = [at for at, line in enumerate(lines) if "example.com" in line][:changes]
    for at in changed:
        lines[at] = lines[at].replace("example.com", "example.net")
    body = "\n".join(lines) + "\n</flat-profile>\n"
    pad = (SIZE - len(body)) // 16
    for n in range(1, 17):
        body = body.replace(f'<Dial_Plan_{n}_ ua="na"></', f'<Dial_Plan_{n}_ ua="na">{"x" * pad}</')
    return body.encode()


def applied(data: bytes, before: Snapshot) -> Snapshot:
    """Return the snapshot after a profile, of which nothing was refused."""
    after, refused = submit(before, read(data).changes(before), Origin.PROFILE)
    if refused:
        raise SystemExit(f"refused: {refused}")
    return after


def remembered(data: bytes, before: Snapshot, last: Applied | None) -> Applied:
    """Return what a phone remembers after a resync that brought a profile."""
    if last and last.still_holds(data, before):
        raise SystemExit("nothing differs")
    document, changes = reread(data, before, last)
    after, _ = submit(before, changes, Origin.PROFILE)
    return Applied.of(document, changes, before, after)


def measure(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the CPU milliseconds of each way in its quickest round, for neighbours only add."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.process_time()
            for _ in range(REPEATS):
                way()
            taken[name].append((time.process_time() - start) / REPEATS * 1e3)
    return {name: min(times) for name, times in taken.items()}


def held(count: int, make: Callable[[], object]) -> float:
    """Return the KiB that each of several results holds."""
    make()
    tracemalloc.start()
    kept = [make() for _ in range(count)]
    size = tracemalloc.get_traced_memory()[0] / len(kept) / 1024
    tracemalloc.stop()
    return size


def main() -> int:
    old, new = profile(0), profile(20)
    base = Snapshot(virgin())
    before = applied(old, base)
    last = remembered(old, applied(new, before), remembered(new, before, None))
    again = last.snapshot or base
    more = new.replace(b"\n<Proxy_9_ ", b"\n<Proxy_99_>proxy.example.com</Proxy_99_>\n<Proxy_9_ ")

    def bare() -> None:
        expat.ParserCreate().Parse(new, True)

    times = measure(
        {
            "expat": bare,
            "cold": lambda: applied(new, before),
            "nearly unchanged": lambda: remembered(new, again, last),
            "one line more": lambda: remembered(more, again, last),
            "unchanged": lambda: last.still_holds(bytes(bytearray(old)), again),
            "first boot": lambda: applied(new, base),
        }
    )
    print(f"{len(new)} bytes, {PARAMETERS} elements, expat {times['expat']:.3f} ms")
    failed = False
    for name, limit in {**LIMITS, "first boot": 0.0}.items():
        ratio = times[name] / times["expat"]
        failed |= bool(limit) and ratio > limit
        print(f"{name}: {ratio:.2f} x expat" + (f" (limit {limit})" if limit else ""))
    few = held(20, lambda: applied(b"<flat-profile><Host_Name>a</Host_Name></flat-profile>", base))
    print(f"memory: {few:.1f} KiB for a phone with one value of its own")
    print(f"memory: {held(20, lambda: applied(new, base)):.0f} KiB for one with the whole profile")
    kept = held(20, lambda: remembered(bytes(bytearray(new)), before, None).document)
    print(f"memory: {kept:.0f} KiB for what it remembers of the profile")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
