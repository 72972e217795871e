"""Starts the process that reads CDP and LLDP, and takes what it says."""

from collections.abc import Sequence

import msgspec

from ringfence.errors import ComponentError
from ringfence.protocols.discovery import Heard
from ringfence.runtime.host_child import Child, dependent

LONGEST_LINE = 256 << 10
_NAME = "discovery process"


class Reader:
    """A running process; `end` it."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @classmethod
    async def start(cls, frames: int, own: bytes, protocols: Sequence[str]) -> "Reader":
        """Let a process read the packet socket `frames`; what `own` sends does not count.

        Raises:
            ComponentError: it cannot be started.

        """
        words = ("ringfence.runtime.discovery_child", str(frames), own.hex(), *protocols)
        return cls(await Child.start(dependent(*words), {}, LONGEST_LINE, (frames,)))

    async def heard(self) -> Heard:
        """Return what the next frames said.

        Raises:
            ComponentError: it ended, or said what nobody asked.

        """
        try:
            line = await self._child.line()
            if line:
                return msgspec.json.decode(line, type=Heard)
        except ValueError as error:
            raise ComponentError(_NAME, "said what nobody asked") from error
        raise ComponentError(_NAME, "ended")

    async def end(self) -> None:
        """Kill it."""
        await self._child.end()
