"""One file: fetched where it is named, asked about each day, kept over a reboot."""

import asyncio
import logging
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import asdict, replace

from ringfence.errors import ComponentError, RingfenceError
from ringfence.features.downloads.fetch import fetched, shown
from ringfence.features.downloads.kept import Kept, load, save, source
from ringfence.features.downloads.plan import FilePlan
from ringfence.messages import _
from ringfence.policy.credentials import masked
from ringfence.policy.rules import Url
from ringfence.protocols.dictionary import LIMITS, Words
from ringfence.protocols.http_cache import Validators, is_kept, lifetime, validators
from ringfence.runtime.alarm import woken
from ringfence.runtime.download import Received
from ringfence.runtime.feature import World
from ringfence.runtime.outcome import Outcome, outcome
from ringfence.runtime.picture import Picture, Pictures
from ringfence.runtime.state import stamp

logger = logging.getLogger(__name__)

SCREEN = (800, 480)
"""Pixels of the screen, width and height."""
LARGEST = 2 << 20
"""Bytes of a picture."""
DAY, LEAST = 86400, 3600
"""Seconds after which a file is asked about again, and at least, whatever its server says."""
RETRY, LONGEST = 60.0, 3600.0
"""Seconds after a first failure, and at most; each further one doubles them."""


class Labels(Struct, frozen=True):
    """What stands before the rows of a file."""

    server: str
    last: str
    shown: str
    kept: str


LABELS = {
    "picture": Labels(
        _("Picture Server"), _("Picture Last"), _("Picture Shown"), _("Picture Kept")
    ),
    "logo": Labels(_("Logo Server"), _("Logo Last"), _("Logo Shown"), _("Logo Kept")),
    "dictionary": Labels(
        _("Dictionary Server"), _("Dictionary Last"), _("Dictionary Words"), _("Dictionary Kept")
    ),
}


