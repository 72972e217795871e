"""Keep a connection to the control server, ever more patiently while there is none."""

import asyncio
import logging
from typing import TYPE_CHECKING

from ringfence.errors import RingfenceError
from ringfence.features.websocket.plan import WebsocketPlan
from ringfence.policy.rules import Url
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.features.websocket.session import Session

logger = logging.getLogger(__name__)

RETRY, LONGEST = 1.0, 120.0
"""Seconds until the first new try, and at most; each failure doubles them, plus a half."""
LASTING = 60.0
"""Seconds after which a connection counts as one that works."""
REASON_LIMIT = 800


class WebsocketDriver:
    """The connection to the control server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: WebsocketPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._reason = ""

    async def apply(self, key: str, plan: WebsocketPlan) -> None:
        """Go by a new plan; another server, or another way of trusting it, ends the connection."""
        before, self._plan = self._plan, plan
        if before is None or before.called != plan.called:
            self._stop()
            self._reason = ""
            if plan.url and not plan.waiting:
                self._world.spawn(self._live(plan, plan.url))
        if self._session:
            self._session.plan = plan

    async def remove(self, key: str) -> None:
        """Leave the server; a plan is always there, so only a stopping phone asks."""
        await self.close()

    async def close(self) -> None:
        """Leave the server."""
        self._plan = None
        self._stop()

    def status(self) -> Status:
        """Return whether the server is there, and what became of its requests."""
        plan, session = self._plan, self._session
        rows = [("Control Server", (plan.shown if plan else "") or "none")]
        data: dict[str, object] = {"connected": session is not None}
        if session:
            rows += [("Requests Answered", str(session.answered))]
            rows += [("Requests Refused", str(session.refused))]
            data |= {"answered": session.answered, "refused": session.refused}
        if plan and plan.url:
            rows.append(("Allowed APIs", ", ".join(sorted(plan.allowed)) or "none"))
            if self._reason and not session:
                rows.append(("Reason", self._reason))
            if plan.waiting:
                rows.append(("Waiting", plan.waiting))
        return Status(self._health(), tuple(rows), data, "WebSocket API")

    def _health(self) -> Health:
        if self._plan is None:
            return Health.STARTING
        if self._plan.url is None:
            return Health.DISABLED
        if self._session:
            return Health.RUNNING
        return Health.FAILED if self._reason else Health.PENDING

    def _stop(self) -> None:
        self._session, task, self._task = None, self._task, None
        if task:
            task.cancel()

    async def _live(self, plan: WebsocketPlan, url: Url) -> None:
        """Connect, and connect again, until another server is to be called."""
        if self._plan is None or self._plan.called != plan.called:
            return
        self._task, host, failures = asyncio.current_task(), self._world.host, 0
        while True:
            began = host.now()
            try:
                await self._converse(plan, url)
            except RingfenceError as error:
                self._reason = str(error)[:REASON_LIMIT]
                logger.warning("websocket.disconnected: %s: %s", plan.shown, self._reason)
            failures = 0 if host.now() - began >= LASTING else failures + 1
            pause = min(RETRY * 2.0 ** min(max(failures - 1, 0), 10), LONGEST)
            await asyncio.sleep(pause * (1 + host.entropy(1)[0] / 512))

    async def _converse(self, plan: WebsocketPlan, url: Url) -> None:
        """Live through one connection.

        Raises:
            RingfenceError: how it ended.

        """
        from ringfence.features.websocket.session import Session, reached

        stream = await reached(self._world, plan, url)
        try:
            session = Session(self._world, self._plan or plan, url, stream)
            await session.open()
            self._session, self._reason = session, ""
            logger.info("websocket.connected: %s", plan.shown)
            await session.live()
        finally:
            if self._task is asyncio.current_task():
                self._session = None
            stream.abort()
