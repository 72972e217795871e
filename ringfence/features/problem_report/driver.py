"""Make problem reports, keep the last of them, and send them; one at a time."""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from ringfence.config.parameter import Level
from ringfence.errors import ComponentError, RingfenceError
from ringfence.features.problem_report.journal import Journal
from ringfence.features.problem_report.plan import SUFFIX, TAG, ProblemReportPlan, plan
from ringfence.policy.credentials import masked
from ringfence.runtime.alarm import woken
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.keeper import history
from ringfence.runtime.log import WHOLE, listen
from ringfence.runtime.state import Health, Page, Status, stamp

if TYPE_CHECKING:
    from ringfence.runtime.upload import Content

logger = logging.getLogger(__name__)

RECORD = "problem-report.json"
"""How the last problem report came out."""
KEPT = 3
"""Problem reports that stay on the disk."""
FIELD = "prt_file"
"""Field of the form that carries the file. Source: phone-facts 7, PRT upload."""
KIND = "application/gzip"
REASON_LIMIT = 800


class Made(Struct, frozen=True):
    """How the last problem report came out."""

    at: float = 0.0
    """Seconds since the epoch; 0 where there was none."""
    file: str = ""
    """In the state folder; empty where none could be made."""
    url: str = ""
    """Where it was sent to; empty where it was only kept."""
    reason: str = ""
    """Why it could not be made or sent; empty where all went well."""
    crash: str = ""
    """The last crash that called for one, as the history of reboots has it."""

    @property
    def result(self) -> str:
        """Return a word for it."""
        return "failure" if self.reason else "success" if self.url else "kept"


