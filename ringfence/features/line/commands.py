"""What people ask of calls, by name: dial, answer, hold, mute, volume and the others."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError
from ringfence.features.line.frontdesk import FrontDesk
from ringfence.features.line.targets import SEE
from ringfence.protocols.rtp.mix import LOUDEST
from ringfence.runtime.commands import Command, Commands
from ringfence.runtime.handset import Handset

LONGEST = 6
"""Digits of the number of a line or call."""
Arguments = Mapping[str, str]
Answer = Mapping[str, object]


class Desk(Protocol):
    """The calls, and the lines to place them on."""

    calls: FrontDesk
    handset: Handset

    def dial(self, target: str, n: int) -> Answer:
        """Place a call and return its number, or say what a code did."""
        ...


Act = Callable[[int, Arguments], None]
"""Does something to the call of a number."""


def offer_commands(commands: Commands, desk: Desk) -> None:
    """Register the commands of calls."""
    calls = desk.calls

    async def dial(given: Arguments) -> Answer:
        _alone(calls, 0, given)
        return desk.dial(given.get("target", ""), _number(given, "line"))

    async def forget(_: Arguments) -> Answer:
        await calls.board.recent.forget()
        return {"forgotten": True}

    commands.register(Command("dial", Level.USER, dial))
    commands.register(Command("forget-calls", Level.USER, forget))
    _offer_handset(commands, desk)
    acts: Mapping[str, Act] = {
        "answer": lambda number, given: _answer(calls, number, given),
        "hangup": lambda number, _: calls.board.hang_up(number),
        "hold": lambda number, _: calls.board.hold(number, held=True),
        "resume": lambda number, given: _resume(calls, number, given),
        "transfer": lambda number, given: calls.board.transfer(number, given.get("target", "")),
        "dtmf": lambda number, given: calls.board.press(number, given.get("digits", "")),
    }
    for name, act in acts.items():
        handler = partial(_on_call, calls, act, ringing=name == "answer")
        commands.register(Command(name, Level.USER, handler))


def _offer_handset(commands: Commands, desk: Desk) -> None:
    """Register what concerns all calls: the microphone, the volume, and who hears whom."""
    calls, handset = desk.calls, desk.handset

    async def mute(given: Arguments) -> Answer:
        if given.get("switch", "on") not in ("on", "off"):
            raise ConfigError("mute", f"{given['switch'][:40]!r} is no switch", "on or off")
        if not calls.board.report():
            raise ConfigError("mute", "there is no call", SEE)
        handset.muted = given.get("switch", "on") == "on"
        return {"muted": handset.muted}

    async def volume(given: Arguments) -> Answer:
        text = given.get("level", "")
        if text in ("up", "down"):
            step = 1 if text == "up" else -1
            handset.turn(min(max(handset.volume + step, 0), LOUDEST))
        elif text:
            handset.turn(_number(given, "level", f"0 to {LOUDEST}, up, down"))
        return {"volume": handset.volume}

    async def conference(given: Arguments) -> Answer:
        return {"calls": calls.board.confer(_number(given, "call"), _number(given, "with"))}

    commands.register(Command("mute", Level.USER, mute))
    commands.register(Command("volume", Level.USER, volume))
    commands.register(Command("conference", Level.USER, conference))


def _alone(calls: FrontDesk, number: int, given: Arguments) -> None:
    """Hold the other calls first, where whoever asks can talk to one at a time."""
    if given.get("others") == "hold":
        calls.board.hold_others(number)


def _answer(calls: FrontDesk, number: int, given: Arguments) -> None:
    _alone(calls, number, given)
    calls.board.answer(number)


def _resume(calls: FrontDesk, number: int, given: Arguments) -> None:
    _alone(calls, number, given)
    calls.board.hold(number, held=False)


async def _on_call(calls: FrontDesk, act: Act, given: Arguments, *, ringing: bool) -> Answer:
    """Do something to the call that is named, or to the only one that can be meant."""
    number = calls.board.choose(_number(given, "call"), ringing=ringing)
    act(number, given)
    return {"call": number}


def _number(given: Arguments, name: str, remedy: str = SEE) -> int:
    """Return the number of a line or call, or another; 0 where none is named."""
    text = given.get(name) or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST:
        raise ConfigError(name, f"{text[:40]!r} is no number", remedy)
    return int(text)
