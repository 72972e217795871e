"""Pictures of who calls: fetched while a call rings, kept in memory alone."""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import asdict

from ringfence.errors import RingfenceError
from ringfence.features.downloads.fetch import fetched, shown
from ringfence.features.downloads.plan import CALLER_TAG, CallerPlan
from ringfence.policy.credentials import masked
from ringfence.policy.macros import caller_number
from ringfence.protocols.http_cache import Validators
from ringfence.runtime.feature import World
from ringfence.runtime.outcome import Outcome, outcome
from ringfence.runtime.picture import Picture, Pictures

logger = logging.getLogger(__name__)

FACE = (120, 120)
"""Pixels of a picture, width and height."""
LARGEST = 256 << 10
"""Bytes of a file."""
MOST, AT_ONCE = 16, 2
"""Callers that are remembered, and servers' answers that are waited for at once."""
KEPT, MISSED = 3600.0, 300.0
"""Seconds that a picture counts, and that nobody is asked again for one that did not come."""


class _Known(Struct):
    """What is known of a caller."""

    until: float
    """Monotonic seconds."""
    picture: Picture | None


class Callers:
    """The pictures of those who called last."""

    def __init__(self, world: World, pictures: Pictures) -> None:
        self._world = world
        self._pictures = pictures
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asked: set[str] = set()
        self._last: Outcome | None = None
        self.plan: CallerPlan | None = None

    def take(self, plan: CallerPlan) -> None:
        """Go by a plan; another address makes every caller unknown."""
        if self.plan is None or self.plan.pattern != plan.pattern:
            self._known.clear()
            self._last = None
        self.plan = plan

    async def find(self, peer: str) -> Picture | None:
        """Return the picture of who calls; None where there is none, or too many are sought."""
        plan, number = self.plan, caller_number(peer)
        if plan is None or not plan.is_wanted or plan.problem or plan.waiting or not number:
            return None
        now, held = self._world.host.now(), self._known.get(number)
        if held and now < held.until:
            self._known.move_to_end(number)
            return held.picture
        if number in self._asked or len(self._asked) >= AT_ONCE:
            return None
        self._asked.add(number)
        try:
            picture = await self._ask(plan, number)
        finally:
            self._asked.discard(number)
        if self.plan and self.plan.pattern == plan.pattern:
            until = self._world.host.now() + (KEPT if picture else MISSED)
            self._known[number] = _Known(until, picture)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return picture

    def of(self, digest: str) -> Picture | None:
        """Return a picture by its digest."""
        pictures = (known.picture for known in self._known.values())
        return next((one for one in pictures if one and one.digest == digest), None)

    @property
    def problem(self) -> str:
        """Return why no picture came; empty where one did."""
        own = self.plan.problem if self.plan else ""
        return own or (self._last.problem if self._last else "")

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield the rows of the status, without the number of anybody."""
        plan = self.plan
        if plan is None or not plan.is_wanted:
            return
        yield "Caller Picture Server", masked(plan.pattern)
        if plan.problem:
            yield "Caller Picture Last", f"failed: {plan.problem}"
        elif self._last:
            yield "Caller Picture Last", self._last.words()

    def data(self) -> dict[str, object]:
        """Return the same for programs."""
        wanted = bool(self.plan and self.plan.is_wanted)
        last = asdict(self._last) if self._last else None
        return {"wanted": wanted, "last": last, "problem": self.problem}

    async def _ask(self, plan: CallerPlan, number: str) -> Picture | None:
        picture, got, problem = None, None, ""
        try:
            url = plan.url(quote(number, safe=""))
            got = await fetched(self._world, plan.reach, url, CALLER_TAG, LARGEST, Validators())
            made = await shown(self._pictures, got.body, FACE)
            picture = made if isinstance(made, Picture) else None
        except RingfenceError as error:
            problem = str(error).replace(number, "…").replace(quote(number, safe=""), "…")
        except ValueError as error:
            problem = str(error)
        secured = got.answer.secured if got and got.answer else None
        self._last = outcome(self._world.host.wall(), masked(plan.pattern), secured, problem)
        if problem:
            logger.warning("downloads.no_caller_picture: %s", self._last.problem)
        return picture
