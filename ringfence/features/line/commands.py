"""What people ask of calls, by name: dial, answer, hangup, hold, resume, transfer, dtmf."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError
from ringfence.features.line.frontdesk import FrontDesk
from ringfence.features.line.targets import SEE
from ringfence.runtime.commands import Command, Commands

LONGEST = 6
"""Digits of the number of a line or call."""
Arguments = Mapping[str, str]
Answer = Mapping[str, object]


class Desk(Protocol):
    """The calls, and the lines to place them on."""

    calls: FrontDesk

    def dial(self, target: str, n: int) -> Answer:
        """Place a call and return its number, or say what a code did."""
        ...


Act = Callable[[int, Arguments], None]
"""Does something to the call of a number."""


def offer_commands(commands: Commands, desk: Desk) -> None:
    """Register the commands of calls."""
    calls = desk.calls

    async def dial(given: Arguments) -> Answer:
        return desk.dial(given.get("target", ""), _number(given, "line"))

    async def forget(_: Arguments) -> Answer:
        await calls.board.recent.forget()
        return {"forgotten": True}

    commands.register(Command("dial", Level.USER, dial))
    commands.register(Command("forget-calls", Level.USER, forget))
    acts: Mapping[str, Act] = {
        "answer": lambda number, _: calls.board.answer(number),
        "hangup": lambda number, _: calls.board.hang_up(number),
        "hold": lambda number, _: calls.board.hold(number, held=True),
        "resume": lambda number, _: calls.board.hold(number, held=False),
        "transfer": lambda number, given: calls.board.transfer(number, given.get("target", "")),
        "dtmf": lambda number, given: calls.board.press(number, given.get("digits", "")),
    }
    for name, act in acts.items():
        handler = partial(_on_call, calls, act, ringing=name == "answer")
        commands.register(Command(name, Level.USER, handler))


async def _on_call(calls: FrontDesk, act: Act, given: Arguments, *, ringing: bool) -> Answer:
    """Do something to the call that is named, or to the only one that can be meant."""
    number = calls.board.choose(_number(given, "call"), ringing=ringing)
    act(number, given)
    return {"call": number}


def _number(given: Arguments, name: str) -> int:
    """Return the number of a line or call; 0 where none is named."""
    text = given.get(name) or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST:
        raise ConfigError(name, f"{text[:40]!r} is no number", SEE)
    return int(text)
