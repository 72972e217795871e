"""Connect, stay connected, and tell the others whom to wait for."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from ringfence.errors import ComponentError, NetworkError, PolicyError
from ringfence.features.vpn.plan import AUTHORITIES, INTERFACE, VpnPlan
from ringfence.features.vpn.session import Session
from ringfence.features.vpn.tunnel import Tunnel
from ringfence.features.vpn.ways import Gateway
from ringfence.policy import vpn
from ringfence.policy.vpn import VPN
from ringfence.protocols.openconnect import Configured, Failure, Login
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World
from ringfence.runtime.host_routes import Notices

logger = logging.getLogger(__name__)

MINUTE = 60.0
"""Seconds that an attempt has, and that everyone else waits for it at most (rulings 21)."""
FIRST_RETRY, LAST_RETRY = 1.0, 60.0
"""Seconds until the next attempt where more than one is wanted; doubled at each failure."""
PAUSE = 0.05
"""Seconds between two looks at routes that somebody else keeps changing."""


class Connection:
    """openconnect, and the ways into its tunnel."""

    def __init__(self, world: World, plan: VpnPlan, begin: Callable[[], bool]) -> None:
        """Take a plan; `begin` notes that its attempt is made, and returns whether that lasts."""
        self._world = world
        self._plan = plan
        self._begin = begin
        self._changed = asyncio.Event()
        self._session: Session | None = None
        self._keeps = self._over = False
        """Whether somebody looks after routes and table; whether the phone stops."""
        self.tunnel = Tunnel(world.host)
        self.tries = False
        """Whether it is connected, or still tries to be: the position of the switch."""
        self.failure: Failure | None = None
        """Why there is no tunnel, or why the one before ended."""

    @property
    def connected(self) -> bool:
        """Whether the tunnel is there now."""
        return bool(self._session and self._session.connected)

    def clear(self) -> None:
        """Lead nothing into a tunnel, that of an earlier life of the phone either.

        Raises:
            ComponentError: the kernel refused.

        """
        self.tunnel.shut(closed=self._plan.closed)
        self.tunnel.drop()
        self._keep()

    def start(self) -> None:
        """Begin to connect."""
        if login := self._plan.login:
            self.tries = True
            self._world.spawn(self._live(login))

    def change(self, plan: VpnPlan) -> None:
        """Take another plan; a tunnel that is there stays as it is."""
        self._plan = plan
        self._changed.set()

    async def close(self) -> None:
        """Take leave of the server."""
        self._over = True
        if self._session:
            await self._session.end()
        self.clear()

    async def _live(self, login: Login) -> None:
        """Connect, and again for as long as that is wanted."""
        delay, succeeded = FIRST_RETRY, False
        while True:
            failure, connected = await self._attempt(login)
            if self._over:
                return
            self.failure = failure
            logger.error("vpn.failed: %s", failure)
            if connected:
                delay, succeeded = FIRST_RETRY, True
            if failure.final or (self._plan.once and not succeeded):
                break
            if not succeeded:
                self.clear()
                self._world.publish(vpn_settled=True)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)
        self.tries = False
        self.clear()
        self._world.publish(tunnel=None, vpn_settled=True)

    async def _attempt(self, login: Login) -> tuple[Failure, bool]:
        """Return why there is no tunnel, or no longer, and whether there was one."""
        failure, self._session = Failure(f"no address in {MINUTE:g} s"), None
        try:
            async with asyncio.timeout(MINUTE) as clock:
                plan = await self._ready()
                if not self._begin():
                    return Failure("the attempt cannot be noted, and must not be repeated"), False
                failure = Failure(f"{login.host} was not found in {MINUTE:g} s")
                gateways = await self._gateways(plan, login)
                for gateway in gateways:
                    failure = Failure(f"the server gave no tunnel in {MINUTE:g} s")
                    hold = partial(self._hold, plan, login, gateways, clock)
                    failure = await self._connect(plan, login, gateway, hold)
                    if self._was_connected or failure.final or self._over:
                        break
        except TimeoutError:
            self._begin()
        except (NetworkError, PolicyError, ComponentError) as error:
            failure = Failure(str(error))
        return failure, self._was_connected

    @property
    def _was_connected(self) -> bool:
        """Whether the last session brought a tunnel."""
        return bool(self._session and self._session.was_connected)

    async def _ready(self) -> VpnPlan:
        """Return the plan once the phone has an address."""
        while self._plan.waiting:
            self._changed.clear()
            await self._changed.wait()
        return self._plan

    async def _gateways(self, plan: VpnPlan, login: Login) -> tuple[Gateway, ...]:
        """Return the addresses of the server; while packets go into the tunnel, the known ones.

        Raises:
            NetworkError: DNS has none.
            ComponentError: the kernel refused to let DNS be asked.

        """
        if self.tunnel.configured:
            return self.tunnel.gateways
        self.tunnel.shut(resolvers=plan.resolvers, closed=plan.closed)
        target = Target(
            VPN, login.host, login.port, None, resolvers=plan.resolvers, records=plan.records
        )
        found = await self._world.egress.resolve(target)
        gateways = tuple(Gateway(address, login.port) for address in found)
        self.tunnel.shut(gateways, closed=plan.closed)
        return gateways

    async def _connect(
        self, plan: VpnPlan, login: Login, gateway: Gateway, hold: Callable[[Configured], None]
    ) -> Failure:
        """Return why a session at one address of the server ended.

        Raises:
            ComponentError: openconnect or tunnels are not to be had here.

        """
        host = self._world.host
        self.tunnel.prepare()
        host.write(AUTHORITIES, "".join(plan.authorities).encode(), durable=False)
        logger.info("vpn.connecting: %s at %s", login.host, gateway.address)
        self._session = Session(login, gateway.address, hold)
        failure = await self._session.run(plan.password, INTERFACE, host.state / AUTHORITIES)
        if failure.choose:  # nothing was sent of user or password yet
            self._session = Session(replace(login, group=failure.choose), gateway.address, hold)
            failure = await self._session.run(plan.password, INTERFACE, host.state / AUTHORITIES)
        return failure

    def _hold(
        self,
        plan: VpnPlan,
        login: Login,
        gateways: tuple[Gateway, ...],
        clock: asyncio.Timeout,
        configured: Configured,
    ) -> None:
        """Lead everything into the tunnel, and tell the others.

        Raises:
            ComponentError: the kernel refused.

        """
        self.tunnel.hold(configured, gateways, closed=plan.closed)
        clock.reschedule(None)
        self._keep()
        own = configured.address or configured.address6
        logger.info("vpn.connected: %s, as %s", login.host, own)
        tunnel = vpn.Tunnel(own, configured.resolvers)
        self._world.publish(tunnel=tunnel, vpn_settled=True)

    def _keep(self) -> None:
        """Look after what leads into the tunnel from now on."""
        table = self.tunnel.table()
        if self._keeps or self._over or table is None:
            return
        self._keeps = True
        self._world.spawn(table.keep(self._world.host.nft.watch(), _put_right))
        self._world.spawn(self._put_back(Notices()))

    async def _put_back(self, notices: Notices) -> None:
        """Put rules and routes back whenever somebody took them away; never returns."""
        with contextlib.closing(notices):
            while True:
                await notices.changed()
                await asyncio.sleep(PAUSE)
                try:
                    self.tunnel.put_right()
                except ComponentError as error:
                    logger.warning("vpn.not_put_right: %s", error)


def _put_right() -> None:
    logger.warning("vpn.put_right: another program changed the packet filter of the tunnel")
