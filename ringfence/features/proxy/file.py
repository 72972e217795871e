"""The PAC file of one network: found, fetched direct, asked, and fetched again when it is old."""

import asyncio
import logging
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.errors import NetworkError, PolicyError, RingfenceError
from ringfence.features.proxy.plan import ProxyPlan
from ringfence.policy import pac
from ringfence.policy.route import Source
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World

if TYPE_CHECKING:
    from ringfence.runtime.pac import Pac

logger = logging.getLogger(__name__)

FRESH, AGAIN = 3600.0, 15.0
"""Seconds until a file is asked for again: after it came, and after none did, or it led nowhere."""


class Held(Struct, frozen=True):
    """A file that was fetched."""

    source: Source
    at: float
    """Seconds since the epoch."""
    data: bytes


class ReplacedError(Exception):
    """The network has changed, and another file counts."""


class PacFile:
    """What the PAC file of one plan says."""

    def __init__(self, world: World, plan: ProxyPlan) -> None:
        self._world = world
        self._plan = plan
        self._lock = asyncio.Lock()
        self._pac: Pac | None = None
        self._due = self._asked = 0.0
        self._closed = False
        self.held: Held | None = None
        self.problem = ""
        """Why no file came at the last try; empty where one did."""

    async def ask(self, target: Target, url: str) -> tuple[pac.Entry, ...]:
        """Return the ways that the file names for a URL, in order.

        Raises:
            ReplacedError: the file was closed.
            PolicyError: there is no file, or it gave nothing that can be used.
            NetworkError: the file cannot be had.
            ComponentError: its process cannot be started.

        """
        async with self._lock:
            if self._closed:
                raise ReplacedError
            script = await self._script()
            try:
                answer = await script.find(url, target)
            except pac.PacError as error:
                if not error.by_clock:
                    raise
                answer = await script.find(url, target)  # once more; an endless file ends by CPU
            return pac.usable(answer.result)

    def doubt(self) -> None:
        """Have the file asked for anew: it led nowhere, and its server may have mended it."""
        self._due = min(self._due, self._asked + AGAIN)

    async def close(self) -> None:
        """End the process; who asks now is told so."""
        async with self._lock:
            self._closed = True
            if self._pac:
                await self._pac.close()

    async def _script(self) -> "Pac":
        """Return the file, fetched if it is due; an old one serves on while no new one comes."""
        now = self._world.host.now()
        if now >= self._due:
            self._asked = now
            try:
                held = await self._fetch()
                await self._take(held)
            except RingfenceError as error:
                self.problem, self._due = str(error), now + AGAIN
                logger.warning("proxy.no_file: %s", error)
                if self._pac is None:
                    raise
            else:
                self.problem, self._due = "", now + FRESH
        if self._pac is None:
            raise NetworkError(self.problem)
        return self._pac

    async def _take(self, held: Held) -> None:
        """Go on with a file, if it is another one."""
        from ringfence.runtime.pac import Pac

        if self._pac is None:
            world = self._world
            self._pac = Pac(world.host, world.egress, held.data, self._plan.own)
        elif self.held is None or held.data != self.held.data:
            await self._pac.take(held.data)
        self.held = held
        logger.info("proxy.file: %s, by %s", held.source.url, held.source.named_by)

    async def _fetch(self) -> Held:
        """Return the file of the first source that has one.

        Raises:
            PolicyError: nothing says where it is.
            NetworkError: none has it; the message has the reason of each.

        """
        from ringfence.runtime.download import download

        plan, reasons = self._plan, list(self._plan.unusable)
        for source in plan.sources:
            try:
                data = await download(self._world, plan.reach, source.url, source.named_by)
                pac.script(data)
            except RingfenceError as error:
                reasons.append(f"{source.named_by}, {source.url}: {error}")
            else:
                return Held(source, self._world.host.wall(), data)
        if plan.sources:
            raise NetworkError(f"no PAC file: {'; '.join(reasons)}")
        why = "; ".join(reasons) or "neither DHCP option 252 nor a domain says where it is"
        raise PolicyError("pac-not-found", f"no PAC file: {why}", "name it in PAC_URL")
