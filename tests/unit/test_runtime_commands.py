"""Commands, by name: known, unknown, and not there yet."""

import asyncio
from collections.abc import Mapping

import pytest

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError
from ringfence.runtime.commands import Command, Commands


async def resync(arguments: Mapping[str, str]) -> Mapping[str, object]:
    return {"rule": arguments["rule"]}


def test_an_unknown_command_names_those_there_are() -> None:
    commands = Commands()
    commands.register(Command("resync", Level.ADMIN, resync))
    assert asyncio.run(commands.run("resync", {"rule": "x"})) == {"rule": "x"}
    with pytest.raises(ConfigError, match="reboot: no such command; known: resync"):
        asyncio.run(commands.run("reboot", {}))


def test_a_command_of_a_feature_that_is_still_loaded_is_waited_for() -> None:
    async def scenario() -> None:
        loaded = asyncio.Event()
        commands = Commands(loaded)
        async with asyncio.TaskGroup() as group:
            told = group.create_task(commands.run("resync", {"rule": "x"}))
            await asyncio.sleep(0)
            assert not told.done()
            commands.register(Command("resync", Level.ADMIN, resync))
            loaded.set()
        assert told.result() == {"rule": "x"}
        with pytest.raises(ConfigError, match="no such command"):
            await commands.run("reboot", {})

    asyncio.run(scenario())
