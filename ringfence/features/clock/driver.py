"""Ask time servers, and tell the phone how far the machine's clock is off."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.errors import NetworkError, RemoteProtocolError, RingfenceError
from ringfence.features.clock.plan import ClockPlan, TimeServer
from ringfence.policy.applications import NTP
from ringfence.policy.network import written
from ringfence.runtime.egress import Destination, Target
from ringfence.runtime.egress_stream import broken
from ringfence.runtime.feature import World
from ringfence.runtime.host import endpoint
from ringfence.runtime.host_clock import MADE_AFTER
from ringfence.runtime.state import Health, Status, stamp

if TYPE_CHECKING:
    from ringfence.protocols.sntp import Kiss, Sample

logger = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that one address has for its answer."""
MOST = 4
"""Addresses of one server that are asked."""
WRONG = 60.0
"""Seconds off at which the machine's clock is worth a warning."""
LARGEST = 2048
TITLE = "Time"


class _Heard(Struct, frozen=True):
    """The last answer that counted."""

    server: str
    address: str
    sample: "Sample"
    at: float
    """Seconds since the epoch, corrected."""


class ClockDriver:
    """The phone's clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: ClockPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard: _Heard | None = None
        self._problem = ""

    async def apply(self, key: str, plan: ClockPlan) -> None:
        """Ask the servers of the plan from now on; what is known of the time stays."""
        before, self._plan = self._plan, plan
        self._world.host.zone = plan.zone
        asked = before and (before.servers, before.resolvers, before.records)
        if asked != (plan.servers, plan.resolvers, plan.records):
            self._stop()
            self._world.spawn(self._live(plan))

    async def remove(self, key: str) -> None:
        """Ask nobody any more; a plan is always there, so only a stopping phone asks."""
        self._stop()

    async def close(self) -> None:
        """Ask nobody any more."""
        self._stop()

    def status(self) -> Status:
        """Return what time it is, and who says so."""
        host, plan, heard = self._world.host, self._plan, self._heard
        at, ahead = host.time(), host.time() - host.wall()
        zone = round(host.local() - at)
        now = datetime.fromtimestamp(at, timezone(timedelta(seconds=zone)))
        rows = [("Current Time", f"{now:%m/%d/%Y %H:%M:%S} UTC{zone / 3600:+g}")]
        data: dict[str, object] = {"time": now.isoformat(), "server": None}
        if heard:
            by = f" ({plan.named_by})" if plan and plan.named_by else ""
            said = f"{heard.server} at {heard.address}, stratum {heard.sample.stratum}{by}"
            rows += [
                ("Time Source", said),
                ("Machine's Clock", _off(ahead)),
                ("Last Answer", stamp(heard.at)),
            ]
            data["server"] = {
                "name": heard.server,
                "address": heard.address,
                "named_by": plan.named_by if plan else "",
                "stratum": heard.sample.stratum,
                "ahead": ahead,
                "delay": heard.sample.delay,
                "at": datetime.fromtimestamp(heard.at, UTC).isoformat(),
            }
        else:
            rows.append(("Time Source", "the machine's clock"))
        if self._problem:
            rows.append(("Last Problem", self._problem))
        wanted = plan and plan.named_by
        health = Health.RUNNING if heard or not wanted else Health.PENDING
        return Status(health, tuple(rows), data, TITLE)

    async def _live(self, plan: ClockPlan) -> None:
        """Ask again and again."""
        if self._plan is None or self._plan.servers != plan.servers or not plan.servers:
            return
        self._task = asyncio.current_task()
        from ringfence.protocols.sntp import Client, Sample

        host = self._world.host
        by_name = {written(one.host, one.port): one for one in plan.servers}
        client = Client(tuple(by_name), host.entropy)
        client.start(host.now())
        while (timer := client.get_timer()) is not None:
            await asyncio.sleep(max(0.0, timer - host.now()))
            if not (name := client.server_to_ask(host.now())):
                continue
            try:
                address, heard = await self._ask(plan, by_name[name])
            except RingfenceError as error:
                self._fail(str(error))
                client.receive_silence(host.now())
                continue
            if isinstance(heard, Sample):
                client.receive_sample(host.now())
                self._take(by_name[name].host, address, heard)
            else:
                self._fail(f"{address}: does not want to be asked ({heard.code})")
                client.receive_kiss(heard, host.now())

    async def _ask(self, plan: ClockPlan, server: TimeServer) -> "tuple[str, Sample | Kiss]":
        """Return what the first address of a server says that answers.

        Raises:
            RingfenceError: none did.

        """
        target = Target(
            *(NTP, server.host, server.port, None), resolvers=plan.resolvers, records=plan.records
        )
        reasons = []
        for destination in (await self._world.egress.destinations(target))[:MOST]:
            try:
                async with asyncio.timeout(PATIENCE):
                    return destination.address, await self._exchange(destination)
            except TimeoutError:
                reasons.append(f"{destination.address}: no answer in {PATIENCE:g} s")
            except OSError as error:
                reasons.append(f"{destination.address}: {broken(error)}")
        raise NetworkError("; ".join(reasons))

    async def _exchange(self, destination: Destination) -> "Sample | Kiss":
        """Return what one address answers; what is not its answer is passed over."""
        from ringfence.protocols import sntp

        host, loop = self._world.host, asyncio.get_running_loop()
        anywhere = "::" if ":" in destination.address else "0.0.0.0"  # noqa: S104 - to send from
        cookie = host.entropy(sntp.COOKIE_SIZE)
        with contextlib.closing(host.udp(anywhere, 0)) as port:
            port.connect(endpoint(destination.address, destination.port))
            sent, began = host.wall(), host.now()
            await loop.sock_sendall(port, sntp.question(cookie))
            while True:
                data = await loop.sock_recv(port, LARGEST)
                received = sent + host.now() - began
                try:
                    return sntp.answer(data, cookie, sent, received, MADE_AFTER)
                except RemoteProtocolError as error:
                    self._fail(f"{destination.address}: {error}")

    def _take(self, server: str, address: str, sample: "Sample") -> None:
        host, before = self._world.host, self._heard
        host.epoch = host.wall() + sample.ahead - host.now()
        self._heard = _Heard(server, address, sample, host.time())
        self._problem = ""
        logger.info("clock.heard: %s: the machine's clock is %s", address, _off(sample.ahead))
        if abs(sample.ahead) >= WRONG and before is None:
            logger.warning(
                "clock.machine_wrong: %s; certificates are judged by it all the same",
                _off(sample.ahead),
            )

    def _fail(self, problem: str) -> None:
        if problem != self._problem:
            logger.warning("clock.problem: %s", problem)
        self._problem = problem

    def _stop(self) -> None:
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = None


def _off(ahead: float) -> str:
    """Return how far the machine's clock is off, in words."""
    if abs(ahead) < 0.0005:
        return "right"
    return f"{abs(ahead):.3f} s {'behind' if ahead > 0 else 'ahead'}"
