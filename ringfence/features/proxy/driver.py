"""Tell Egress the ways of mode Auto, and people what became of every application's last one."""

import asyncio
import contextlib

from ringfence.config.catalog.values import ProxyMode
from ringfence.errors import PolicyError
from ringfence.features.proxy.file import Held, PacFile, ReplacedError
from ringfence.features.proxy.plan import ProxyPlan
from ringfence.policy.applications import APPLICATIONS
from ringfence.policy.route import Route
from ringfence.runtime.egress import Target, Verdict
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status, stamp

TITLE = "HTTP Proxy"
LEAVE = 0.5
"""Seconds that a stopping phone waits for the PAC file's last answer."""


class ProxyDriver:
    """Holds the PAC file of the network that the phone is in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: ProxyPlan | None = None
        self._file: PacFile | None = None
        self._last: Held | None = None
        """The PAC file that was used last."""

    async def apply(self, key: str, plan: ProxyPlan) -> None:
        """Go by a plan; what another network's PAC file said is forgotten."""
        if self._plan is None or plan.routing != self._plan.routing:
            self._world.egress.verdicts.clear()
        self._plan = plan
        self._forget()
        if plan.routing.mode is ProxyMode.AUTO:
            self._file = PacFile(self._world, plan)
            self._world.egress.route_by(self._routes)

    async def remove(self, key: str) -> None:
        """Know no way: Egress refuses mode Auto then."""
        self._plan = None
        self._forget()
        self._world.egress.verdicts.clear()

    async def close(self) -> None:
        """End the process of the PAC file; it ends by itself where someone still asks it."""
        self._world.egress.route_by(None)
        file, self._file, self._plan = self._file, None, None
        if file:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE):
                    await file.close()

    def _forget(self) -> None:
        """Let go of the PAC file; its process ends when it has answered who asked last."""
        self._world.egress.route_by(None)
        file, self._file = self._file, None
        if file:
            self._last = file.held or self._last
            self._world.spawn(self._retire(file))

    async def _retire(self, file: PacFile) -> None:
        """End a file's process, and remember the file where it came just before that."""
        await file.close()
        if file.held and (self._last is None or self._last.at < file.held.at):
            self._last = file.held

    async def _routes(self, target: Target, url: str) -> tuple[Route, ...]:
        """Return the ways for Egress; it asks again where the network changes meanwhile."""
        last = self._world.egress.verdicts.get(target.application.name)
        while (file := self._file) is not None:
            if last and last.problem:
                file.doubt()
            try:
                entries = await file.ask(target, url)
            except ReplacedError:
                continue
            return tuple(Route(entry.host, entry.port) for entry in entries)
        raise PolicyError("proxy-unknown", "nothing says any more by which proxy to go")

    def status(self) -> Status:
        """Return the mode, the PAC file, and what became of the last request of each."""
        plan = self._plan
        if plan is None:
            return Status(Health.DISABLED, title=TITLE)
        verdicts = self._world.egress.verdicts
        used = self._used(plan)
        rows = [("Proxy Mode", plan.routing.mode.value), *self._rows(plan)]
        rows.append(("Proxy In Use", used or "none yet"))
        rows += [(APPLICATIONS[name].title, _words(one)) for name, one in verdicts.items()]
        data = {
            "mode": plan.routing.mode.value,
            "pac": self._told() if self._file else None,
            "in_use": used,
            "applications": {name: _data(one) for name, one in verdicts.items()},
        }
        return Status(self._health(plan), tuple(rows), data, TITLE)

    def _used(self, plan: ProxyPlan) -> str:
        """Return the way of the last request that got anywhere, or the only one there is."""
        if plan.routing.mode is ProxyMode.MANUAL:
            return "" if plan.routing.problem else str(plan.routing.manual)
        good = [one for one in self._world.egress.verdicts.values() if not one.problem]
        return max(good, key=lambda one: one.at).route if good else ""

    def _rows(self, plan: ProxyPlan) -> list[tuple[str, str]]:
        if plan.routing.problem:
            return [("Problem", plan.routing.problem)]
        if self._file is None:
            return []
        held, problem = self._held(), self._file.problem
        text = "none" if problem else "not asked for yet"
        if held:
            text = f"{held.source.url} by {held.source.named_by}, {stamp(held.at)}"
        return [("PAC File", text), *([("Problem", problem)] if problem else [])]

    def _held(self) -> Held | None:
        """Return the PAC file in use, or the one before the network changed, till it is asked."""
        if self._file and (self._file.held or self._file.problem):
            return self._file.held
        known = self._plan.sources if self._plan else ()
        return self._last if self._last and self._last.source in known else None

    def _told(self) -> dict[str, object]:
        held = self._held()
        return {
            "url": str(held.source.url) if held else "",
            "named_by": held.source.named_by if held else "",
            "at": held.at if held else 0.0,
            "problem": self._file.problem if self._file else "",
        }

    def _health(self, plan: ProxyPlan) -> Health:
        file = self._file
        if plan.routing.problem or (file and file.problem and not file.held):
            return Health.FAILED
        verdicts = self._world.egress.verdicts.values()
        if not verdicts:
            return Health.PENDING
        return Health.FAILED if all(one.problem for one in verdicts) else Health.RUNNING


def _words(verdict: Verdict) -> str:
    when = stamp(verdict.at)
    if verdict.problem:
        return f"{when} {verdict.server}: {verdict.problem}"
    note = "; its address is not compared with DNS" if verdict.unconfirmed else ""
    return f"{when} {verdict.server} by {verdict.route}{note}"


def _data(verdict: Verdict) -> dict[str, object]:
    return {
        "at": verdict.at,
        "server": verdict.server,
        "route": verdict.route,
        "problem": verdict.problem,
        "address_compared": not verdict.unconfirmed,
    }
