"""Plug the phone into a switch that blocks: how soon may it talk, beside stock wpa_supplicant?

Limits: 19 of 20 times at most 0.3 s after the wire is in; at most 0.08 of what wpa_supplicant takes
by itself in the same run, which waits two seconds before it asks.
Peer: wpa_supplicant with the same kind of certificate, before the same hostapd. Exits 1 when a
limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from measure import sandboxed, told

if TYPE_CHECKING:
    from tests.support.dot1x import Authority, Port, Wiring

TRIES, GOOD = 20, 19
MOST, RATIO = 0.3, 0.08
PEERS = 3
OUT = 0.5
"""Seconds that the wire is out."""


class Wire:
    """The phone's wire at the switch; pulled out, it shuts the port."""

    def __init__(self, wiring: "Wiring", port: "Port") -> None:
        self._wiring = wiring
        self._port = port
        self._opened = 0

    def plug(self) -> float:
        """Plug it in after a moment, as hands do, and return when that was."""
        time.sleep(OUT)
        self._wiring.switch.run("ip", "link", "set", "p1", "up")
        return time.monotonic()

    def since(self, began: float) -> float:
        """Return the seconds until the kernel lets the phone through."""
        from tests.support.dot1x import PHONE

        self._opened += 1
        self._port.opened(PHONE, self._opened)
        return time.monotonic() - began

    def pull(self) -> None:
        """Pull it out, and wait until the port is shut."""
        from tests.support.dot1x import PHONE

        self._wiring.switch.run("ip", "link", "set", "p1", "down")
        self._port.shut(PHONE, self._opened)


@contextmanager
def phone(wiring: "Wiring", authority: "Authority", state: Path) -> Iterator[None]:
    """Run the phone's feature in its node."""
    from ringfence.features.dot1x import FEATURE
    from ringfence.lab.namespaces import enter
    from tests.support.dot1x import ON, facts
    from tests.support.lease import addressed

    async def live() -> None:
        async with addressed(state, FEATURE, known=facts(authority), **ON):
            await asyncio.Event().wait()

    state.mkdir(mode=0o700)
    pid = os.fork()
    if pid == 0:
        enter(wiring.phone.name)
        asyncio.run(live())
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def measured(folder: Path) -> tuple[list[float], list[float]]:
    """Return the seconds of the phone, and those of wpa_supplicant alone."""
    from ringfence.lab.dot1x import User
    from ringfence.lab.namespaces import Namespace, create, delete
    from tests.support.dot1x import Authority, Port, Supplicant, wire

    spaces: list[Namespace] = []

    def namespaces(role: str) -> Namespace:
        spaces.append(create(f"bench-{role}"))
        return spaces[-1]

    wiring, authority = wire(namespaces), Authority.create(folder / "authority")
    port = Port.guard(wiring.switch, folder / "port", authority.server(User("*", "TLS")))
    cable = Wire(wiring, port)
    ours, theirs = [], []
    try:
        with phone(wiring, authority, folder / "state"):
            cable.since(0)
            cable.pull()
            for _ in range(TRIES):
                ours.append(cable.since(cable.plug()))
                cable.pull()
        for n in range(PEERS):
            began = cable.plug()
            stock = Supplicant(wiring.phone, folder / f"peer{n}", authority, f"peer{n}", "br0")
            theirs.append(cable.since(began))
            stock.process.kill()  # without a word to the switch, which would rest for 5 s
            stock.process.wait()
            cable.pull()
    finally:
        port.stop()
        for space in spaces:
            delete(space)
    return ours, theirs


def main() -> int:
    sandboxed()
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as home:
        ours, theirs = measured(Path(home))
    median, peer = statistics.median(ours), statistics.median(theirs)
    print(
        f"let in after {median * 1000:.0f} ms (worst of {TRIES}: {max(ours) * 1000:.0f} ms);"
        f" wpa_supplicant alone: {peer * 1000:.0f} ms"
    )
    quick = sum(each <= MOST for each in ours)
    limits = {
        f"tries within {MOST:g} s, of {TRIES}": (quick, ">=", GOOD),
        "ratio to wpa_supplicant": (median / peer, "<=", RATIO),
    }
    return told("dot1x", limits)


if __name__ == "__main__":
    sys.exit(main())
