"""Keep the files, and find the pictures of who calls."""

import base64
from collections.abc import Mapping
from functools import partial

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError
from ringfence.features.downloads.callers import Callers
from ringfence.features.downloads.keeper import Keeper
from ringfence.features.downloads.kept import Kept
from ringfence.features.downloads.plan import CALLER_TAG, CallerPlan, FilePlan
from ringfence.messages.language import Language, Phrases, named
from ringfence.protocols.dictionary import Words
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.picture import Picture, Pictures
from ringfence.runtime.state import Health, Page, Status

TITLE = "Downloads"
BACKGROUNDS = ("picture", "logo")
"""Files of which the screen shows one behind its rows."""


class DownloadsDriver:
    """One keeper for each file, and one for all callers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pictures = Pictures()
        self._files: dict[str, Keeper] = {}
        self._callers = Callers(world, self._pictures)
        world.commands.register(Command("picture", Level.USER, self._picture))
        world.commands.register(Command("caller-picture", Level.USER, self._caller_picture))

    async def apply(self, key: str, plan: FilePlan | CallerPlan) -> None:
        """Go by a new plan of one file, or of the callers."""
        if isinstance(plan, CallerPlan):
            self._callers.take(plan)
            return
        if key not in self._files:
            changed = partial(_speak, self._world) if key == "dictionary" else None
            self._files[key] = Keeper(self._world, key, self._pictures, changed)
        self._files[key].take(plan)

    async def remove(self, key: str) -> None:
        """Fetch nothing any more; plans are always there, so only a stopping phone asks."""
        if key in self._files:
            self._files[key].plan = None

    async def close(self) -> None:
        """Leave what is kept for the next start."""
        for keeper in self._files.values():
            keeper.plan = None

    def status(self) -> Status:
        """Return every file that is wanted: where it is, how the last request came out."""
        rows = [row for keeper in self._files.values() for row in keeper.rows()]
        rows += self._callers.rows()
        data = {key: keeper.data() for key, keeper in self._files.items()}
        data["callers"] = self._callers.data()
        data["background"] = self._background()
        return Status(self._health(), tuple(rows), data, TITLE, Page.DOWNLOADS, self._remedies())

    def _remedies(self) -> Mapping[str, tuple[str, ...]]:
        """Return `{label: tags}` of what failed."""
        keepers = [each for each in self._files.values() if each.plan and each.problem]
        found = {str(each.labels.last): (each.plan.tag,) for each in keepers if each.plan}
        return found | ({"Caller Picture Last": (CALLER_TAG,)} if self._callers.problem else {})

    def _health(self) -> Health:
        if not self._files:
            return Health.STARTING
        wanted = [each for each in self._files.values() if each.plan and each.plan.is_wanted]
        callers = self._callers.plan is not None and self._callers.plan.is_wanted
        if not wanted and not callers:
            return Health.DISABLED
        if any(each.problem for each in wanted) or self._callers.problem:
            return Health.FAILED
        return Health.RUNNING if all(each.last for each in wanted) else Health.PENDING

    def _background(self) -> dict[str, object]:
        """Return what the screen shows behind its rows, by its digest; nothing for nothing."""
        for key in BACKGROUNDS:
            kept = self._files[key].kept if key in self._files else None
            if kept and isinstance(kept.content, Picture):
                return {"kind": key, "name": kept.name, "digest": kept.content.digest}
        return {}

    async def _picture(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Return a picture that is shown now, by its digest.

        Raises:
            ConfigError: none of them has it.

        """
        wanted = given.get("digest", "")
        shown = [keeper.kept.content for keeper in self._files.values() if keeper.kept]
        pictures = (one for one in shown if isinstance(one, Picture) and one.digest == wanted)
        found = next(pictures, None) or self._callers.of(wanted)
        if found is None:
            raise ConfigError("picture", "it is not shown any more", "load the page again")
        return {"png": base64.b64encode(found.png).decode()}

    async def _caller_picture(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Return the digest of the picture of who calls; empty for none."""
        found = await self._callers.find(given.get("peer", ""))
        return {"digest": found.digest if found else ""}


def _speak(world: World, kept: Kept | None) -> None:
    """Have page and screen speak the language of a dictionary, or forget it."""
    language = None
    if kept and isinstance(kept.content, Words):
        phrases = Phrases(kept.content.phrases, named(kept.language))
        language = Language(kept.content.code, phrases, kept.language)
    world.publish(language=language)
