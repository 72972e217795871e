"""Hold the plan in the kernel, whoever else meddles with the table."""

import asyncio
import logging

from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.features.firewall.kernel import KernelTable
from ringfence.features.firewall.options import Ports
from ringfence.features.firewall.plan import FirewallPlan, describe
from ringfence.features.firewall.ruleset import COUNTERS, TABLE, table
from ringfence.features.firewall.table import same, text
from ringfence.runtime.feature import World
from ringfence.runtime.host_nft import Watch
from ringfence.runtime.state import Health, Status

logger = logging.getLogger(__name__)

PAUSE = 0.05
"""Seconds between two looks at the table, so that a program that keeps changing rules cannot
keep the phone busy."""


class FirewallDriver:
    """The nftables table `inet ringfence`, which outlives this process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: FirewallPlan | None = None
        self._kernel: KernelTable | None = None
        self._repairs = 0

    async def apply(self, key: str, plan: FirewallPlan) -> None:
        """Bring the table to `plan` in one transaction; a table that says the same is adopted.

        Flows that conntrack knows live on, those of a closed port included, until they age out.

        Raises:
            ComponentError: the kernel refused; the table is as it was.

        """
        nft = self._world.host.nft
        kernel = self._kernel or KernelTable(nft)
        try:
            kernel.bring(table(plan))
        except ComponentError:
            if plan.tftp:
                raise
            # Better no TFTP than no firewall: a kernel without the helper shuts the range only.
            plan = replace(plan, tftp=True)
            kernel.bring(table(plan))
            logger.warning("firewall.no_tftp_helper: TFTP from port 69 will not get through")
        self._plan = plan
        if self._kernel is None:
            self._kernel = kernel
            self._world.spawn(self._keep(kernel, nft.watch()))

    async def remove(self, key: str) -> None:
        """Keep the table: a phone without a firewall plan stays shut."""

    async def close(self) -> None:
        """Keep the table: it guards the next process from its first packet on."""

    async def _keep(self, kernel: KernelTable, watch: Watch) -> None:
        """Put the table right whenever somebody else changed it. Source: rulings 20."""
        try:
            while True:
                if times := kernel.put_right():
                    self._repairs += times
                    logger.warning("firewall.put_right: another program changed %s", TABLE)
                await asyncio.sleep(PAUSE)
                await watch.changed()
        finally:
            watch.close()

    def status(self) -> Status:
        """Return what is held, with the counters as they are now; about two milliseconds."""
        plan = self._plan
        if plan is None:
            return Status(Health.STARTING, title="Firewall")
        planned, nft = table(plan), self._world.host.nft
        try:
            counts, held = nft.counters(TABLE), same(nft.table(TABLE), planned)
        except ComponentError:
            counts, held = {}, False
        rows = [
            ("Firewall", "Enabled" if plan.enabled else "Disabled"),
            ("Kernel", "holds what is planned" if held else "differs from what is planned"),
            ("Open UDP Ports", _words(plan.udp) if plan.enabled else "all"),
            ("Open TCP Ports", _words(plan.tcp) if plan.enabled else "all"),
            ("Ping", "answered" if plan.ping else "ignored"),
            ("Multicast Ping", "answered" if plan.broadcast_echo else "ignored"),
            ("Shielded from Floods", _shielded(plan)),
            ("Heard Through a Flood", _heard(plan)),
            *((COUNTERS[name], str(count)) for name, count in counts.items() if name in COUNTERS),
            ("Foreign Changes Put Right", str(self._repairs)),
        ]
        data = {
            **describe(plan),
            "peers": list(plan.peers),
            "ruleset": text(planned),
            "held": held,
            "counters": dict(counts),
        }
        health = Health.RUNNING if plan.enabled else Health.DISABLED
        return Status(health, tuple(rows), data, "Firewall")


def _shielded(plan: FirewallPlan) -> str:
    """Return where strangers may ask for little."""
    kinds = (("UDP", plan.udp_services), ("TCP", plan.tcp_services))
    parts = [f"{kind} {', '.join(map(str, ports))}" for kind, ports in kinds if ports]
    return "; ".join([*parts, "ping"]) if plan.enabled else "nothing"


def _heard(plan: FirewallPlan) -> str:
    """Return who may ask for anything: the servers that the lines found."""
    return (", ".join(plan.peers) or "nobody yet") if plan.enabled else "everybody"


def _words(ranges: tuple[Ports, ...]) -> str:
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges) or "none"
