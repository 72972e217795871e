"""The time-out of changes that must be confirmed, in a phone that runs."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from ringfence.errors import ConfigError
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory

logger = logging.getLogger(__name__)


class Confirmation:
    """Waits for a confirmation, and takes the changes back where none comes."""

    def __init__(
        self, memory: Memory, host: Host, undone: Callable[[tuple[str, ...]], None]
    ) -> None:
        """Call `undone` with the tags of what was taken back."""
        self._memory = memory
        self._host = host
        self._undone = undone
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Count for the changes that wait now, and no longer for others."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if (left := self._left()) is not None:
            self._timer = asyncio.get_running_loop().call_later(left, self._undo)

    async def confirm(self, _: Mapping[str, str]) -> Mapping[str, object]:
        """Let the changes stand; the command of this name.

        Raises:
            ConfigError: nothing waits for it.
            ComponentError: the store could not be written.

        """
        if not (tags := self._memory.confirm()):
            undone = ", ".join(self._memory.undone)
            why = f"{undone}: undone already" if undone else "no change waits for it"
            raise ConfigError("confirm", why, "change it again, and confirm in time")
        self.watch()
        logger.info("settings.confirmed: %s", ", ".join(tags))
        return {"confirmed": sorted(tags)}

    def rows(self) -> list[tuple[str, str]]:
        """Return what the status page says of changes that wait, or that were undone."""
        if held := self._memory.unconfirmed:
            left = self._left()
            when = f"{held.within:g} s after a reboot" if left is None else f"in {left:.0f} s"
            return [("Not Confirmed", f"{', '.join(held.before)}: undone {when}")]
        if undone := self._memory.undone:
            return [("Undone", f"{', '.join(undone)}: not confirmed in time")]
        return []

    def data(self) -> Mapping[str, object]:
        """Return the same for programs."""
        held, left = self._memory.unconfirmed, self._left()
        seconds = None if left is None else round(left, 1)
        waits = {"parameters": sorted(held.before), "seconds": seconds} if held else None
        return {"unconfirmed": waits, "undone": sorted(self._memory.undone)}

    def _left(self) -> float | None:
        """Return the seconds that are left; None where no time runs."""
        held = self._memory.unconfirmed
        if held is None or held.until is None:
            return None
        return max(0.0, held.until - self._host.now())

    def _undo(self) -> None:
        self._timer = None
        self._memory.undo()
        self._undone(self._memory.undone)
