"""Hold the plan in the kernel, whoever else meddles with the table."""

import asyncio
import logging
from collections.abc import Mapping

from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.features.firewall.options import Ports
from ringfence.features.firewall.plan import FirewallPlan, describe
from ringfence.features.firewall.ruleset import COUNTERS, DROPPED, TABLE, table
from ringfence.messages import _
from ringfence.policy.history import Bars, Counted
from ringfence.protocols.nft_table import Table, same, text
from ringfence.runtime.feature import World
from ringfence.runtime.nft_table import KernelTable
from ringfence.runtime.state import Health, Status

logger = logging.getLogger(__name__)

FIRST, LOOK = 1.0, 5.0
"""Seconds to the first look at the counters, which no registration waits for, and to the next."""


class FirewallDriver:
    """The nftables table `inet ringfence`, which outlives this process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: FirewallPlan | None = None
        self._kernel: KernelTable | None = None
        self._seen: tuple[int, Table, bool] | None = None
        """Generation of the rules and table that were compared, and whether they agreed."""
        self._dropped: Counted | None = None

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
            self._world.spawn(kernel.keep(nft.watch(), _put_right))
            self._world.spawn(self._remember())

    async def remove(self, key: str) -> None:
        """Keep the table: a phone without a firewall plan stays shut."""

    async def close(self) -> None:
        """Keep the table: it guards the next process from its first packet on."""

    def status(self) -> Status:
        """Return what is held, with the counters as they are now; two milliseconds at most."""
        plan = self._plan
        if plan is None:
            return Status(Health.STARTING, title="Firewall")
        planned = table(plan)
        try:
            counts, held = self._world.host.nft.counters(TABLE), self._holds(planned)
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
            ("Foreign Changes Put Right", str(self._kernel.repairs if self._kernel else 0)),
        ]
        data = {
            **describe(plan),
            "peers": list(plan.peers),
            "ruleset": text(planned),
            "held": held,
            "counters": dict(counts),
        }
        health = Health.RUNNING if plan.enabled else Health.DISABLED
        return Status(health, tuple(rows), data, "Firewall", plots=self._plots(counts))

    async def _remember(self) -> None:
        """Note what is dropped, also while nobody looks."""
        await asyncio.sleep(FIRST)
        while True:
            try:
                self._note(self._world.host.nft.counters(TABLE))
            except ComponentError as error:
                logger.info("firewall.uncounted: %s", error)
            await asyncio.sleep(LOOK)

    def _note(self, counts: Mapping[str, int]) -> None:
        total, now = sum(counts.get(name, 0) for name in DROPPED), self._world.host.now()
        if self._dropped is None:
            self._dropped = Counted(now, total)
        self._dropped.note(now, total)

    def _plots(self, counts: Mapping[str, int]) -> tuple[Bars, ...]:
        if counts:
            self._note(counts)
        if self._dropped is None:
            return ()
        now = self._world.host.now()
        return (self._dropped.bars(_("Packets Dropped"), "dropped", _("Packets"), now),)

    def _holds(self, planned: Table) -> bool:
        """Return whether the kernel holds a table; it is read anew once somebody changed rules.

        Raises:
            ComponentError: the kernel or the library refused.

        """
        nft = self._world.host.nft
        generation = nft.generation()
        if self._seen is None or self._seen[:2] != (generation, planned):
            self._seen = generation, planned, same(nft.table(TABLE), planned)
        return self._seen[2]


def _put_right() -> None:
    logger.warning("firewall.put_right: another program changed %s", TABLE)


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
