"""Speak and listen on the port to the switch, and tell the others which VLAN was given."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.features.discovery.plan import DiscoveryPlan
from ringfence.policy.vlan import CDP, FILE, LLDP_MED, VoiceVlan, encode, voice_vlan
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.protocols.discovery import Discovery
    from ringfence.protocols.neighbour import Own
    from ringfence.runtime.discovery_reader import Reader
    from ringfence.runtime.host_packets import Packets

logger = logging.getLogger(__name__)

HEAD_START = 0.5
"""Seconds of a boot that belong to the phone's way to its registrar."""
PAUSE = 1.0
"""Seconds until a port that failed is tried again."""
TITLE = "Switch"


class DiscoveryDriver:
    """CDP and LLDP-MED on one port."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: DiscoveryPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self._discovery: Discovery | None = None
        self._packets: Packets | None = None
        self._changed = asyncio.Event()
        """Something was heard, or the wire changed."""
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
        applied = bool(self._world.facts().voice_interface)
        rows = discovery_rows(self._discovery, vlan, applied=applied)
        health = Health.RUNNING if speaks else Health.DISABLED
        if self._problem:
            health = Health.FAILED
            rows.append(("Error", self._problem))
        return Status(
            health, tuple(rows), discovery_data(self._discovery, vlan, applied=applied), TITLE
        )

    async def _live(self, plan: DiscoveryPlan) -> None:
        """Serve the plan, and try again when the port or the reading process failed."""
        if self._plan is not plan:
            return
        self._task = asyncio.current_task()
        await asyncio.sleep(HEAD_START)
        if not (plan.cdp or plan.lldp_med):
            self._tell(plan)
            logger.info("discovery.off: neither CDP nor LLDP-MED is spoken")
            return
        self._discovery = discovery = self._begin(plan)
        while True:
            try:
                await self._serve(plan, discovery)
            except* (ComponentError, RemoteProtocolError) as errors:
                problem = str(errors.exceptions[0])
                if self._problem != problem:
                    logger.error("discovery.failed: %s", problem)
                self._problem = problem
            self._packets = None
            await asyncio.sleep(PAUSE)
            # What was heard counts on while nobody listens, for its time.
            discovery.handle_timer(self._world.host.now())
            self._tell(plan)

    async def _serve(self, plan: DiscoveryPlan, discovery: "Discovery") -> None:
        from ringfence.protocols import neighbour
        from ringfence.runtime.discovery_reader import Reader

        host = self._world.host
        port = host.switch_port(plan.interface)
        groups = (neighbour.MULTICAST_CDP, neighbour.MULTICAST_LLDP)
        spoken = [name for name, on in (("CDP", plan.cdp), ("LLDP", plan.lldp_med)) if on]
        async with contextlib.AsyncExitStack() as stack:
            packets = stack.enter_context(
                contextlib.closing(
                    host.packets(port, neighbour.ETHERTYPE_ALL, neighbour.FILTER, groups)
                )
            )
            own = host.hardware_address(plan.interface)
            reader = await Reader.start(packets.lend(), own, spoken)
            stack.push_async_callback(reader.end)
            logger.debug("discovery.listening: %s", port)
            if not packets.connected or discovery.get_timer() is None:
                discovery.receive_carrier(packets.connected, host.now())
            self._packets = packets
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(discovery, reader))
                group.create_task(self._watch(discovery, packets))
                group.create_task(self._speak(plan, discovery, packets))

    async def _speak(self, plan: DiscoveryPlan, discovery: "Discovery", packets: "Packets") -> None:
        """Send what is due, forget who is silent, and tell the VLAN, whenever that may change."""
        host = self._world.host
        while True:
            for frame in discovery.frames_to_send(self._own(plan), host.now()):
                packets.send(frame)
                logger.debug("discovery.sent: %d bytes", len(frame))
            self._problem = ""
            self._tell(plan)
            self._changed.clear()
            timer = discovery.get_timer()
            delay = None if timer is None else max(0.0, timer - host.now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            discovery.handle_timer(host.now())

    async def _listen(self, discovery: "Discovery", reader: "Reader") -> None:
        while True:
            discovery.receive_heard(await reader.heard(), self._world.host.now())
            self._changed.set()
            logger.debug("discovery.heard: %d neighbours", len(discovery.neighbours))
            if discovery.last_refusal != self._last_refusal:
                self._last_refusal = discovery.last_refusal
                logger.debug("discovery.refused: %s", self._last_refusal)

    async def _watch(self, discovery: "Discovery", packets: "Packets") -> None:
        """Begin anew with each carrier."""
        while True:
            await packets.rewired()
            connected = packets.connected
            if packets.reconnected() or packets.connected != connected:
                discovery.receive_carrier(packets.connected, self._world.host.now())
                self._changed.set()
                logger.debug("discovery.carrier: %s", "there" if packets.connected else "gone")

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
            self._remember(vlan)
            self._world.publish(voice_vlan=vlan)

    def _begin(self, plan: DiscoveryPlan) -> "Discovery":
        """Begin with the VLAN that an earlier life was given; it is in use since the boot."""
        from ringfence.protocols.discovery import Discovery

        discovery = Discovery(cdp=plan.cdp, lldp_med=plan.lldp_med, delay=plan.delay)
        vlan = self._world.facts().voice_vlan
        for protocol, source in (("LLDP", LLDP_MED), ("CDP", CDP)):
            if vlan and vlan.source == source:
                discovery.recall(protocol, vlan.number)
        return discovery

    def _remember(self, vlan: VoiceVlan | None) -> None:
        """Keep the VLAN of a switch for the next life, and no other."""
        host = self._world.host
        try:
            if vlan and vlan.source in (LLDP_MED, CDP):
                host.write(FILE, encode(vlan), durable=False)
            else:
                host.remove(FILE)
        except ComponentError as error:
            logger.warning("discovery.not_remembered: %s", error)

    def _stop(self) -> None:
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = self._discovery = self._packets = None
