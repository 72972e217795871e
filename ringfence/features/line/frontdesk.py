"""The calls of the phone as its lines see them: what handles calls is loaded for the first one."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ringfence.features.line.path import OpenMedia, Path, PathOf, WayOut
from ringfence.features.line.reception import Reception, Refusals, RemoteCommands
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import Message
from ringfence.runtime.feature import World

if TYPE_CHECKING:
    from ringfence.features.line.switchboard import Switchboard
    from ringfence.protocols.sip.summary import Summary


class FrontDesk:
    """Stands before the switchboard; while nobody needs it there are no calls."""

    def __init__(self, world: World, open_media: OpenMedia, way_out: WayOut) -> None:
        self._world, self._open_media, self._way_out = world, open_media, way_out
        self._remote = RemoteCommands(world)
        self.refusals = Refusals(world.host.now)
        self.mailboxes: dict[str, Summary] = {}
        """What waits for each user of a line, as its proxy told last."""

    @cached_property
    def board(self) -> "Switchboard":
        """What handles calls; a registration does without, and comes milliseconds earlier."""
        from ringfence.features.line.switchboard import Switchboard

        return Switchboard(self._world, self._open_media, self._way_out)

    def open(self) -> None:
        """Load what handles calls, so that the first one need not wait for that."""
        _ = self.board

    @property
    def _staffed(self) -> bool:
        return "board" in self.__dict__

    def reception(self, path_of: PathOf) -> Reception:
        """Return what hands us the requests of one port or connection."""
        return Reception(self, self._remote, self.refusals, path_of)

    def busy(self, n: int) -> bool:
        """Return whether a line has a call."""
        return self._staffed and self.board.busy(n)

    async def until_idle(self, n: int) -> None:
        """Return once a line has no call."""
        if self._staffed:
            await self.board.until_idle(n)

    def peers(self) -> Iterator[str]:
        """Return the addresses that calls may hear from."""
        return self.board.peers() if self._staffed else iter(())

    def take(self, asked: Asked, now: float) -> bool:
        """Take a request of a call that there is; False for none."""
        return self._staffed and self.board.take(asked, now)

    def begin(self, path: Path, asked: Asked, now: float) -> int:
        """Begin the call of an INVITE; return 0, or the status that refuses it."""
        return self.board.begin(path, asked, now)

    def receive_response(self, message: Message, address: str) -> bool:
        """Take a response of `read_response`; False where it is for no call."""
        return self._staffed and self.board.receive_response(message, address)

    def close(self) -> None:
        """Hang up every call."""
        if self._staffed:
            self.board.close()

    def leave(self) -> None:
        """Write down the calls that there were."""
        if self._staffed:
            self.board.recent.close()
