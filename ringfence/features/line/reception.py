"""Where the requests of one port or connection go once they have passed every check."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from ringfence.errors import ComponentError, RingfenceError
from ringfence.features.line.path import Path, PathOf
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.response import Source
from ringfence.runtime.feature import World

if TYPE_CHECKING:
    from ringfence.protocols.sip.summary import Summary

logger = logging.getLogger(__name__)

MOST_TOLD = 5
"""Most refused messages of one kind that are logged in a second."""
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

    @property
    def mailboxes(self) -> "dict[str, Summary]":
        """What waits for each user."""
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


class Refusals:
    """Which messages were not let in, and why; many of them fill no log."""

    def __init__(self, now: Callable[[], float], event: str = "line.refused") -> None:
        """Count what the log calls `event`."""
        self.count = 0
        self.last = ""
        self._now = now
        self._event = event
        self._second = -1
        self._told = 0

    def note(self, words: str) -> None:
        """Count a refused message, and log it unless too many were."""
        self.count, self.last = self.count + 1, words
        if self._second != int(self._now()):
            self._second, self._told = int(self._now()), 0
        self._told += 1
        if self._told <= MOST_TOLD:
            logger.warning("%s: %s", self._event, words)


class Reception:
    """Hands the requests of one port or connection to the switchboard."""

    def __init__(
        self, calls: Calls, remote: RemoteCommands, refusals: Refusals, path_of: PathOf
    ) -> None:
        self._calls = calls
        self._remote = remote
        self._refusals = refusals
        self._path_of = path_of

    def take(self, asked: Asked, now: float) -> bool:
        """Take a request of a call that there is; False for none."""
        return self._calls.take(asked, now)

    def notice(self, command: str) -> None:
        """Do what a NOTIFY asks for."""
        self._remote.give(command)

    def messages(self, user: str, summary: "Summary") -> None:
        """Note what a mailbox has; what it says of one user is what counts."""
        self._calls.mailboxes[user] = summary

    def refused(self, words: str) -> None:
        """Note a request that was not let in."""
        self._refusals.note(words)

    def begin(self, user: str, asked: Asked, source: Source, now: float) -> int:
        """Begin the call of an INVITE; return 0, or the status that refuses it."""
        try:
            path = self._path_of(user, source)
        except ComponentError as error:
            logger.warning("call.refused: no way back to %s: %s", source.address, error)
            return 480
        return self._calls.begin(path, asked, now) if path else 480