class ProblemReportDriver:
    """Reports what a fault may be found by."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: ProblemReportPlan | None = None
        self._due: float | None = None
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._journal = Journal()
        self._last = _recorded(world)
        world.commands.register(Command("problem-report", Level.ADMIN, self._command))

    async def apply(self, key: str, plan: ProblemReportPlan) -> None:
        """Go by a new plan."""
        before, self._plan = self._plan, plan
        if before is None:
            listen(self._journal)
            self._world.spawn(self._run())
        if before is None or before.interval != plan.interval:
            now = self._world.host.now()
            self._due = None if plan.interval is None else now + plan.interval
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Make none any more; a plan is always there, so only a stopping phone asks."""
        await self.close()

    async def close(self) -> None:
        """Remember nothing any more."""
        logging.getLogger(WHOLE).removeHandler(self._journal)
        self._plan = None

    def status(self) -> Status:
        """Return how the last one came out, and which are kept."""
        rows = [("Last Problem Report", _words(self._last))]
        if self._last.url:
            rows.append(("Upload URL", self._last.url))
        if self._last.reason:
            rows.append(("Reason", self._last.reason))
        files = self._files()
        rows += [(f"File {n}", name) for n, name in enumerate(reversed(files), 1)]
        data = {**asdict(self._last), "files": files, "newest": next(reversed(files), "")}
        return Status(self._health(), tuple(rows), data, "Problem Report", Page.DEBUG)

    def _health(self) -> Health:
        if self._plan is None:
            return Health.STARTING
        if self._last.reason:
            return Health.FAILED
        automatic = self._plan.rule or self._plan.interval
        return Health.RUNNING if automatic else Health.DISABLED

    def _files(self) -> list[str]:
        return self._world.host.names(f"problem-report-*{SUFFIX}")

    async def _run(self) -> None:
        """Wait until one is due without being asked for, and make it; never returns."""
        host = self._world.host
        while True:
            self._wake.clear()
            now, plan = host.now(), self._plan
            ready = plan is not None and not plan.waiting
            if plan is not None and ready and plan.at_crash and (crash := self._crash()):
                self._note(replace(self._last, crash=crash))  # once, whatever becomes of it
                await self._make(send=True)
                continue
            if plan is not None and ready and self._due is not None and now >= self._due:
                self._due = None if plan.interval is None else now + plan.interval
                await self._make(send=True)
                continue
            due = self._due if ready else None
            await woken(self._wake, due, now)

    def _crash(self) -> str:
        """Return the crash that this life of the phone followed, where none was reported of it."""
        newest = next(iter(history(self._world.host)), "")
        return newest if "] Crash" in newest and newest != self._last.crash else ""

    async def _make(self, *, send: bool) -> Made:
        """Make one, keep it, and send it where a rule says so; return how it came out."""
        async with self._turn:
            made = Made(self._world.host.wall(), crash=self._last.crash)
            try:
                name, data = await self._file(made.at)
                made = replace(made, file=name)
                if send:
                    made = await self._sent(made, data)
            except RingfenceError as error:
                made = replace(made, reason=str(error)[:REASON_LIMIT])
            self._note(made)
        if made.reason:
            logger.warning("problem_report.failed: %s", made.reason)
        else:
            logger.info("problem_report.made: %s %s", made.file, made.url)
        return made

    async def _file(self, at: float) -> tuple[str, bytes]:
        """Return name and contents of a new file on the disk; the oldest makes room."""
        from ringfence.features.problem_report import bundle
        from ringfence.runtime.phone import report

        host, snapshot = self._world.host, self._world.snapshot()
        status, log = report(self._world.statuses()), self._journal.lines()
        ruleset, reboots, trace = self._ruleset(), history(host), host.trace

        def packed() -> bytes:
            members = dict(bundle.texts(snapshot, status, log, reboots, ruleset))
            if trace:
                members["trace.pcapng"] = trace.heads(bundle.LARGEST)
            return bundle.packed(snapshot, members, at)

        data = await asyncio.to_thread(packed)
        name = datetime.fromtimestamp(at, UTC).strftime(f"problem-report-%Y%m%d-%H%M%S{SUFFIX}")
        host.write(name, data)
        for old in self._files()[:-KEPT]:
            host.remove(old)
        return name, data

    def _ruleset(self) -> str:
        try:
            return self._world.host.nft.run("list ruleset")
        except ComponentError as error:
            return f"# {error}\n"

    async def _sent(self, made: Made, data: bytes) -> Made:
        """Send a file by the settings as they are now."""
        from ringfence.runtime.upload import send

        world = self._world
        decided = plan(world.snapshot().settings, world.facts()).plans[""]
        upload = decided.upload()
        if upload is None:
            return made
        if decided.method == "PUT" and upload.url.path.endswith("/"):
            url = replace(upload.url, path=upload.url.path + decided.name)
            upload = replace(upload, url=url)
        made = replace(made, url=masked(str(upload.url)))
        try:
            await send(world, decided.reach, upload, self._content(decided, data), TAG)
        except RingfenceError as error:
            made = replace(made, reason=str(error)[:REASON_LIMIT])
        return made

    def _content(self, decided: ProblemReportPlan, data: bytes) -> "Content":
        from ringfence.protocols.multipart import FORM, form
        from ringfence.runtime.upload import Content

        headers = {decided.header[0]: decided.header[1].reveal()} if decided.header else {}
        if decided.method == "PUT":
            return Content("PUT", data, {"Content-Type": KIND, **headers})
        boundary = self._world.host.entropy(16).hex()
        body = form(FIELD, decided.name, data, KIND, boundary)
        return Content("POST", body, {"Content-Type": FORM + boundary, **headers})

    def _note(self, made: Made) -> None:
        self._last = made
        try:
            self._world.host.write(RECORD, json.dumps(asdict(made)).encode())
        except ComponentError as error:
            logger.warning("problem_report.not_noted: %s", error)

    async def _command(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Make one now; with `keep` it goes nowhere. Return how it came out."""
        made = await self._make(send=not arguments.get("keep"))
        told = {"file": made.file, "url": made.url, "result": made.result}
        return {**told, "reason": made.reason}


def _words(made: Made) -> str:
    if not made.at:
        return "none yet"
    time = stamp(made.at)
    return f"{time} {made.result}"


def _recorded(world: World) -> Made:
    """Return the last one before this boot; a record that cannot be read counts as none."""
    if not world.host.names(RECORD):
        return Made()
    try:
        held = json.loads(world.host.read(RECORD))
        texts = (str(held[name]) for name in ("file", "url", "reason", "crash"))
        return Made(float(held["at"]), *texts)
    except (ComponentError, ValueError, KeyError, TypeError):
        return Made()
