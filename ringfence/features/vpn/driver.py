"""Connect when this boot is to, stay connected, and tell the others whom to wait for."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from msgspec.structs import replace

from ringfence.config.parameter import Level
from ringfence.errors import ComponentError, ConfigError, NetworkError, PolicyError
from ringfence.features.vpn.plan import AUTHORITIES, INTERFACE, VpnPlan
from ringfence.features.vpn.report import told
from ringfence.features.vpn.session import Session
from ringfence.features.vpn.tunnel import Tunnel
from ringfence.features.vpn.ways import Gateway
from ringfence.policy import vpn
from ringfence.policy.vpn import VPN
from ringfence.protocols.openconnect import Configured, Failure, Login
from ringfence.runtime.commands import Command
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World
from ringfence.runtime.host_routes import Notices
from ringfence.runtime.state import Status

logger = logging.getLogger(__name__)

MINUTE = 60.0
"""Seconds that an attempt has, and that everyone else waits for it at most (rulings 21)."""
FIRST_RETRY, LAST_RETRY = 1.0, 60.0
"""Seconds until the next attempt where more than one is wanted; doubled at each failure."""
PAUSE = 0.05
"""Seconds between two looks at routes that somebody else keeps changing."""


class VpnDriver:
    """openconnect, and the ways into its tunnel."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tunnel = Tunnel(world.host)
        self._plan: VpnPlan | None = None
        self._changed = asyncio.Event()
        self._session: Session | None = None
        self._keeps = False
        """Whether somebody looks after the routes and the table already."""
        self._tries = self._over = False
        """Whether it is connected, or still tries to be; whether the phone stops."""
        self._failure: Failure | None = None
        world.commands.register(Command("vpn", Level.USER, self._switch))

    async def apply(self, key: str, plan: VpnPlan) -> None:
        """Clear what an earlier life left, then connect where that is wanted.

        A tunnel that is there stays: what changes counts for the next login.

        Raises:
            ComponentError: the kernel refused to shut what must be shut.

        """
        first, self._plan = self._plan is None, plan
        self._changed.set()
        if not first:
            return
        self._tunnel.shut(closed=plan.closed)
        self._tunnel.drop()
        if plan.login is None:
            self._forget_intent()
            self._world.publish(vpn_settled=True)
        else:
            self._tries = True
            self._world.spawn(self._live(plan.login))

    async def remove(self, key: str) -> None:
        """Do nothing: there is always a plan."""

    async def close(self) -> None:
        """Take leave of the server, and leave no way into a tunnel; a closed phone stays shut."""
        self._over = True
        if self._session:
            await self._session.end()
        self._let_go()

    def status(self) -> Status:
        """Return what the chapter's VPN Status shows; the bytes are the interface's own."""
        connected = bool(self._session and self._session.connected)
        failure = None if connected else self._failure
        tunnel = self._tunnel
        return told(self._plan, tunnel.configured, failure, tunnel.kept(), connected, self._tries)

    async def _live(self, login: Login) -> None:
        """Connect, and again for as long as that is wanted."""
        delay, succeeded = FIRST_RETRY, False
        while True:
            failure, connected = await self._attempt(login)
            if self._over:
                return
            self._failure = failure
            logger.error("vpn.failed: %s", failure)
            if connected:
                delay, succeeded = FIRST_RETRY, True
            once = self._plan is None or self._plan.once
            if failure.final or (once and not succeeded):
                break
            if not succeeded:
                self._world.publish(vpn_settled=True)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)
        self._tries = False
        self._let_go()
        self._world.publish(tunnel=None, vpn_settled=True)

    async def _attempt(self, login: Login) -> tuple[Failure, bool]:
        """Return why there is no tunnel, or no longer, and whether there was one."""
        failure, self._session = Failure(f"no address in {MINUTE:g} s"), None
        try:
            async with asyncio.timeout(MINUTE) as clock:
                plan = await self._ready()
                if not self._forget_intent():
                    return Failure("the attempt cannot be noted, and must not be repeated"), False
                failure = Failure(f"{login.host} was not found in {MINUTE:g} s")
                for gateway in await self._gateways(plan, login):
                    failure = Failure(f"the server gave no tunnel in {MINUTE:g} s")
                    failure = await self._connect(plan, login, gateway, clock)
                    if self._connected or failure.final or self._over:
                        break
        except TimeoutError:
            self._forget_intent()
        except (NetworkError, PolicyError, ComponentError) as error:
            failure = Failure(str(error))
        return failure, self._connected

    @property
    def _connected(self) -> bool:
        """Whether the last session brought a tunnel."""
        return bool(self._session and self._session.was_connected)

    async def _ready(self) -> VpnPlan:
        """Return the plan once the phone has an address."""
        while self._plan is None or self._plan.waiting:
            self._changed.clear()
            await self._changed.wait()
        return self._plan

    async def _gateways(self, plan: VpnPlan, login: Login) -> tuple[Gateway, ...]:
        """Return the addresses of the server; while packets go into the tunnel, the known ones.

        Raises:
            NetworkError: DNS has none.
            ComponentError: the kernel refused to let DNS be asked.

        """
        if self._tunnel.configured:
            return self._tunnel.gateways
        self._tunnel.shut(resolvers=plan.resolvers, closed=plan.closed)
        target = Target(
            VPN, login.host, login.port, None, resolvers=plan.resolvers, records=plan.records
        )
        found = await self._world.egress.resolve(target)
        gateways = tuple(Gateway(address, login.port) for address in found)
        self._tunnel.shut(gateways, closed=plan.closed)
        return gateways

    async def _connect(
        self, plan: VpnPlan, login: Login, gateway: Gateway, clock: asyncio.Timeout
    ) -> Failure:
        """Return why a session at one address of the server ended.

        Raises:
            ComponentError: openconnect or tunnels are not to be had here.

        """
        host = self._world.host
        self._tunnel.prepare()
        host.write(AUTHORITIES, "".join(plan.authorities).encode(), durable=False)

        def hold(configured: Configured) -> None:
            self._tunnel.hold(configured, (gateway,), closed=plan.closed)
            clock.reschedule(None)
            self._keep()
            self._failure = None
            own = configured.address or configured.address6
            logger.info("vpn.connected: %s, as %s", login.host, own)
            tunnel = vpn.Tunnel(own, configured.resolvers)
            self._world.publish(tunnel=tunnel, vpn_settled=True)

        logger.info("vpn.connecting: %s at %s", login.host, gateway.address)
        self._session = Session(login, gateway.address, hold)
        failure = await self._session.run(plan.password, INTERFACE, host.state / AUTHORITIES)
        if failure.choose:  # nothing was sent of user or password yet
            self._session = Session(replace(login, group=failure.choose), gateway.address, hold)
            failure = await self._session.run(plan.password, INTERFACE, host.state / AUTHORITIES)
        return failure

    def _keep(self) -> None:
        """Look after what leads into the tunnel from now on."""
        table = self._tunnel.table()
        if self._keeps or table is None:
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
                    self._tunnel.put_right()
                except ComponentError as error:
                    logger.warning("vpn.not_put_right: %s", error)

    def _let_go(self) -> None:
        """Lead nothing into a tunnel any more."""
        self._tunnel.drop()
        if self._plan:
            self._tunnel.shut(closed=self._plan.closed)

    def _forget_intent(self) -> bool:
        """Clear what a person asked for, before it is done; return whether that will last."""
        if vpn.INTENT not in self._world.intents():
            return True
        try:
            self._world.intend(vpn.INTENT, None)
        except ComponentError as error:
            logger.error("vpn.not_noted: %s", error)
            return False
        return True

    async def _switch(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Enable VPN Connection, as the phone's screen has it: On and Off both reboot.

        Raises:
            ConfigError: it is neither on nor off, or there is no VPN to connect to.
            ComponentError: it cannot be kept over the reboot, which is not done then.

        """
        wanted = arguments.get("switch", "")
        if wanted not in (vpn.ON, vpn.OFF):
            raise ConfigError("vpn", f"{wanted[:20]!r} is no position of the switch", "on or off")
        if wanted == vpn.OFF and not self._tries:
            return {"enabled": False, "rebooting": False}
        if wanted == vpn.ON:
            product = self._world.facts().identity.product
            if why := vpn.lacking(self._world.snapshot().settings, product):
                raise ConfigError("vpn", why, "the VPN stays off")
        self._world.intend(vpn.INTENT, wanted)
        await self._world.commands.run("reboot", {"reason": "User Triggered"})
        return {"enabled": wanted == vpn.ON, "rebooting": True}


def _put_right() -> None:
    logger.warning("vpn.put_right: another program changed the packet filter of the tunnel")
