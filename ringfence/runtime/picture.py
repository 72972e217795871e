"""Pictures of strangers, turned into ones that can be shown by a process that can do nothing else.

What comes back is a PNG without anything besides its pixels, no larger than the screen; the phone
itself never decodes what a server sent (architecture A.4).
"""

import asyncio
import base64
import hashlib
import importlib.util
import signal
from pathlib import Path

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.runtime.host_child import Child, dependent

WALL = 15.0
"""Seconds after which the process is killed; it has fewer of CPU."""
LONGEST_LINE = 4 << 20
"""Bytes of its answer: a picture of 800 x 480 that cannot be packed has less than half of it."""


class Picture(Struct, frozen=True, tag=True):
    """A picture that can be shown."""

    png: bytes
    width: int
    height: int
    was: str
    """What it was made from, `JPEG, 1600 x 960`."""
    digest: str
    """A name that no other picture has."""


class _Said(Struct, frozen=True):
    """The line of the process."""

    refused: str = ""
    png: str = ""
    width: int = 0
    height: int = 0
    was: tuple[str, int, int] = ("", 0, 0)


class Pictures:
    """Decodes one picture at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def decode(self, data: bytes, width: int, height: int) -> Picture:
        """Return the picture that a file holds, made to fit into so many pixels.

        Raises:
            RemoteProtocolError: it is no BMP, JPEG or PNG, or takes too much of something.
            ComponentError: the process cannot be started.

        """
        async with self._lock:
            said = await _asked(f"{width} {height} ".encode() + base64.b64encode(data))
        if said.refused or not said.png:
            raise RemoteProtocolError(f"the picture is refused: {said.refused or 'nothing came'}")
        kind, *size = said.was
        was = f"{kind}, {size[0]} x {size[1]}"
        png = base64.b64decode(said.png)
        digest = hashlib.sha256(png).hexdigest()[:16]
        return Picture(png, said.width, said.height, was, digest)


async def _asked(order: bytes) -> _Said:
    child = await Child.start(_command(), {}, LONGEST_LINE)
    status = None
    try:
        line = await child.ask(order, WALL)
        if line:
            return msgspec.json.decode(line, type=_Said)
        status = await child.end()
    except TimeoutError:
        return _Said(refused=f"it was not decoded within {WALL:g} s")
    except ValueError:  # a line too long, or no JSON of ours
        return _Said(refused="its process said what nobody asked")
    finally:
        if status is None:
            await child.end()
    return _Said(refused=f"its process {_end(status)}")


def _command() -> tuple[str, ...]:
    """Return the words that start the process. Raises `ComponentError` without the library."""
    library = importlib.util.find_spec("PIL")
    if library is None or library.origin is None:
        raise ComponentError("Pillow", "is not installed")
    folder = Path(library.origin).parent.parent
    return dependent("ringfence.runtime.picture_child", str(folder))


def _end(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself, status {status}"