class Keeper:
    """Keeps one file as its server has it."""

    def __init__(
        self,
        world: World,
        key: str,
        pictures: Pictures,
        changed: Callable[[Kept | None], None] | None,
    ) -> None:
        """Take what is kept since the last boot; `changed` hears of whatever comes after."""
        self._world = world
        self._file = f"download-{key}"
        self.labels = LABELS[key]
        self._pictures = pictures
        self._changed = changed
        self._wake = asyncio.Event()
        self._due = 0.0
        self._failures = 0
        self._unsaved = ""
        self.plan: FilePlan | None = None
        self.last: Outcome | None = None
        self.kept: Kept | None = None

    def take(self, plan: FilePlan) -> None:
        """Go by a plan; another URL, or another way after a failure, calls for a question."""
        before, self.plan = self.plan, plan
        if before is None:
            self._world.spawn(self._run())
            if plan.is_wanted:
                self._take(load(self._world.host, self._file))
        failed = bool(self.last and self.last.problem)
        if before is None or before.url != plan.url or (failed and before.reach != plan.reach):
            self._due, self._failures, self.last = self._world.host.now(), 0, None
        if not plan.is_wanted:
            self._forget()
        self._wake.set()

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield the rows of the status; none where nothing is wanted."""
        plan, kept, labels = self.plan, self.kept, self.labels
        if plan is None or not plan.is_wanted:
            return
        if plan.url:
            yield labels.server, masked(str(plan.url))
        if plan.problem:
            yield labels.last, f"failed: {plan.problem}"
        elif self.last:
            yield labels.last, self.last.words()
        if plan.url and plan.waiting:
            yield "Waiting", plan.waiting
        if kept:
            yield labels.shown, f"{_words(kept)}, {kept.size} bytes of {stamp(kept.at)}"
        if self._unsaved:
            yield labels.kept, f"until the next start: {self._unsaved}"

    @property
    def problem(self) -> str:
        """Return why nothing came of the last question; empty where something did."""
        own = self.plan.problem if self.plan else ""
        return own or (self.last.problem if self.last else "")

    def data(self) -> dict[str, object]:
        """Return the same for programs."""
        kept = self.kept
        picture = kept.content if kept and isinstance(kept.content, Picture) else None
        return {
            "wanted": bool(self.plan and self.plan.is_wanted),
            "last": asdict(self.last) if self.last else None,
            "problem": self.problem,
            "name": kept.name if kept else "",
            "bytes": kept.size if kept else 0,
            "digest": picture.digest if picture else "",
        }

    async def _run(self) -> None:
        """Ask whenever it is time to; never returns."""
        while True:
            self._wake.clear()
            now, plan = self._world.host.now(), self.plan
            url = plan.url if plan and not plan.waiting else None
            if plan and url and now >= self._due:
                await self._ask(plan, url)
                continue
            await woken(self._wake, self._due if url else None, now)

    async def _ask(self, plan: FilePlan, url: Url) -> None:
        """Ask the server once; whatever fails leaves what is kept."""
        host, problem = self._world.host, ""
        got, kept = None, None
        origin = source(f"{plan.language} {url}")
        known = self.kept.validators if self.kept and self.kept.source == origin else Validators()
        limit = LIMITS.size if plan.language else LARGEST
        try:
            got = await fetched(self._world, plan.reach, url, plan.tag, limit, known)
            kept = await self._read(plan, got, origin)
        except RingfenceError as error:
            problem = str(error)
        if self.plan is None or self.plan.url != url:
            return  # another one is wanted meanwhile
        secured = got.answer.secured if got and got.answer else None
        self.last = outcome(host.wall(), masked(str(url)), secured, problem)
        if got is None or kept is None:
            logger.warning("downloads.failed: %s: %s", masked(str(url)), self.last.problem)
            wait = min(RETRY * 2**self._failures, LONGEST)
            self._failures = min(self._failures + 1, 10)
        else:
            fields = got.answer.response.fields if got.answer else ()
            said = lifetime(fields)
            wait = float(min(max(DAY if said is None else said, LEAST), DAY))
            self._failures = 0
            await self._keep(kept, new=not got.unchanged, durable=is_kept(fields))
        spread = int.from_bytes(host.entropy(2)) / 65536 * 0.1
        self._due = host.now() + wait * (1 - spread)

    async def _read(self, plan: FilePlan, got: Received, origin: str) -> Kept:
        """Return what is to be kept of an answer; raises `RingfenceError`."""
        at = self._world.host.wall()
        if got.unchanged and self.kept:
            return replace(self.kept, at=at)
        content = await shown(self._pictures, got.body, None if plan.language else SCREEN)
        fields = got.answer.response.fields if got.answer else ()
        name = got.url.path.partition("?")[0].rpartition("/")[2][:40]
        return Kept(
            origin,
            name,
            at,
            len(got.body),
            content,
            validators(fields),
            plan.language,
        )

    async def _keep(self, kept: Kept, *, new: bool, durable: bool) -> None:
        if not new:
            self.kept = kept
            return
        self._take(kept)
        self._unsaved = ""
        logger.info("downloads.shown: %s: %s", kept.name, _words(kept))
        try:
            if durable:
                await asyncio.to_thread(save, self._world.host, self._file, kept)
            else:
                self._unsaved = "its server says no-store"
                self._world.host.remove(self._file)
        except ComponentError as error:
            self._unsaved = str(error)
            logger.warning("downloads.not_kept: %s", error)

    def _take(self, kept: Kept | None) -> None:
        if kept is not None or self.kept is not None:
            self.kept = kept
            if self._changed:
                self._changed(kept)

    def _forget(self) -> None:
        self.last, self._unsaved = None, ""
        self._take(None)
        try:
            if self._world.host.names(self._file):
                self._world.host.remove(self._file)
        except ComponentError as error:
            logger.warning("downloads.not_removed: %s", error)


def _words(kept: Kept) -> str:
    content = kept.content
    if isinstance(content, Words):
        skipped = f", {content.skipped} skipped" if content.skipped else ""
        return f"{len(content.phrases)} phrases{skipped}"
    return f"{content.width} x {content.height} of {content.was}"
