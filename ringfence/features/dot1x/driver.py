"""Keep a supplicant running while 802.1X is on, and go on without one where it cannot."""

import asyncio
import logging
from typing import TYPE_CHECKING

from ringfence.errors import ComponentError
from ringfence.features.dot1x.plan import Dot1xPlan
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.features.dot1x.session import Session

logger = logging.getLogger(__name__)

FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
"""Seconds until a supplicant that ended is started again; doubled while it does not come up."""
TITLE = "802.1X Authentication"
AUTHENTICATING, AUTHENTICATED, DISABLED = "Authenticating", "Authenticated", "Disabled"
"""Source: chapter, Enable 802.1X Authentication: Transaction status."""


class Dot1xDriver:
    """The port to the switch."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: Dot1xPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._problem = ""

    async def apply(self, key: str, plan: Dot1xPlan) -> None:
        """Ask in the background; where 802.1X is off now, log off at the switch.

        Raises:
            ComponentError: the disk refused the supplicant's files.

        """
        was_on = await self._stop()
        before, self._plan, self._problem = self._plan, plan, plan.refused
        if before and was_on and not plan.method:
            self._log_off(before)
        if plan.method and not plan.refused:
            self._write(plan)
        if plan.method:
            self._world.spawn(self._live(plan))

    async def remove(self, key: str) -> None:
        """Log off; a plan is always there, so only a stopping phone asks."""
        if await self._stop() and self._plan:
            self._log_off(self._plan)
        self._plan = None

    async def close(self) -> None:
        """Leave the port open to a phone that starts again; one that stops for good logs off."""
        if await self._stop() and self._plan and self._world.leaving():
            self._log_off(self._plan)

    def status(self) -> Status:
        """Return what the screen shows under Transaction status, and why it is not more."""
        plan, state = self._plan, self._session.transaction if self._session else None
        if plan is None or not plan.method:
            rows: tuple[tuple[str, str], ...] = (("Transaction status", DISABLED),)
            return Status(Health.DISABLED, rows, {"transaction": DISABLED}, TITLE)
        authorised = bool(state and state.authorised)
        missing = self._session.problem if self._session else ""
        problem = "" if self._session else self._problem
        reason = "" if authorised else problem or missing or (state.reason if state else "")
        word = AUTHENTICATED if authorised else DISABLED if plan.refused else AUTHENTICATING
        protocol = (state.protocol if state else "") or plan.method
        told = {
            "Transaction status": word,
            "Protocol": protocol,
            "Identity": plan.outer,
            "Authentication Server": " or ".join(plan.names),
            "Watched Router": self._session.watched if self._session else "",
            "Reason": reason,
        }
        data = {"transaction": word, "protocol": protocol, "reason": reason}
        health = Health.RUNNING if authorised else Health.FAILED if reason else Health.PENDING
        rows = tuple((label, text) for label, text in told.items() if text)
        return Status(health, rows, data, TITLE)

    def _write(self, plan: Dot1xPlan) -> None:
        """Write the supplicant's files; credentials that were fetched on other terms go."""
        from ringfence.features.dot1x.configuration import ANCHORS, configuration
        from ringfence.features.dot1x.session import CONFIGURATION, go_on
        from ringfence.runtime.host_supplicant import CONTROL

        host = self._world.host
        try:
            host.write(ANCHORS, "".join(plan.anchors).encode(), durable=False)
            host.write(CONFIGURATION, configuration(plan, CONTROL).encode(), durable=False)
        except ComponentError:
            go_on(self._world)  # a disk that is full must not keep the phone from its network
            raise
        for name in host.names("eap-fast-*.pac"):
            if name != plan.pac:
                host.remove(name)

    def _log_off(self, plan: Dot1xPlan) -> None:
        from ringfence.features.dot1x.session import CONFIGURATION, log_off

        log_off(self._world, plan)
        self._world.host.remove(CONFIGURATION)

    async def _live(self, plan: Dot1xPlan) -> None:
        if self._plan is not plan:
            return
        from ringfence.features.dot1x.session import go_on, opened

        self._task = asyncio.current_task()
        if plan.refused:
            logger.error("dot1x.refused: %s", plan.refused)
            go_on(self._world)
            return
        pause = FIRST_PAUSE
        while True:
            began = self._world.host.now()
            try:
                async with opened(self._world, plan) as self._session:
                    await self._session.run()
            except* ComponentError as errors:
                problem = str(errors.exceptions[0])
                if problem != self._problem:
                    logger.error("dot1x.failed: %s", problem)
                self._problem = problem
            self._session = None
            go_on(self._world)
            if self._world.host.now() - began > LAST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE)

    async def _stop(self) -> bool:
        """End the supplicant, and return whether there was one."""
        task, self._task = self._task, None
        was_on = self._session is not None
        if task and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})
        self._session = None
        return was_on
