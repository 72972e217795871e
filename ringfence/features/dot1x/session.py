"""One supplicant from its start to its end: it is fed, listened to, and obeyed."""

import asyncio
import contextlib
import ipaddress
import itertools
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ringfence.config.catalog.values import PacProvisioning
from ringfence.errors import ComponentError
from ringfence.features.dot1x.plan import Dot1xPlan
from ringfence.features.dot1x.watch import Watch
from ringfence.protocols import arp_frames as arp
from ringfence.protocols import eapol
from ringfence.protocols.supplicant import Authorised, Transaction
from ringfence.runtime.alarm import woken
from ringfence.runtime.feature import World
from ringfence.runtime.host_supplicant import PROGRAM

if TYPE_CHECKING:
    from ringfence.protocols.dhcp import Lease
    from ringfence.runtime.host_packets import Packets
    from ringfence.runtime.host_supplicant import Supplicant

logger = logging.getLogger(__name__)

CONFIGURATION = "dot1x.conf"
PULSE = 5.0
"""Seconds between two questions to the supplicant itself: a flood may cost its messages."""
BATCH, REST = 64, 0.05
"""Messages that are taken at once, and the seconds after as many: a flood costs calls nothing."""
AGAIN = (0.1, 0.4, 1.2)
"""Seconds after which a phone that was let in and still has no lease asks for one again: a switch
says that it opens the port a moment before it does."""
FIRST_TRUST, LAST_TRUST = 10.0, 300.0
"""Seconds that a phone without an address believes that it is let in; doubled each time."""
NO_CREDENTIAL = "EAP-FAST has no credential (PAC) yet, and fetching one is switched off"


