"""Watch for anybody else who uses our address, beside the phone's other work."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from ringfence.errors import ComponentError
from ringfence.protocols import arp
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds until an interface that failed is looked at again."""
BATCH = 64
"""Frames taken before anything else of the phone has its turn."""


class Watch:
    """One address of ours on one interface, from now until `stop`."""

    def __init__(
        self, world: World, interface: str, claim: arp.Claim, taken: Callable[[str], None]
    ) -> None:
        """Begin; `taken` is told the MAC address of whoever has the address."""
        self.address = claim.address
        self.contested = ""
        """What is wrong with the address, in words; empty where nothing is."""
        self._world = world
        self._interface = interface
        self._claim = claim
        self._taken = taken
        self._stopped = False
        self._task: asyncio.Task[None] | None = None
        world.spawn(self._live())

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _live(self) -> None:
        if self._stopped:
            return
        self._task = asyncio.current_task()
        problem = ""
        while True:
            try:
                await self._serve()
            except ComponentError as error:
                if problem != str(error):
                    logger.info("dhcp.unwatched: %s", error)
                problem = str(error)
            await asyncio.sleep(PAUSE)

    async def _serve(self) -> None:
        host, claim = self._world.host, self._claim
        packets = host.packets(self._interface, arp.ETHERTYPE, arp.program(self.address))
        with contextlib.closing(packets):
            while True:
                for frame in claim.frames_to_send():
                    packets.send(frame)
                while event := claim.next_event():
                    self._tell(event)
                timer = claim.get_timer()
                delay = None if timer is None else max(0.0, timer - host.now())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await packets.arrived()
                for _ in range(BATCH):
                    if (packet := packets.receive()) is None:
                        break
                    claim.receive_frame(packet.frame, host.now())
                packets.reconnected()  # who is on another wire is asked by a new claim
                claim.handle_timer(host.now())

    def _tell(self, event: arp.Event) -> None:
        self.contested = f"{event.hardware} uses {self.address}, too"
        logger.warning("dhcp.contested: %s", self.contested)
        if isinstance(event, arp.Taken):
            self._taken(event.hardware)
