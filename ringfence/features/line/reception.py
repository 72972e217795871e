"""Where the requests of one port or connection go once they have passed every check."""

import logging
from collections.abc import Mapping
from typing import Protocol

from ringfence.errors import ComponentError, RingfenceError
from ringfence.features.line.path import Path, PathOf
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.response import Source
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

_BECAUSE: Mapping[str, Mapping[str, str]] = {"reboot": {"reason": "SIP Triggered"}}
"""What the history of reboots says. Source: phone-facts 1.7."""


class Calls(Protocol):
    """All calls of the phone."""

    def take(self, asked: Asked, now: float) -> bool:
        """Take a request of a call that there is; False for none."""
        ...

    def begin(self, path: Path, asked: Asked, now: float) -> int:
        """Begin the call of an INVITE; return 0, or the status that refuses it."""
        ...


class RemoteCommands:
    """What a NOTIFY asks of the whole phone, each command once at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: set[str] = set()

    def give(self, command: str) -> None:
        """Give a command, unless the phone is doing that already."""
        if command not in self._running:
            self._running.add(command)
            self._world.spawn(self._run(command))

    async def _run(self, command: str) -> None:
        logger.info("line.notified: %s", command)
        try:
            await self._world.commands.run(command, _BECAUSE.get(command, {}))
        except RingfenceError as error:
            logger.warning("line.notified: %s: %s", command, error)
        finally:
            self._running.discard(command)


class Reception:
    """Hands the requests of one port or connection to the switchboard."""

    def __init__(self, calls: Calls, remote: RemoteCommands, path_of: PathOf) -> None:
        self._calls = calls
        self._remote = remote
        self._path_of = path_of

    def take(self, asked: Asked, now: float) -> bool:
        """Take a request of a call that there is; False for none."""
        return self._calls.take(asked, now)

    def notice(self, command: str) -> None:
        """Do what a NOTIFY asks for."""
        self._remote.give(command)

    def begin(self, user: str, asked: Asked, source: Source, now: float) -> int:
        """Begin the call of an INVITE; return 0, or the status that refuses it."""
        try:
            path = self._path_of(user, source)
        except ComponentError as error:
            logger.warning("call.refused: no way back to %s: %s", source.address, error)
            return 480
        return self._calls.begin(path, asked, now) if path else 480