class Session:
    """A running supplicant, the wire that it asks on, and a neighbour that must go on answering."""

    def __init__(self, world: World, plan: Dot1xPlan, child: "Supplicant", port: "Packets") -> None:
        host = world.host
        hardware = host.hardware_address(plan.interface)
        pac, mode = bool(host.names(plan.pac)), plan.pac_mode
        self.transaction = Transaction(provisions=mode is PacProvisioning.ANONYMOUS and not pac)
        missing = bool(plan.password) and mode is PacProvisioning.OFF and not pac
        self.problem = NO_CREDENTIAL if missing else ""
        self._world = world
        self._child = child
        self._port = port
        self._near: Packets | None = None
        """Where neighbours are asked: the interface that carries the phone's addresses."""
        self._start = eapol.start(hardware)
        self._watch = Watch(hardware)
        self._wake = asyncio.Event()
        self._again: tuple[float, ...] = ()
        """When others are told once more that the phone was let in."""
        self._trust = FIRST_TRUST
        self._doubts_at: float | None = None
        """When a phone that is let in, and has no address, asks the switch again."""

    @property
    def watched(self) -> str:
        """Return who must go on answering, in words; empty while nobody must."""
        return self._watch.words

    async def run(self) -> None:
        """Serve until the supplicant ends.

        Raises:
            ExceptionGroup: of `ComponentError`: it ended, or the interface is gone.

        """
        self.transaction.receive_carrier(self._port.connected, self._world.host.now())
        async with asyncio.TaskGroup() as group:
            for work in (self._hear(), self._follow(), self._listen(), self._die(), self._ask()):
                group.create_task(work)

    async def _ask(self) -> None:
        """Send what is due, and tell the others what came of it; never returns."""
        host, state = self._world.host, self.transaction
        pulse = host.now() + PULSE
        while True:
            self._wake.clear()
            now = host.now()
            self._catch_up(now)
            state.handle_timer(now)
            self._doubt(now)
            with contextlib.suppress(ComponentError):  # the port is down: its carrier tells
                if state.starts_to_send(now):
                    commands = state.commands_to_send()
                    for command in commands:
                        self._child.send(command)
                    if not commands:
                        self._port.send(self._start)
                if near := self._near:
                    for frame in self._watch.frames_to_send(now):
                        near.send(frame)
            self._look(now)
            self._obey(now)
            self._tell_again(now)
            if now >= pulse:
                pulse = now + PULSE
                for command in ("DETACH", "ATTACH", "STATUS"):
                    self._child.send(command)
            timers = (
                *(state.get_timer(), self._watch.get_timer(), self._doubts_at, pulse),
                *self._again,
            )
            await woken(self._wake, min(at for at in timers if at is not None), host.now())

    def _catch_up(self, now: float) -> None:
        """Before a timer counts take what was said meanwhile: a busy phone asks nothing twice."""
        timer = self.transaction.get_timer()
        if timer is not None and now >= timer:
            for text in itertools.islice(self._child.waiting(), BATCH):
                self.transaction.receive_message(text, now)

    def _doubt(self, now: float) -> None:
        """Ask again where nobody lends an address: no router can fall silent that is not known."""
        facts = self._world.facts()
        if facts.lease or facts.lease6 or not self.transaction.authorised:
            self._doubts_at = None
        elif self._doubts_at is None:
            self._doubts_at = now + self._trust
            self._trust = min(self._trust * 2, LAST_TRUST)
        elif now >= self._doubts_at:
            self._doubts_at = None
            self.transaction.receive_silence(now)
            logger.warning("dot1x.forgotten: %s", self.transaction.reason)
        if facts.lease or facts.lease6:
            self._trust = FIRST_TRUST

    def _look(self, now: float) -> None:
        """Watch the router while there is one, and believe what it shows."""
        lease = self._world.facts().lease
        self._watch.aim(lease.address if lease else "", neighbour(lease), now)
        if self._watch.silent and self.transaction.authorised:
            self.transaction.receive_silence(now)
            logger.warning("dot1x.forgotten: %s", self.transaction.reason)
        elif self._watch.answers:
            self.transaction.receive_sign()

    def _obey(self, now: float) -> None:
        while (event := self.transaction.next_event()) is not None:
            if isinstance(event, Authorised):
                self.problem = ""
                self._watch.forget(now)
                logger.info("dot1x.authenticated: %s", event.protocol)
                self._world.publish(admissions=self._world.facts().admissions + 1)
                self._again = tuple(now + delay for delay in AGAIN)
            else:
                logger.warning("dot1x.unauthenticated: %s", self.problem or event.reason)
                go_on(self._world)

    def _tell_again(self, now: float) -> None:
        facts = self._world.facts()
        due = [at for at in self._again if now >= at]
        self._again = () if facts.lease or facts.lease6 else self._again[len(due) :]
        if due and not (facts.lease or facts.lease6):
            self._world.publish(admissions=facts.admissions + 1)

    async def _hear(self) -> None:
        count = 0
        while True:
            self.transaction.receive_message(await self._child.receive(), self._world.host.now())
            self._wake.set()
            count += 1
            if count % BATCH == 0:
                await asyncio.sleep(REST)

    async def _follow(self) -> None:
        """Follow the carrier."""
        while True:
            await self._port.arrived()
            before = self._port.connected
            if self._port.reconnected() or self._port.connected != before:
                self.transaction.receive_carrier(self._port.connected, self._world.host.now())
                self._wake.set()

    async def _listen(self) -> None:
        """Take the answers of neighbours, on whichever interface the phone speaks now."""
        host = self._world.host
        while True:
            name = self._world.facts().interface
            try:
                with contextlib.closing(host.packets(name, arp.ETHERTYPE, arp.REPLIES)) as near:
                    self._near, self._watch = near, Watch(host.hardware_address(name))
                    while self._world.facts().interface == name:
                        await self._take(near)
            except ComponentError:
                await asyncio.sleep(PULSE)
            finally:
                self._near = None

    async def _take(self, near: "Packets") -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PULSE):
                await near.arrived()
        near.reconnected()
        for _ in range(BATCH):
            if (packet := near.receive()) is None:
                break
            self._watch.receive_frame(packet.frame, self._world.host.now())
        else:
            await asyncio.sleep(REST)
        self._wake.set()

    async def _die(self) -> None:
        raise ComponentError(PROGRAM, await self._child.ended())


@contextlib.asynccontextmanager
async def opened(world: World, plan: Dot1xPlan) -> AsyncIterator[Session]:
    """Start a supplicant; on leaving it is ended without a word to the switch.

    Raises:
        ComponentError: it is missing or does not come up, or there is no such interface.

    """
    host = world.host
    host.switch(plan.interface, on=True)
    name = host.switch_port(plan.interface)
    with contextlib.closing(host.packets(name, eapol.ETHERTYPE, eapol.NOTHING)) as port:
        child = await host.supplicant(plan.interface, CONFIGURATION)
        try:
            yield Session(world, plan, child, port)
        finally:
            await child.kill()


def log_off(world: World, plan: Dot1xPlan) -> None:
    """Tell the switch that the phone leaves, in its own name."""
    host = world.host
    port = host.switch_port(plan.interface)
    with (
        contextlib.suppress(ComponentError),
        contextlib.closing(host.packets(port, eapol.ETHERTYPE, eapol.NOTHING)) as wire,
    ):
        wire.send(eapol.logoff(host.hardware_address(plan.interface)))


def go_on(world: World) -> None:
    """Let the phone go on, if it waits: a port may be open for whoever is not let in."""
    if not world.facts().admissions:
        world.publish(admissions=1)


def neighbour(lease: "Lease | None") -> str:
    """Return who must answer while the network is there: the router, else the DHCP server."""
    if lease is None:
        return ""
    network = ipaddress.ip_interface(f"{lease.address}/{lease.prefix}").network
    known = (*lease.routers, lease.server)
    return next((one for one in known if one and ipaddress.ip_address(one) in network), "")
