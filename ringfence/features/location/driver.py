"""Ask where the phone is, in time before the answer ends, and publish it for emergency calls."""

import asyncio
import logging

from msgspec import Struct

from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.location.plan import LocationPlan, Server
from ringfence.protocols import held
from ringfence.runtime.alarm import woken
from ringfence.runtime.download import Posted, download
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status, stamp

logger = logging.getLogger(__name__)

LEAST, LONGEST_LIFE = 60.0, 24 * 3600.0
"""Seconds until another question at least, and for which an answer is believed at most."""
RETRY, LONGEST = 30.0, 3600.0
"""Seconds after a first failure, and at most; each further one doubles them."""
REASON_LIMIT = 800


class Known(Struct, frozen=True):
    """Where the phone is, for a while."""

    uri: str
    server: str
    ends: float
    """Monotonic seconds."""


class LocationDriver:
    """Asks the location servers of this phone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: LocationPlan | None = None
        self._wake = asyncio.Event()
        self._due = 0.0
        self._failures = 0
        self._known: Known | None = None
        self._reason = ""

    async def apply(self, key: str, plan: LocationPlan) -> None:
        """Go by a new plan; another place in the network is asked about at once."""
        before, self._plan = self._plan, plan
        if before is None:
            self._world.spawn(self._run())
        if before is None or before.sought != plan.sought or before.waiting:
            self._due, self._failures, self._reason = self._world.host.now(), 0, ""
        if before is not None and before.sought != plan.sought:
            self._take(None)
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Ask nobody any more; a plan is always there, so only a stopping phone asks."""
        self._plan = None

    async def close(self) -> None:
        """Ask nobody any more."""
        self._plan = None

    def status(self) -> Status:
        """Return who knows where the phone is; the reference itself is for those who help."""
        rows, known, host = [("Location", "not known")], self._known, self._world.host
        until = host.time() + known.ends - host.now() if known else None
        if known and until:
            rows = [("Location", f"known by {known.server} until {stamp(until)} UTC")]
        if self._reason:
            rows.append(("Reason", self._reason))
        if self._plan and self._plan.servers and self._plan.waiting:
            rows.append(("Waiting", self._plan.waiting))
        data = {"server": known.server if known else "", "until": until}
        return Status(self._health(), tuple(rows), data, "E911 Geolocation")

    def _health(self) -> Health:
        if self._plan is None:
            return Health.STARTING
        if not self._plan.servers:
            return Health.DISABLED
        if self._known:
            return Health.RUNNING
        return Health.FAILED if self._reason else Health.PENDING

    async def _run(self) -> None:
        """Ask whenever it is time to; never returns."""
        while True:
            self._wake.clear()
            now, plan = self._world.host.now(), self._plan
            if self._known and now >= self._known.ends:
                self._take(None)
            ready = plan is not None and bool(plan.servers) and not plan.waiting
            if plan is not None and ready and now >= self._due:
                await self._ask(plan)
                continue
            times = [self._due] if ready else []
            times += [self._known.ends] if self._known else []
            await woken(self._wake, min(times, default=None), now)

    async def _ask(self, plan: LocationPlan) -> None:
        """Ask one server after another; what is known stays to its end where none answers."""
        known, reasons = None, list[str]()
        for server in plan.servers:
            try:
                known = await self._answer(plan, server)
                break
            except RingfenceError as error:
                reasons.append(str(error))
        if self._plan is None or self._plan.sought != plan.sought:
            return
        self._reason, now = "; ".join(reasons)[:REASON_LIMIT], self._world.host.now()
        if known:
            self._take(known)
            self._failures, self._due = 0, now + max((known.ends - now) * 0.8, LEAST)
            logger.info("location.known: by %s", known.server)
        else:
            self._due = now + min(RETRY * 2**self._failures, LONGEST)
            self._failures = min(self._failures + 1, 10)
            logger.warning("location.unknown: %s", self._reason)

    async def _answer(self, plan: LocationPlan, server: Server) -> Known:
        """Return what a server says.

        Raises:
            RingfenceError: nobody answered, or with no place.

        """
        host = self._world.host
        asked = Posted(held.request(plan.customer, plan.mac, plan.address), held.KIND)
        body = await download(self._world, plan.reach, server.url, server.tag, asked)
        said = held.response(body)
        left = LONGEST_LIFE if said.until is None else said.until - host.time()
        if left <= 0:
            raise RemoteProtocolError(f"{server.url.host}: what it says ended {-left:.0f} s ago")
        return Known(said.uri, server.url.host, host.now() + min(left, LONGEST_LIFE))

    def _take(self, known: Known | None) -> None:
        self._known = known
        self._world.publish(location=known.uri if known else "")
