"""The switch of the VPN, and whether this boot builds a tunnel; what builds it is loaded then."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ringfence.config.parameter import Level
from ringfence.errors import ComponentError, ConfigError
from ringfence.features.vpn.plan import INTERFACE, VpnPlan
from ringfence.policy import vpn
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.state import Status

if TYPE_CHECKING:
    from ringfence.features.vpn.connection import Connection

logger = logging.getLogger(__name__)

MARK = "vpn-held"
"""File of the state folder that says: the kernel may hold something of a tunnel of ours."""


class VpnDriver:
    """Decides once for each boot; a change of its plan counts for the next login."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: VpnPlan | None = None
        self._connection: Connection | None = None
        world.commands.register(Command("vpn", Level.USER, self._switch))

    async def apply(self, key: str, plan: VpnPlan) -> None:
        """Clear what an earlier life left, then connect where that is wanted.

        Raises:
            ComponentError: the kernel refused to shut what must be shut.

        """
        first, self._plan = self._plan is None, plan
        if not first:
            if self._connection:
                self._connection.change(plan)
            return
        # An attempt that a person asked for is made once, also where the feature starts anew.
        spent = plan.once and vpn.INTENT not in self._world.intents()
        connects = plan.login is not None and not spent
        host = self._world.host
        if connects or plan.closed or host.names(MARK) or host.has(INTERFACE):
            from ringfence.features.vpn.connection import Connection

            host.write(MARK, b"", durable=False)
            self._connection = Connection(self._world, plan, self._forget_intent)
            self._connection.clear()
            if not connects and not plan.closed:
                host.remove(MARK)
        if connects and self._connection:
            self._connection.start()
        else:
            self._forget_intent()
            self._world.publish(vpn_settled=True)

    async def remove(self, key: str) -> None:
        """Do nothing: there is always a plan."""

    async def close(self) -> None:
        """Take leave of the server, and leave no way into a tunnel; a closed phone stays shut."""
        if self._connection:
            await self._connection.close()

    def status(self) -> Status:
        """Return what the chapter's VPN Status shows; the bytes are the interface's own."""
        from ringfence.features.vpn.report import told

        return told(self._plan, self._connection)

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
        if wanted == vpn.OFF and not (self._connection and self._connection.tries):
            return {"enabled": False, "rebooting": False}
        if wanted == vpn.ON:
            product = self._world.facts().identity.product
            if why := vpn.lacking(self._world.snapshot().settings, product):
                raise ConfigError("vpn", why, "the VPN stays off")
        self._world.intend(vpn.INTENT, wanted)
        await self._world.commands.run("reboot", {"reason": "User Triggered"})
        return {"enabled": wanted == vpn.ON, "rebooting": True}
