"""Commands: what surfaces and features ask of one another, by name."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError

Handler = Callable[[Mapping[str, str]], Awaitable[Mapping[str, object]]]
"""Takes the arguments; returns a JSON object. Raises `RingfenceError`."""


class Command(Struct, frozen=True):
    """One thing that can be asked of the phone."""

    name: str
    """Word of the command line: `resync`, `reboot`."""
    level: Level
    """Who may ask."""
    handler: Handler


class Commands:
    """The commands of one phone; while `loaded` is not set, more of them may come."""

    def __init__(self, loaded: asyncio.Event | None = None) -> None:
        self._known: dict[str, Command] = {}
        self._loaded = loaded

    def register(self, command: Command) -> None:
        """Add a command; a feature that restarts replaces its own."""
        self._known[command.name] = command

    def level(self, name: str) -> Level:
        """Return who may give a command.

        Raises:
            ConfigError: there is no such command.

        """
        return self._find(name).level

    async def run(self, name: str, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Run a command and return its answer; one that is not there yet is waited for.

        Raises:
            ConfigError: there is no such command, or its arguments are wrong.

        """
        if self._loaded and name not in self._known:
            await self._loaded.wait()
        return await self._find(name).handler(arguments)

    def _find(self, name: str) -> Command:
        try:
            return self._known[name]
        except KeyError:
            known = ", ".join(sorted(self._known)) or "none"
            raise ConfigError(name, "no such command", f"known: {known}") from None
