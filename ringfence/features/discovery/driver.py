"""Speak and listen on the port to the switch, and tell the others which VLAN was given."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from ringfence.errors import ComponentError
from ringfence.features.discovery.plan import DiscoveryPlan
from ringfence.policy.vlan import voice_vlan
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.protocols.discovery import Discovery
    from ringfence.protocols.neighbour import Own
    from ringfence.runtime.host_packets import Packets

logger = logging.getLogger(__name__)

HEAD_START = 0.5
"""Seconds of a boot that belong to the phone's way to its registrar."""
PAUSE = 1.0
"""Seconds until a port that failed is tried again."""
BATCH, REST = 64, 0.05
"""Frames that are taken at once, and the seconds after as many: a flood costs calls nothing."""
TITLE = "Switch"


class DiscoveryDriver:
    """CDP and LLDP-MED on one port."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: DiscoveryPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self._discovery: Discovery | None = None
        self._packets: Packets | None = None
        self._last_refusal = ""
        self._problem = ""

    async def apply(self, key: str, plan: DiscoveryPlan) -> None:
        """Meet the switch in the background; nothing of a boot waits for it."""
        self._stop()
        self._plan, self._problem = plan, ""
        self._world.spawn(self._live(plan))

    async def remove(self, key: str) -> None:
        """Fall silent; a plan is always there, so only a stopping phone asks."""
        await self.close()
        self._plan = None

    async def close(self) -> None:
        """Tell the switch that the phone leaves."""
        if self._plan and self._discovery and self._packets:
            with contextlib.suppress(ComponentError):
                for frame in self._discovery.farewell(self._own(self._plan)):
                    self._packets.send(frame)
        self._stop()

    def status(self) -> Status:
        """Return who is at the other end, and the VLAN with its source."""
        from ringfence.features.discovery.report import discovery_data, discovery_rows

        plan, vlan = self._plan, self._world.facts().voice_vlan
        if plan is None:
            return Status(Health.DISABLED, title=TITLE)
        speaks = plan.cdp or plan.lldp_med
        rows = discovery_rows(self._discovery, vlan)
        health = Health.PENDING if speaks else Health.DISABLED
        if self._discovery and self._discovery.neighbours:
            health = Health.RUNNING
        if self._problem:
            health = Health.FAILED
            rows.append(("Error", self._problem))
        return Status(health, tuple(rows), discovery_data(self._discovery, vlan), TITLE)

    async def _live(self, plan: DiscoveryPlan) -> None:
        """Serve the plan, and try again when the port failed."""
        if self._plan is not plan:
            return
        self._task = asyncio.current_task()
        await asyncio.sleep(HEAD_START)
        self._tell(plan)
        while plan.cdp or plan.lldp_med:
            try:
                await self._serve(plan)
            except ComponentError as error:
                if self._problem != str(error):
                    logger.error("discovery.failed: %s", error)
                self._problem = str(error)
            self._discovery = self._packets = None
            self._tell(plan)
            await asyncio.sleep(PAUSE)

    async def _serve(self, plan: DiscoveryPlan) -> None:
        from ringfence.protocols import neighbour
        from ringfence.protocols.discovery import Discovery

        host = self._world.host
        port = host.switch_port(plan.interface)
        groups = (neighbour.MULTICAST_CDP, neighbour.MULTICAST_LLDP)
        with contextlib.closing(
            host.packets(port, neighbour.ETHERTYPE_ALL, neighbour.FILTER, groups)
        ) as packets:
            discovery = Discovery(cdp=plan.cdp, lldp_med=plan.lldp_med, delay=plan.delay)
            discovery.receive_carrier(packets.connected, host.now())
            self._discovery, self._packets = discovery, packets
            while True:
                for frame in discovery.frames_to_send(self._own(plan), host.now()):
                    packets.send(frame)
                    logger.debug("discovery.sent: %d bytes", len(frame))
                self._problem = ""
                self._tell(plan)
                await self._receive(discovery, packets)

    async def _receive(self, discovery: "Discovery", packets: "Packets") -> None:
        """Wait for frames, for the wire or for the timer, and hand in what came."""
        host, timer = self._world.host, discovery.get_timer()
        delay = None if timer is None else max(0.0, timer - host.now())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await packets.arrived()
        connected = packets.connected
        if packets.reconnected() or packets.connected != connected:
            discovery.receive_carrier(packets.connected, host.now())
        own = host.hardware_address(self._plan.interface) if self._plan else b""
        for _ in range(BATCH):
            if (packet := packets.receive()) is None:
                break
            discovery.receive_frame(packet.frame, own, host.now())
        else:
            await asyncio.sleep(REST)
        discovery.handle_timer(host.now())
        logger.debug("discovery.heard: %d neighbours", len(discovery.neighbours))
        if discovery.last_refusal != self._last_refusal:
            self._last_refusal = discovery.last_refusal
            logger.debug("discovery.refused: %s", self._last_refusal)

    def _own(self, plan: DiscoveryPlan) -> "Own":
        from ringfence.protocols.neighbour import Own

        lease = self._world.facts().lease
        return Own(
            self._world.host.hardware_address(plan.interface),
            plan.name,
            plan.platform,
            plan.version,
            plan.serial,
            lease.address if lease else "",
        )

    def _tell(self, plan: DiscoveryPlan) -> None:
        """Publish the VLAN by the first source that names one."""
        facts, heard = self._world.facts(), self._discovery
        vlan = voice_vlan(
            heard.voice_vlan("LLDP") if heard else None,
            heard.voice_vlan("CDP") if heard else None,
            plan.otherwise,
        )
        if vlan != facts.voice_vlan:
            where = f"VLAN {vlan.number} by {vlan.source}" if vlan else "no VLAN"
            logger.info("discovery.learnt: %s", where)
            self._world.publish(voice_vlan=vlan)

    def _stop(self) -> None:
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = self._discovery = self._packets = None
