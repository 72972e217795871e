"""Get the lease on a packet socket, hold it in the kernel, and tell the others."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

from msgspec.structs import replace

from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.features.dhcp import commands, memory
from ringfence.features.dhcp.memory import Remembered
from ringfence.features.dhcp.plan import AddressPlan, DhcpPlan, StaticPlan
from ringfence.features.dhcp.watch import Watch
from ringfence.protocols.arp import Claim
from ringfence.protocols.dhcp.ask import Client, Outgoing
from ringfence.protocols.dhcp.client import (
    Bound,
    Event,
    Exchange,
    Lost,
    Refused,
    State,
    Unanswered,
)
from ringfence.protocols.dhcp.frame import (
    CLIENT_PORT,
    ETHERTYPE,
    FILTER,
    SERVER_PORT,
    build_frame,
    parse_frame,
)
from ringfence.protocols.rtnetlink_change import TakeAddress
from ringfence.runtime.feature import World
from ringfence.runtime.host_packets import Packets
from ringfence.runtime.state import Health, Status

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds until a component that failed is tried again."""
BATCH = 64
"""Frames taken before anything else of the phone has its turn."""
ARP_TIME = 0.02
"""Seconds that the kernel gets to learn the server's MAC address before ours is gone."""
SILENCE = 2
"""Messages without an answer, some 12 s, after which IPv6 may do alone."""
TITLE = "IPv4 Status"


