"""Starts the process that reads CDP and LLDP, and takes what it says."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

import ringfence
from ringfence.errors import ComponentError
from ringfence.protocols.discovery import Heard
from ringfence.runtime.host_child import Child

LONGEST_LINE = 256 << 10
_START = (
    "import sys; sys.path += sys.argv[1:3]; del sys.argv[1:3];"
    "from ringfence.runtime.discovery_child import main; main(*sys.argv[1:])"
)
_NAME = "discovery process"


class Reader:
    """A running process; `end` it."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @classmethod
    async def start(cls, frames: int, own: bytes, protocols: Sequence[str]) -> "Reader":
        """Let a process read the packet socket `frames`; what `own` sends does not count.

        It starts with an empty environment and finds Ringfence where this process found it.

        Raises:
            ComponentError: it cannot be started.

        """
        places = [str(Path(module.__file__ or "").parent.parent) for module in (ringfence, msgspec)]
        words = (sys.executable, "-I", "-S", "-c", _START, *places, str(frames), own.hex())
        return cls(await Child.start((*words, *protocols), {}, LONGEST_LINE, (frames,)))

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
