"""Follow routers and DHCPv6 servers, hold what they lend in the kernel, and tell the others."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.features.ipv6 import commands, memory
from ringfence.features.ipv6.memory import Remembered6
from ringfence.features.ipv6.plan import Ipv6Plan
from ringfence.features.ipv6.together import together
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.rtnetlink import Link6
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.protocols.dhcpv6.client import Bound, Event, Exchange6
    from ringfence.runtime.host_link import LinkNotices

logger = logging.getLogger(__name__)

HEAD_START = 0.5
"""Seconds of a boot that belong to IPv4: the phone's way to its registrar."""
PAUSE = 1.0
"""Seconds until a component that failed is tried again."""
BATCH = 64
"""Datagrams taken before anything else of the phone has its turn."""
LARGEST = 8192
"""Bytes of a datagram that are looked at; the client takes fewer."""
TITLE = "IPv6 Status"


class Ipv6Driver:
    """The IPv6 addresses of the phone's interface."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: Ipv6Plan | None = None
        self._task: asyncio.Task[None] | None = None
        self._link: Link6 | None = None
        self._exchange: Exchange6 | None = None
        self._solicited = False
        """The routers were asked once what only their answer tells: DNS servers."""
        self._asks_address = False
        """The exchange asks for an address, not only for the rest."""
        self._socket: socket.socket | None = None
        self._bound: Bound | None = None
        self._placed = False
        """Whether the kernel holds the lease in `_bound`."""
        self._held = ""
        """Address that we put on the interface."""
        self._seen = False
        """Whether the kernel has told of it since."""
        self._problem = ""
        self._unset = ""
        """Why the kernel cannot be told to speak IPv6 as planned; empty where it was."""
        self._last_refusal = ""

    async def apply(self, key: str, plan: Ipv6Plan) -> None:
        """Follow what routers and servers say, or take the static address; all in the background.

        IPv4 brings the phone to its registrar; nothing here stands before that. A lease that the
        new plan has no use for is given back.
        """
        moved = self._plan and self._plan.interface != plan.interface
        if self._exchange and self._link and (plan.static or not plan.used or moved):
            self._exchange.release(self._world.host.now())
            self._send(self._exchange, self._link)
        self._stop()
        if self._plan and moved:
            self._move_from(self._plan.interface)
        if self._plan and self._plan.admissions != plan.admissions:
            self._solicited = False
        self._plan, self._problem = plan, ""
        if plan.admissions:
            self._world.spawn(self._live(plan))

    def _move_from(self, interface: str) -> None:
        """Take every address off an interface that carries the phone's no more."""
        self._solicited, self._held = False, ""
        self._world.publish(lease6=None)
        try:
            with contextlib.closing(self._world.host.link(interface)) as notices:
                notices.speaks(False)
        except ComponentError as error:  # it is gone, and its addresses with it
            logger.info("ipv6.moved: %s", error)

    async def remove(self, key: str) -> None:
        """Ask nobody any more; a plan is always there, so only a stopping phone asks."""
        self._stop()
        self._plan = None

    async def close(self) -> None:
        """Leave the address in place, but give it back where the phone stops for good."""
        if self._plan and self._exchange and self._link and self._world.leaving():
            self._exchange.release(self._world.host.now())
            self._send(self._exchange, self._link)
            await self._give_up(self._plan)
        self._stop()

    def status(self) -> Status:
        """Return addresses, routers, and every option of DHCPv6 with what became of it."""
        from ringfence.features.ipv6.report import ipv6_data, ipv6_rows

        if self._plan is None:
            return Status(Health.DISABLED, title=TITLE)
        if not self._plan.used:
            rows = [("IP Mode", "IPv4 Only")]
            rows += [("Error", text) for text in (self._problem, self._unset) if text]
            return Status(Health.DISABLED, tuple(rows), {"lease": None}, TITLE)
        rows = [("Connection Type", "Static IP" if self._plan.static else "DHCP")]
        if self._exchange:
            rows.append(("State", self._exchange.state.value))
            rows.append(("Refused Packets", str(self._exchange.refused)))
            if self._last_refusal:
                rows.append(("Last Refusal", self._last_refusal))
        facts, settings = self._world.facts(), self._world.snapshot().settings
        rows += ipv6_rows(settings, facts, self._link)
        data = ipv6_data(settings, facts, self._link)
        health = Health.RUNNING if facts.lease6 and facts.lease6.address else Health.PENDING
        said = (("Kernel", self._unset), ("Error", self._problem))
        rows += [one for one in said if one[1]]
        health = Health.FAILED if self._problem else health
        return Status(health, tuple(rows), data, TITLE)

    async def _live(self, plan: Ipv6Plan) -> None:
        """Serve the plan, and try again when the interface or the kernel failed."""
        if self._plan is not plan:
            return
        self._task = asyncio.current_task()
        if plan.second:
            await asyncio.sleep(HEAD_START)
        while True:
            try:
                await self._serve(plan)
            except ComponentError as error:
                if self._problem != str(error):
                    logger.error("ipv6.failed: %s", error)
                self._problem = str(error)
            await asyncio.sleep(PAUSE)

    async def _serve(self, plan: Ipv6Plan) -> None:
        host = self._world.host
        if not host.is_up(plan.interface):
            await self._run(commands.up(plan.interface))
        # A bridge keeps its carrier for the computer's sake, and a voice VLAN may keep its own.
        wire = host.switch_port(self._world.facts().identity.interface)
        with contextlib.closing(host.link(plan.interface, wire)) as notices:
            self._set_kernel(plan, notices)
            link = self._link = notices.view()
            if not plan.used:
                self._problem, self._link, self._held = "", None, ""
                self._world.publish(lease6=None)
                host.remove(memory.FILE)
                logger.info("ipv6.unused: IP Mode has none")
                await asyncio.Event().wait()
            await self._clear(plan, link)
            if plan.static:
                await self._place_static(plan, plan.static)
            if not self._solicited:
                notices.solicit()
                self._solicited = True
            while True:
                await self._follow(plan, link)
                self._problem = ""
                await self._wait(notices)
                before, link = link, notices.view()
                self._link = link
                if link.connections != before.connections:
                    if wire != plan.interface:  # else the kernel asks by itself
                        notices.solicit()
                    if self._exchange:
                        self._exchange.receive_carrier(host.now())

    async def _follow(self, plan: Ipv6Plan, link: Link6) -> None:
        """Ask whom the link says must be asked, obey the answers, and tell the others."""
        if not self._world.host.is_up(plan.interface):
            await self._run(commands.up(plan.interface))
        await self._put_back(plan, link)
        if plan.static is None:
            self._choose(plan, link)
        if self._exchange and self._bound and self._bound.lease.address in link.duplicates:
            self._exchange.decline(self._world.host.now())
        if self._exchange:
            self._exchange.handle_timer(self._world.host.now())
            for event in _events(self._exchange):
                await self._obey(plan, event)
            if self._bound and not self._placed:
                await self._place(plan, self._bound)
            self._send(self._exchange, link)
        self._tell(plan, link)

    async def _put_back(self, plan: Ipv6Plan, link: Link6) -> None:
        """Hold our address again where it was taken away, as when the interface fell."""
        if self._held in link.addresses:
            self._seen = True
        elif self._seen and link.connected and self._held not in link.duplicates:
            self._seen = self._placed = False
            if plan.static:
                await self._place_static(plan, plan.static)

    def _choose(self, plan: Ipv6Plan, link: Link6) -> None:
        """Begin an exchange as the routers say; what was begun goes on when they fall silent."""
        address = link.managed or not plan.forms
        if not (link.connected and link.local and (address or link.other)):
            return
        if self._exchange is None or (address and not self._asks_address):
            self._exchange = self._begin(plan, link, address=address)
            self._asks_address = address
        if self._socket is None:
            from ringfence.protocols.dhcpv6.client import CLIENT_PORT

            self._socket = self._world.host.udp(f"{link.local}%{link.index}", CLIENT_PORT)

    def _begin(self, plan: Ipv6Plan, link: Link6, *, address: bool) -> "Exchange6":
        """Return a new exchange, or one that goes on with the address of an earlier life."""
        from ringfence.protocols.dhcpv6.ask import Client6
        from ringfence.protocols.dhcpv6.client import Bound, Exchange6

        host = self._world.host
        client = Client6(host.hardware_address(plan.interface), plan.model)
        exchange = Exchange6(client, host.entropy)
        inherited = self._inherited(plan)
        age = host.wall() - inherited.asked_at
        asked_at = host.now() - age
        if address and inherited.message and inherited.address in link.addresses:
            with contextlib.suppress(RemoteProtocolError):
                lease = exchange.adopt(inherited.message, asked_at, host.now())
                if 0 <= age < lease.valid:
                    self._bound = Bound(lease, asked_at, inherited.message)
                    self._placed, self._held = True, lease.address
                    logger.info("ipv6.adopted: %s", lease.address)
                    return exchange
                exchange = Exchange6(client, host.entropy)
        exchange.start(host.now(), address=address)
        return exchange

    def _inherited(self, plan: Ipv6Plan) -> Remembered6:
        """Return what an earlier life put on this interface; empty where it put nothing."""
        host = self._world.host
        nothing = Remembered6(plan.interface, "", 128, 0.0)
        try:
            held = memory.decode(host.read(memory.FILE)) if host.names(memory.FILE) else None
        except ComponentError as error:
            logger.warning("ipv6.forgotten: %s", error)
            return nothing
        return held if held and held.interface == plan.interface else nothing

    def _send(self, exchange: "Exchange6", link: Link6) -> None:
        from ringfence.protocols.dhcpv6.client import SERVER_PORT, SERVERS

        for message in exchange.messages_to_send():
            if self._socket is None:
                continue
            try:
                self._socket.sendto(message, (SERVERS, SERVER_PORT, 0, link.index))
                logger.debug("ipv6.sent: %s", exchange.state.value)
            except OSError as error:
                logger.warning("ipv6.unsent: %s", error.strerror)

    async def _wait(self, notices: "LinkNotices") -> None:
        """Wait for a notice, a datagram or the timer, and hand in what came."""
        host, exchange = self._world.host, self._exchange
        timer = exchange.get_timer() if exchange else None
        delay = None if timer is None else max(0.0, timer - host.now())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await notices.arrived(self._socket)
        if exchange is None or self._socket is None:
            return
        for _ in range(BATCH):
            try:
                data, source = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                break
            except OSError as error:
                logger.warning("ipv6.unheard: %s", error.strerror)
                break
            exchange.receive_message(data, str(source[0]), host.now())

    async def _obey(self, plan: Ipv6Plan, event: "Event") -> None:
        from ringfence.protocols.dhcpv6.client import Bound, Lost, Refused

        if isinstance(event, Bound):
            self._bound, self._placed = event, False
        elif isinstance(event, Lost):
            logger.warning("ipv6.lost: %s", event.reason)
            await self._give_up(plan)
        elif isinstance(event, Refused):
            self._last_refusal = f"{event.reason} (from {event.source})"
            logger.warning("ipv6.refused: %s", self._last_refusal)
        else:
            logger.info("ipv6.unanswered: %s, %d times", event.state.value, event.tries)

    async def _place(self, plan: Ipv6Plan, bound: "Bound") -> None:
        """Have the kernel hold what was lent, and remember it for the next process."""
        lease, host = bound.lease, self._world.host
        if lease.address:
            await self._run(commands.hold(plan.interface, lease, host.now() - bound.asked_at))
            self._held, self._seen = lease.address, False
            asked_at = host.wall() - (host.now() - bound.asked_at)
            self._remember(plan, lease, asked_at, bound.message)
            logger.info("ipv6.bound: %s for %.0f s", lease.address, lease.valid)
        else:
            logger.info("ipv6.informed: %d options", len(lease.options))
        self._placed = True

    async def _place_static(self, plan: Ipv6Plan, lease: Lease6) -> None:
        await self._run(commands.hold(plan.interface, lease, 0.0))
        self._held, self._seen = lease.address, False
        self._remember(plan, lease, 0.0, b"")

    def _remember(self, plan: Ipv6Plan, lease: Lease6, asked_at: float, message: bytes) -> None:
        held = Remembered6(plan.interface, lease.address, lease.prefix, asked_at, message)
        try:
            self._world.host.write(memory.FILE, memory.encode(held), durable=False)
        except ComponentError as error:
            logger.warning("ipv6.unremembered: %s", error)

    def _set_kernel(self, plan: Ipv6Plan, notices: "LinkNotices") -> None:
        try:
            notices.speaks(plan.used)
            notices.forms_addresses(plan.forms)
        except ComponentError as error:  # everything else still works
            self._unset = str(error)
            logger.warning("ipv6.unset: %s", error)
        else:
            self._unset = ""

    async def _clear(self, plan: Ipv6Plan, link: Link6) -> None:
        """Take away what is no longer wanted: formed addresses, a static one of an earlier life."""
        held = self._inherited(plan)
        wanted = plan.static.address if plan.static else held.address if held.message else ""
        gone = [held.address] if held.address not in ("", wanted) else []
        if not plan.forms:
            gone += [
                address
                for address, one in link.addresses.items()
                if one.ends and not one.scope and address not in (wanted, *gone)
            ]
        for address in gone:
            await self._run(commands.drop(plan.interface, address))

    async def _give_up(self, plan: Ipv6Plan) -> None:
        """Take our address off the interface."""
        self._bound, self._placed = None, False
        if self._held:
            await self._run(commands.drop(plan.interface, self._held))
            self._held, self._seen = "", False
        self._world.host.remove(memory.FILE)

    async def _run(self, lines: str) -> None:
        await self._world.host.run("ip", "-6", "-batch", "-", stdin=lines)

    def _tell(self, plan: Ipv6Plan, link: Link6) -> None:
        """Publish what the link and its servers say together."""
        lent = self._bound.lease if self._bound and self._placed else Lease6()
        self._world.publish(lease6=together(plan.static or lent, link))

    def _stop(self) -> None:
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = self._exchange = self._bound = None
        self._placed = False
        if self._socket:
            self._socket.close()
            self._socket = None


def _events(exchange: "Exchange6") -> Iterator["Event"]:
    while (event := exchange.next_event()) is not None:
        yield event
