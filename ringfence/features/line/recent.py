"""The calls that there were: placed, received and missed, kept over a reboot.

Source: phone-facts 8, Web (tab Call History).
"""

import asyncio
import logging

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

FILE = "recent-calls.json"
MOST = 180
"""Calls that are kept; the oldest is forgotten first."""
LARGEST = 256 << 10
"""Bytes of the file, far more than so many calls take."""
WAIT = 1.0
"""Seconds in which further calls end before they are written together."""


class Recent(Struct, frozen=True):
    """One call that is over."""

    kind: str
    """`placed`, `received` or `missed`."""
    line: int
    peer: str
    """SIP URI."""
    name: str
    """How the other side named itself; empty where it did not."""
    at: float
    """When it began, in seconds since 1970."""
    seconds: int | None
    """From answer to end; None where nobody answered."""
    transport: str
    """Of its signalling: UDP, TCP or TLS."""
    srtp: str
    """Suite that protected its audio; empty where nothing did."""
    ended: str
    """Why it ended."""


class RecentCalls:
    """The last calls, the newest first; a file holds them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: list[Recent] | None = None
        self._shown: tuple[dict[str, object], ...] = ()
        self._dirty = asyncio.Event()
        self._writing = asyncio.Lock()

    def add(self, call: Recent) -> None:
        """Note a call; it is on the disk soon after."""
        calls = self._read()
        calls.insert(0, call)
        del calls[MOST:]
        self._changed()
        if not self._dirty.is_set():
            self._dirty.set()
            self._world.spawn(self._write_soon())

    async def forget(self) -> None:
        """Forget all of them.

        Raises:
            ComponentError: the disk refused.

        """
        async with self._writing:
            self._dirty.clear()
            self._calls = []
            self._changed()
            self._world.host.remove(FILE)

    def shown(self) -> tuple[dict[str, object], ...]:
        """Return them as JSON values."""
        self._read()
        return self._shown

    def close(self) -> None:
        """Write what is not written yet."""
        if self._dirty.is_set():
            self._dirty.clear()
            self._write(self._encoded())

    def _read(self) -> list[Recent]:
        """Return the calls; a file that cannot be read counts as none."""
        if self._calls is None:
            self._calls = []
            host = self._world.host
            try:
                if host.names(FILE):
                    self._calls = msgspec.json.decode(host.read(FILE, LARGEST), type=list[Recent])
            except (ComponentError, msgspec.MsgspecError) as error:
                logger.warning("line.recent_calls_unreadable: %s", error)
            del self._calls[MOST:]
            self._changed()
        return self._calls

    def _changed(self) -> None:
        self._shown = tuple(msgspec.to_builtins(call) for call in self._calls or ())

    async def _write_soon(self) -> None:
        await asyncio.sleep(WAIT)
        async with self._writing:
            if self._dirty.is_set():
                self._dirty.clear()
                await asyncio.to_thread(self._write, self._encoded())

    def _encoded(self) -> bytes:
        return msgspec.json.encode(self._calls)

    def _write(self, data: bytes) -> None:
        try:
            self._world.host.write(FILE, data)
        except ComponentError as error:
            logger.warning("line.recent_calls_not_kept: %s", error)


def kind(*, incoming: bool, answered: bool, ended: str) -> str:
    """Return which list a call belongs to; nobody missed what was declined or taken elsewhere."""
    if not incoming:
        return "placed"
    taken = answered or ended.endswith(("declined", "answered elsewhere"))
    return "received" if taken else "missed"
