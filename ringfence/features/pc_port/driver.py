"""Hold the port and its rules in the kernel, and log computers off that have left."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.features.pc_port.plan import PcPortPlan
from ringfence.features.pc_port.ruleset import COUNTERS, TABLE, table
from ringfence.protocols import eapol
from ringfence.protocols.bridge import Port
from ringfence.protocols.nft_table import same, text
from ringfence.runtime.feature import World
from ringfence.runtime.nft_table import KernelTable
from ringfence.runtime.state import Health, Status

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds until a port that went away is looked for again."""
REST = 0.05
"""Seconds between two looks at what the kernel tells: invented stations cost calls nothing."""
PASS_EAPOL = 8
"""Bit 3: the bridge passes on what goes to the authenticator's group address, 01:80:c2:00:00:03.
Source: linux/if_link.h, IFLA_BR_GROUP_FWD_MASK."""
TITLE = "PC Port"


class PcPortDriver:
    """The port `pcp` of the phone's bridge, and the nftables table `bridge ringfence`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: PcPortPlan | None = None
        self._kernel: KernelTable | None = None
        self._name = ""
        """The port; empty where the phone has none."""
        self._port: Port | None = None
        self._logoffs = 0
        self._problem = ""

    async def apply(self, key: str, plan: PcPortPlan) -> None:
        """Bring rules and port to `plan`. Without the rules the port is off: nothing passes.

        Raises:
            ComponentError: the kernel refused.

        """
        host = self._world.host
        self._name = host.computer_port(plan.interface)
        if not self._name:
            self._plan = plan
            return
        plan = replace(plan, hardware=host.hardware_address(plan.interface).hex(":"))
        kernel = self._kernel or KernelTable(host.nft)
        try:
            kernel.bring(table(plan))
        except ComponentError:
            host.switch(self._name, on=False)
            raise
        host.switch(self._name, on=plan.enabled)
        self._plan = plan
        if self._kernel is None:
            self._kernel = kernel
            self._world.spawn(kernel.keep(host.nft.watch(), _put_right))
            self._world.spawn(self._live(plan.interface))

    async def remove(self, key: str) -> None:
        """Keep the rules: a plan is always there."""

    async def close(self) -> None:
        """Keep rules and port: they guard the next process."""

    def status(self) -> Status:
        """Return whether there is a link, who is behind it, and what was kept from whom."""
        plan, port = self._plan, self._port
        if plan is None:
            return Status(Health.STARTING, title=TITLE)
        if not self._name:
            return Status(Health.DISABLED, (("PC Port", "there is none"),), title=TITLE)
        counts, held = self._held(plan)
        connected = bool(port and port.connected)
        computers = [one.hex(":") for one in port.stations] if port else []
        rows = [
            ("PC Port", "Enabled" if plan.enabled else "Disabled"),
            ("Link", "connected" if connected else "none"),
            ("Computers", ", ".join(computers) or "none"),
            ("Kernel", "holds what is planned" if held else "differs from what is planned"),
            ("EAPOL-Logoffs for Computers", str(self._logoffs)),
            *((COUNTERS[name], str(count)) for name, count in counts.items() if name in COUNTERS),
            ("Foreign Changes Put Right", str(self._kernel.repairs if self._kernel else 0)),
        ]
        health = Health.RUNNING if plan.enabled else Health.DISABLED
        if self._problem:
            health = Health.FAILED
            rows.append(("Error", self._problem))
        data = {
            "enabled": plan.enabled,
            "connected": connected,
            "computers": computers,
            "logoffs": self._logoffs,
            "ruleset": text(table(plan)),
            "held": held,
            "counters": dict(counts),
        }
        return Status(health, tuple(rows), data, TITLE)

    def _held(self, plan: PcPortPlan) -> tuple[Mapping[str, int], bool]:
        nft = self._world.host.nft
        try:
            return nft.counters(TABLE), same(nft.table(TABLE), table(plan))
        except ComponentError:
            return {}, False

    async def _live(self, bridge: str) -> None:
        """Watch the port, and look for it again when it went away."""
        lines = f"link set dev {bridge} type bridge group_fwd_mask {PASS_EAPOL}\n"
        while True:
            try:
                await self._world.host.run("ip", "-batch", "-", stdin=lines)
                await self._watch()
            except ComponentError as error:
                if self._problem != str(error):
                    logger.error("pc_port.failed: %s", error)
                self._problem = str(error)
            self._port = None
            await asyncio.sleep(PAUSE)

    async def _watch(self) -> None:
        with contextlib.closing(self._world.host.port(self._name)) as notices:
            self._port, self._problem = notices.port, ""
            logger.info("pc_port.watched: %s", self._name)
            while True:
                self._set_right(notices.port)
                await notices.arrived()
                try:
                    notices.receive()
                finally:
                    self._log_off(notices.port.left())
                await asyncio.sleep(REST)

    def _set_right(self, port: Port) -> None:
        """Switch the port as planned, whoever switched it otherwise."""
        if self._plan and port.up != self._plan.enabled:
            self._world.host.switch(self._name, on=self._plan.enabled)
            logger.warning("pc_port.switched: %s", "on" if self._plan.enabled else "off")

    def _log_off(self, stations: Sequence[bytes]) -> None:
        """Tell the switch which computers have left, whose link it does not see.

        Source: chapter, 802.1X Authentication: proxy EAPOL Logoff.
        """
        plan, host = self._plan, self._world.host
        if plan is None:
            return
        for station in stations:
            words = station.hex(":")
            if words == plan.hardware:
                continue
            try:
                with contextlib.closing(host.packets(host.switch_port(plan.interface), 0)) as port:
                    port.send(eapol.logoff(station))
            except ComponentError as error:  # then the switch sees that the phone is gone, too
                logger.warning("pc_port.not_logged_off: %s: %s", words, error)
            else:
                self._logoffs += 1
                logger.info("pc_port.logged_off: %s", words)


def _put_right() -> None:
    logger.warning("pc_port.put_right: another program changed %s", TABLE)
