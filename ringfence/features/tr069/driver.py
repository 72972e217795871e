"""The agent, which is loaded once TR-069 is enabled."""

from typing import TYPE_CHECKING

from ringfence.features.tr069.plan import TITLE, Tr069Plan
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.features.tr069.agent import Agent


class Tr069Driver:
    """Lets an ACS manage the phone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._agent: Agent | None = None

    async def apply(self, key: str, plan: Tr069Plan) -> None:
        """Go by a plan.

        Raises:
            ComponentError: the state or a port cannot be used.

        """
        if self._agent is None:
            from ringfence.features.tr069.agent import Agent

            self._agent = Agent(self._world)
        await self._agent.apply(plan)

    async def remove(self, key: str) -> None:
        """Call nobody, and listen nowhere."""
        if self._agent:
            await self._agent.rest()

    async def close(self) -> None:
        """Stop."""
        await self.remove("")

    def status(self) -> Status:
        """Return the ACS in use, where it asks, and the last sessions."""
        return self._agent.status() if self._agent else Status(Health.DISABLED, title=TITLE)
