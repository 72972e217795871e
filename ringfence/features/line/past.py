"""How the lines stood in the last day, also while nobody looked."""

import asyncio
from collections.abc import Mapping

from ringfence.features.line.line import Line
from ringfence.features.line.status import title
from ringfence.messages import _
from ringfence.policy.history import Lanes, Stood
from ringfence.runtime.feature import World

LOOK = 5.0
"""Seconds between two looks at which lines are registered."""


class Past:
    """Which lines were registered, and when."""

    def __init__(self, world: World, lines: Mapping[str, Line]) -> None:
        """Go by lines that come and go."""
        self._world = world
        self._lines = lines
        self._stood: Stood | None = None

    def begin(self) -> None:
        """Remember from now on."""
        if self._stood is None:
            self._stood = Stood(self._world.host.now())
            self._world.spawn(self._remember())

    def note(self, heard: str = "") -> None:
        """Note how the lines stand; only one that was just `heard` of can say why."""
        if self._stood is None:
            return
        states = {}
        for key, line in self._lines.items():
            if line.plan.used and line.plan.registers:
                why = line.reason if key == heard else line.plan.refused
                states[title(line)] = line.registered, line.transport if line.registered else why
        self._stood.note(self._world.host.now(), states)

    def plots(self) -> tuple[Lanes, ...]:
        """Return what to draw of it; nothing where there were no lines."""
        self.note()
        if self._stood is None:
            return ()
        past = self._stood.lanes(_("Registration"), "registration", self._world.host.now())
        return (past,) if past.lanes else ()

    async def _remember(self) -> None:
        while True:
            self.note()
            await asyncio.sleep(LOOK)