class AddressDriver:
    """The IPv4 address and default route of the phone's interface."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: AddressPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self._exchange: Exchange | None = None
        self._client: Client | None = None
        self._bound: Bound | None = None
        self._placed = False
        """Whether the kernel holds the lease in `_bound`."""
        self._former = ""
        """Address that we put on the interface and that the next one replaces."""
        self._renewing: socket.socket | None = None
        self._watch: Watch | None = None
        """Looks for others who use our address."""
        self._problem = ""
        self._last_refusal = ""

    async def apply(self, key: str, plan: AddressPlan) -> None:
        """Take the static address, or start to ask for one; what is in place stays meanwhile.

        Raises:
            ComponentError: no such interface, or the kernel refused the static address.

        """
        host, before = self._world.host, self._plan
        if isinstance(plan, DhcpPlan) and _let_in_again(before, plan) and self._exchange:
            self._exchange.receive_carrier(host.now())
            self._pause()
        else:
            if before and (before.interface != plan.interface or isinstance(plan, StaticPlan)):
                await self._leave(before)
            self._stop()
        self._plan, self._problem = plan, ""
        if isinstance(plan, DhcpPlan):
            if plan.admissions:
                self._world.spawn(self._live(plan))
            return
        self._former = self._inherited(plan).address
        lease = plan.lease
        host.switch(plan.interface, on=True)
        host.route(plan.interface, commands.hold(lease, lease.lease_time, self._former))
        self._bound, self._placed = Bound(lease, host.now(), b""), True
        self._world.publish(lease=lease)
        self._remember(plan.interface, self._bound)
        self._claim(plan, lease.address, firm=True)

    async def remove(self, key: str) -> None:
        """Take the address away: IP Mode has no IPv4 any more.

        Raises:
            ComponentError: the kernel refused.

        """
        plan, self._plan = self._plan, None
        if plan:
            await self._leave(plan)
        self._stop()

    async def close(self) -> None:
        """Give the lease back where the phone stops for good; else leave the address in place.

        The kernel takes it away when the lease ends, and the flows of a phone that merely restarts
        live on.
        """
        if self._world.leaving() and isinstance(self._plan, DhcpPlan):
            await self._leave(self._plan)
        self._stop()

    def status(self) -> Status:
        """Return the lease, every offered option, and which one names the profile."""
        from ringfence.features.dhcp.report import lease_data, lease_rows

        if self._plan is None:
            return Status(Health.DISABLED, title=TITLE)
        health = Health.RUNNING if self._bound and self._placed else Health.PENDING
        rows = [("Connection Type", "DHCP" if isinstance(self._plan, DhcpPlan) else "Static IP")]
        if isinstance(self._plan, DhcpPlan) and not self._plan.admissions:
            rows.append(("State", "waits for 802.1X"))
        if self._exchange:
            rows.append(("State", self._exchange.state.value))
            if self._exchange.tries:
                rows.append(("Messages Sent", str(self._exchange.tries)))
            rows.append(("Refused Packets", str(self._exchange.refused)))
            if self._last_refusal:
                rows.append(("Last Refusal", self._last_refusal))
        data: dict[str, object] = {"lease": None}
        if self._bound:
            settings, lease6 = self._world.snapshot().settings, self._world.facts().lease6
            rows += lease_rows(settings, self._bound.lease, lease6)
            data["lease"] = lease_data(settings, self._bound.lease, lease6)
        if self._watch and self._watch.contested:
            rows.append(("Address Conflict", self._watch.contested))
        if self._problem:
            health = Health.FAILED
            rows.append(("Error", self._problem))
        return Status(health, tuple(rows), data, TITLE)

    async def _live(self, plan: DhcpPlan) -> None:
        """Keep the lease, and try again when the interface or the kernel failed."""
        if self._plan is not plan:
            return
        self._task = asyncio.current_task()
        while True:
            try:
                await self._serve(plan)
            except ComponentError as error:
                if self._problem != str(error):
                    logger.error("dhcp.failed: %s", error)
                self._problem = str(error)
            await asyncio.sleep(PAUSE)

    async def _serve(self, plan: DhcpPlan) -> None:
        host = self._world.host
        if not host.is_up(plan.interface):
            host.switch(plan.interface, on=True)
            self._placed = False
        # A bridge keeps its carrier for the computer's sake, and a voice VLAN may keep its own.
        wire = host.switch_port(self._world.facts().identity.interface)
        with contextlib.closing(
            host.packets(plan.interface, ETHERTYPE, FILTER, wire=wire)
        ) as packets:
            client = Client(
                host.hardware_address(plan.interface),
                plan.vendor_class,
                plan.host_name,
                plan.requested,
            )
            exchange = self._begin(plan, client)
            while True:
                self._send(exchange, client, packets)
                for event in _events(exchange):
                    self._obey(plan, event)
                if self._bound and not self._placed:
                    self._place(plan, self._bound)
                    continue
                self._problem = ""
                await self._receive(exchange, packets)
                if packets.reconnected():
                    self._unwatch()  # who is on this wire will be asked anew
                    exchange.receive_carrier(host.now())
                exchange.handle_timer(host.now())

    def _begin(self, plan: DhcpPlan, client: Client) -> Exchange:
        """Return the exchange to go on with: our own, an inherited one, or a new one."""
        if self._exchange and self._client == client:
            return self._exchange
        host = self._world.host
        exchange = Exchange(client, host.entropy)
        inherited = self._inherited(plan)
        self._former = inherited.address
        age = host.wall() - inherited.asked_at
        try:
            asked_at = host.now() - age
            lease = exchange.adopt(inherited.message, asked_at, host.now())
            if not 0 <= age < lease.lease_time:
                raise RemoteProtocolError("the lease is over")
            self._renewing = host.udp(lease.address, CLIENT_PORT)
        except (RemoteProtocolError, ComponentError):
            exchange = Exchange(client, host.entropy)
            exchange.start(host.now())
            self._bound = None
            self._world.publish(lease=None)
        else:
            self._bound, self._placed = Bound(lease, asked_at, inherited.message), True
            self._world.publish(lease=lease)
            logger.info("dhcp.adopted: %s/%d", lease.address, lease.prefix)
            self._claim(plan, lease.address, asked=True)
        self._exchange, self._client = exchange, client
        return exchange

    def _inherited(self, plan: AddressPlan) -> Remembered:
        """Return what an earlier life put on this interface; empty where it put nothing."""
        host = self._world.host
        nothing = Remembered(plan.interface, "", 0.0)
        try:
            held = memory.decode(host.read(memory.FILE)) if host.names(memory.FILE) else None
        except ComponentError as error:
            logger.warning("dhcp.forgotten: %s", error)
            return nothing
        return held if held and held.interface == plan.interface else nothing

    def _send(self, exchange: Exchange, client: Client, packets: Packets) -> None:
        for message in exchange.messages_to_send():
            if message.destination:
                self._renew(message)
            else:
                packets.send(build_frame(client.hardware, message.source, message.payload))
            logger.debug("dhcp.sent: %s", exchange.state.value)

    def _renew(self, message: Outgoing) -> None:
        """Send to the server from our address; where that is gone, have it put back."""
        try:
            if self._renewing is None:
                self._renewing = self._world.host.udp(message.source, CLIENT_PORT)
            self._renewing.sendto(message.payload, (message.destination, SERVER_PORT))
        except (ComponentError, OSError) as error:
            self._placed = False
            logger.warning("dhcp.unsent: %s", error)

    async def _receive(self, exchange: Exchange, packets: Packets) -> None:
        """Wait for frames or for the timer, and hand in what came."""
        now, timer = self._world.host.now(), exchange.get_timer()
        delay = None if timer is None else max(0.0, timer - now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await packets.arrived()
        for _ in range(BATCH):
            if (packet := packets.receive()) is None:
                break
            datagram = parse_frame(packet.frame, summed=packet.summed)
            if datagram:
                exchange.receive_message(datagram.payload, datagram.source, self._world.host.now())

    def _obey(self, plan: DhcpPlan, event: Event) -> None:
        if isinstance(event, Bound):
            if self._bound:
                self._former = self._bound.lease.address
            self._bound, self._placed = event, False
        elif isinstance(event, Lost):
            self._give_up(plan)
            logger.warning("dhcp.lost: %s", event.reason)
        elif isinstance(event, Refused):
            self._last_refusal = f"{event.reason} (from {event.source})"
            logger.warning("dhcp.refused: %s", self._last_refusal)
        elif isinstance(event, Unanswered):
            if event.state is State.SELECTING and event.tries >= SILENCE:
                self._world.publish(silent=True)
            logger.info("dhcp.unanswered: %s, %d times", event.state.value, event.tries)

    def _place(self, plan: DhcpPlan, bound: Bound) -> None:
        """Have the kernel hold the lease, then tell the phone and the next process."""
        host, lease = self._world.host, bound.lease
        remaining = bound.asked_at + lease.lease_time - host.now()
        host.route(plan.interface, commands.hold(lease, remaining, self._former))
        self._placed = True
        self._former = lease.address
        self._let_go()
        self._world.publish(lease=lease, silent=False)
        logger.info(
            "dhcp.bound: %s/%d from %s for %.0f s",
            lease.address,
            lease.prefix,
            lease.server,
            lease.lease_time,
        )
        self._remember(plan.interface, bound)
        if self._watch is None or self._watch.address != lease.address:
            self._claim(plan, lease.address)

    def _claim(
        self, plan: AddressPlan, address: str, *, asked: bool = False, firm: bool = False
    ) -> None:
        """Ask who else has the address, while it is in use: nothing waits for the answer."""
        host = self._world.host
        claim = Claim(host.hardware_address(plan.interface), address, host.entropy, firm=firm)
        if not asked:
            claim.start(host.now())
        self._unwatch()
        self._watch = Watch(self._world, plan.interface, claim, self._decline)

    def _decline(self, hardware: str) -> None:
        """Give an address up that somebody else has, and have the server lend another one."""
        plan = self._plan
        if self._exchange and isinstance(plan, DhcpPlan):
            self._exchange.decline(f"{hardware} has the address", self._world.host.now())
            self._pause()
            self._world.spawn(self._live(plan))

    async def _leave(self, plan: AddressPlan) -> None:
        """Give the lease back to its server, and take the address off the interface.

        Raises:
            ComponentError: the kernel refused.

        """
        if self._exchange and self._placed:
            self._exchange.release(self._world.host.now())
            for message in self._exchange.messages_to_send():
                if message.destination:
                    self._renew(message)
                    logger.info("dhcp.released: %s to %s", message.source, message.destination)
                    await asyncio.sleep(ARP_TIME)
        self._pause()
        if self._bound:
            self._give_up(plan)

    def _unwatch(self) -> None:
        if self._watch:
            self._watch.stop()
            self._watch = None

    def _remember(self, interface: str, bound: Bound) -> None:
        host = self._world.host
        asked_at = host.wall() - (host.now() - bound.asked_at)
        held = Remembered(interface, bound.lease.address, asked_at, bound.message)
        try:
            host.write(memory.FILE, memory.encode(held), durable=False)
        except ComponentError as error:
            logger.warning("dhcp.unremembered: %s", error)

    def _give_up(self, plan: AddressPlan) -> None:
        """Take the address off the interface and out of the facts."""
        bound, self._bound = self._bound, None
        self._let_go()
        self._unwatch()
        self._world.publish(lease=None)
        if bound:
            self._world.host.route(plan.interface, (TakeAddress(bound.lease.address),))
        self._former = ""
        self._world.host.remove(memory.FILE)

    def _let_go(self) -> None:
        if self._renewing:
            self._renewing.close()
            self._renewing = None

    def _pause(self) -> None:
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = None

    def _stop(self) -> None:
        self._pause()
        self._exchange = self._client = None
        self._unwatch()
        self._let_go()


def _let_in_again(before: AddressPlan | None, plan: DhcpPlan) -> bool:
    """Return whether all that changed is that the switch has let the phone in once more."""
    same = isinstance(before, DhcpPlan) and replace(before, admissions=plan.admissions) == plan
    return same and plan.admissions > 0


def _events(exchange: Exchange) -> Iterator[Event]:
    while (event := exchange.next_event()) is not None:
        yield event
