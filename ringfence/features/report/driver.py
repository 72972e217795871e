"""Send reports when they are due, and when someone asks; one at a time."""

import asyncio
import json
import logging
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict

from ringfence.config.catalog.values import ReportWhen
from ringfence.config.parameter import Level
from ringfence.config.snapshot import Snapshot
from ringfence.errors import ComponentError, ConfigError, NetworkError, RingfenceError
from ringfence.features.report.engine import ReportEngine
from ringfence.features.report.plan import TAG, ReportPlan, plan
from ringfence.policy.credentials import masked
from ringfence.policy.uploads import Upload
from ringfence.policy.wrapping import wrapped
from ringfence.runtime.alarm import woken
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Page, Status, stamp

logger = logging.getLogger(__name__)

RECORD = "report.json"
"""How the last report came out, and which local changes the provider knows."""
LOOK = 1.0
"""Seconds between two looks for a local change, where one is to be reported."""
REASON_LIMIT = 800


class Sent(Struct, frozen=True):
    """How the last report came out."""

    at: float = 0.0
    """Seconds since the epoch; 0 where there was none."""
    url: str = ""
    reason: str = ""
    """Why it failed; empty where it did not."""
    mark: str = ""
    """`content.mark` of the local values that were reported; empty where none ever were."""


class ReportDriver:
    """Reports the configuration of this phone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._engine = ReportEngine(world.host.entropy)
        self._plan: ReportPlan | None = None
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._last = _recorded(world)
        self._seen: Snapshot | None = None
        """The settings at the last look for a local change."""
        self._tried = ""
        """`content.mark` of what a report told in vain; whether it tries again is the engine's."""
        world.commands.register(Command("report", Level.ADMIN, self._command))

    async def apply(self, key: str, plan: ReportPlan) -> None:
        """Go by a new plan."""
        if self._plan is None:
            self._world.spawn(self._run())
        if plan.rule:
            self._engine.receive_timing(plan.timing, self._world.host.now())
        self._plan = plan
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Report nothing any more; a plan is always there, so only a stopping phone asks."""
        self._plan = None

    async def close(self) -> None:
        """Begin no other report."""
        self._plan = None

    def status(self) -> Status:
        """Return when the last report was, how it came out, and when the next one is due."""
        rows = [("Last Report", _words(self._last))]
        if self._last.url:
            rows.append(("Report URL", self._last.url))
        if self._last.reason:
            rows.append(("Reason", self._last.reason))
        due = self._engine.get_timer() if self._ready else None
        if due is not None:
            rows.append(("Next Report", f"in {max(0.0, due - self._world.host.now()):.0f} s"))
        if self._plan is not None and self._plan.rule and self._plan.waiting:
            rows.append(("Waiting", self._plan.waiting))
        data = {name: value for name, value in asdict(self._last).items() if name != "mark"}
        return Status(self._health(), tuple(rows), data, "Report", Page.DOWNLOADS)

    def _health(self) -> Health:
        if self._plan is None:
            return Health.STARTING
        if not self._plan.rule:
            return Health.DISABLED
        return Health.FAILED if self._last.reason else Health.RUNNING

    @property
    def _ready(self) -> bool:
        return self._plan is not None and bool(self._plan.rule) and not self._plan.waiting

    @property
    def _watching(self) -> bool:
        """Return whether a local change is to be reported."""
        when = self._plan.timing.when if self._plan and self._plan.rule else None
        return when is ReportWhen.ON_LOCAL_CHANGE

    async def _run(self) -> None:
        """Wait until a report is due, and send it; never returns."""
        host = self._world.host
        while True:
            self._wake.clear()
            now = host.now()
            if self._watching:
                self._look(now)
            if self._ready and self._engine.next_event(now):
                await self._report()
                continue
            timer = self._engine.get_timer() if self._ready else None
            if self._watching:
                timer = now + LOOK if timer is None else min(timer, now + LOOK)
            await woken(self._wake, timer, now)

    def _look(self, now: float) -> None:
        """Notice local values that the provider does not know yet, also those of before a boot."""
        from ringfence.features.report.content import mark

        snapshot = self._world.snapshot()
        if snapshot is self._seen:
            return
        self._seen, found = snapshot, mark(snapshot)
        if not self._last.mark:
            self._note(Sent(self._last.at, self._last.url, self._last.reason, found))
        elif found == self._last.mark:
            self._tried = ""
        elif found != self._tried:
            self._engine.receive_change(now)

    async def _report(self) -> Mapping[str, object]:
        """Send one report of the settings as they are now; return how it came out."""
        async with self._turn:
            snapshot, url, reason = self._world.snapshot(), "", ""
            decided = plan(snapshot.settings, self._world.facts()).plans[""]
            try:
                if (upload := decided.upload()) is None:
                    self._engine.receive_result(self._world.host.now(), good=True)
                    return {"url": "", "result": "skipped", "reason": "no part of the rule holds"}
                url = masked(str(upload.url))
                await self._send(decided, upload, snapshot)
            except RingfenceError as error:
                reason = str(error)[:REASON_LIMIT]
                logger.warning("report.failed: %s", f"{url}: {reason}" if url else reason)
            else:
                logger.info("report.sent: %s", url)
            self._record(snapshot, url, reason)
        return {"url": url, "result": "failure" if reason else "success", "reason": reason}

    async def _send(self, decided: ReportPlan, upload: Upload, snapshot: Snapshot) -> None:
        from ringfence.features.report.content import document
        from ringfence.runtime.upload import Content, send

        host, firmware = self._world.host, self._world.facts().identity.firmware
        plain = document(snapshot, firmware, delta=upload.delta)
        key, keying = upload.key.reveal(), decided.content_key.reveal()
        body, coding = wrapped(plain, key, keying, host.entropy)
        kind = "application/octet-stream" if key else "text/xml; charset=utf-8"
        headers = {"Content-Type": kind, **({"Content-Encoding": coding} if coding else {})}
        content = Content(decided.method, body, headers)
        await send(self._world, decided.reach, upload, content, TAG)

    def _record(self, snapshot: Snapshot, url: str, reason: str) -> None:
        from ringfence.features.report.content import mark

        told = mark(snapshot)
        known, self._tried = (self._last.mark, told) if reason else (told, "")
        self._seen = None  # what changed meanwhile is another change
        self._note(Sent(self._world.host.wall(), url, reason, known))
        self._engine.receive_result(self._world.host.now(), good=not reason)
        self._wake.set()

    def _note(self, sent: Sent) -> None:
        self._last = sent
        try:
            self._world.host.write(RECORD, json.dumps(asdict(sent)).encode())
        except ComponentError as error:
            logger.warning("report.not_noted: %s", error)

    async def _command(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Report now; return how it came out."""
        if self._plan is None or not self._plan.rule:
            raise ConfigError(TAG, "is empty: there is nowhere to report to")
        if self._plan.waiting:
            raise NetworkError(self._plan.waiting)
        return await self._report()


def _words(sent: Sent) -> str:
    if not sent.at:
        return "none yet"
    time = stamp(sent.at)
    return f"{time} {'failure' if sent.reason else 'success'}"


def _recorded(world: World) -> Sent:
    """Return the last report before this boot; one that cannot be read counts as none."""
    if not world.host.names(RECORD):
        return Sent()
    try:
        held = json.loads(world.host.read(RECORD))
        return Sent(float(held["at"]), str(held["url"]), str(held["reason"]), str(held["mark"]))
    except (ComponentError, ValueError, KeyError, TypeError):
        return Sent()
