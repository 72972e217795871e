"""Make the interface of the voice VLAN, say when it can be used, and take the last one away."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from ringfence.errors import ComponentError
from ringfence.features.voice_vlan.plan import VoiceVlanPlan
from ringfence.policy.vlan import interface
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.runtime.host import Host
    from ringfence.runtime.host_vlan import Vlan

logger = logging.getLogger(__name__)

LINGER = 2.0
"""Seconds that the interface of a former VLAN stays, for leases to be given back over it."""
PAUSE = 0.1
"""Seconds until a process that ended is started anew."""
TITLE = "Voice VLAN"


class VoiceVlanDriver:
    """The interface `voiceN` of VLAN N."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: VoiceVlanPlan | None = None
        self._held: dict[str, Vlan] = {}
        self._restarts = 0

    async def apply(self, key: str, plan: VoiceVlanPlan) -> None:
        """Make the interface and tell the others; the last one lingers until they have moved.

        Raises:
            ComponentError: it cannot be made; the phone speaks untagged.

        """
        name = interface(plan.number) if plan.number is not None else ""
        try:
            if name and name not in self._held:
                await self._make(plan, name)
        except ComponentError:
            self._world.publish(voice_interface="")
            raise
        self._plan = plan
        self._world.publish(voice_interface=name)
        if any(one != name for one in self._held):
            self._world.spawn(self._drop_others(plan))

    async def remove(self, key: str) -> None:
        """Stay: a plan is always there, so only a stopping phone asks."""

    async def close(self) -> None:
        """Take the interfaces away: what tags for them ends with the phone."""
        while self._held:
            _, vlan = self._held.popitem()
            await vlan.close()

    def status(self) -> Status:
        """Return the VLAN, its source, and who puts the tags on."""
        plan, told = self._plan, self._world.facts().voice_vlan
        if plan is None:
            return Status(Health.STARTING, title=TITLE)
        name = self._world.facts().voice_interface
        data = {"number": plan.number, "interface": name, "restarts": self._restarts}
        vlan = self._held.get(name)
        if vlan is None:
            return Status(Health.DISABLED, (("VLAN", "untagged"),), data, TITLE)
        rows = (
            ("VLAN", f"{plan.number} by {told.source}" if told else str(plan.number)),
            ("Interface", name),
            ("Tagged By", vlan.kind),
        )
        return Status(Health.RUNNING, rows, data, TITLE)

    async def _make(self, plan: VoiceVlanPlan, name: str) -> None:
        from ringfence.runtime import host_vlan  # only a phone with a VLAN pays for it

        host = self._world.host
        port, hardware = host.switch_port(plan.interface), host.hardware_address(plan.interface)
        run = partial(_batch, host)
        vlan = await host_vlan.make(name, port, plan.number or 0, hardware, run)
        self._held[name] = vlan
        logger.info("voice_vlan.made: %s on %s, tagged by %s", name, port, vlan.kind)
        self._world.spawn(self._serve(name, vlan))

    async def _serve(self, name: str, vlan: "Vlan") -> None:
        """Keep alive what an interface needs."""
        while self._held.get(name) is vlan:
            try:
                if not await vlan.serve():
                    return
                reason = "its process ended"
            except ComponentError as error:
                reason = str(error)
            if self._held.get(name) is vlan:
                self._restarts += 1
                logger.warning("voice_vlan.restarted: %s: %s", name, reason)
                await asyncio.sleep(PAUSE)

    async def _drop_others(self, plan: VoiceVlanPlan) -> None:
        """Take former interfaces away once nobody uses them any more."""
        await asyncio.sleep(LINGER)
        if self._plan is not plan:
            return
        kept = interface(plan.number) if plan.number is not None else ""
        for name in [name for name in self._held if name != kept]:
            await self._held.pop(name).close()
            logger.info("voice_vlan.dropped: %s", name)


async def _batch(host: "Host", lines: str) -> None:
    await host.run("ip", "-batch", "-", stdin=lines)
