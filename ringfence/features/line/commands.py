"""What people ask of calls, by name: dial, answer, hangup, hold, resume, dtmf."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError, RemoteProtocolError
from ringfence.features.line.switchboard import SEE, Switchboard
from ringfence.protocols.sip.grammar import escape_user, parse_uri
from ringfence.runtime.commands import Command, Commands

REMEDY = "name a number or sip:user@domain"
LONGEST = 6
"""Digits of the number of a line or call."""
Arguments = Mapping[str, str]
Answer = Mapping[str, object]


class Desk(Protocol):
    """The calls, and the lines to place them on."""

    calls: Switchboard

    def dial(self, target: str, n: int) -> int:
        """Place a call and return its number."""
        ...


Act = Callable[[int, Arguments], None]
"""Does something to the call of a number."""


def offer_commands(commands: Commands, desk: Desk) -> None:
    """Register the commands of calls."""
    calls = desk.calls

    async def dial(given: Arguments) -> Answer:
        return {"call": desk.dial(given.get("target", ""), _number(given, "line"))}

    commands.register(Command("dial", Level.USER, dial))
    acts: Mapping[str, Act] = {
        "answer": lambda number, _: calls.answer(number),
        "hangup": lambda number, _: calls.hang_up(number),
        "hold": lambda number, _: calls.hold(number, held=True),
        "resume": lambda number, _: calls.hold(number, held=False),
        "dtmf": lambda number, given: calls.press(number, given.get("digits", "")),
    }
    for name, act in acts.items():
        handler = partial(_on_call, calls, act, ringing=name == "answer")
        commands.register(Command(name, Level.USER, handler))


async def _on_call(calls: Switchboard, act: Act, given: Arguments, *, ringing: bool) -> Answer:
    """Do something to the call that is named, or to the only one that can be meant."""
    number = calls.choose(_number(given, "call"), ringing=ringing)
    act(number, given)
    return {"call": number}


def target_uri(target: str, registrar: str) -> str:
    """Return the SIP URI of what was dialled: a URI, user@host, or a number at the registrar.

    Raises:
        ConfigError: nothing was dialled, another kind of URI, or what a Request-URI cannot have.

    """
    target = target.strip()
    if not target:
        raise ConfigError("dial", "nothing to dial", REMEDY)
    bare = not target.lower().startswith(("sip:", "sips:"))
    if bare and ":" in target.partition("@")[0]:
        raise ConfigError("dial", f"{target[:80]!r} is no SIP URI", REMEDY)
    number = bare and "@" not in target
    if not target.isprintable() or not (number or target.isascii()):
        raise ConfigError("dial", f"{target[:80]!r} has a character that no URI has", REMEDY)
    uri = f"sip:{target}" if bare else target
    if number:
        uri = f"sip:{escape_user(target)}@{registrar}"
    try:
        headers = parse_uri(uri.encode()).headers
    except RemoteProtocolError as error:
        raise ConfigError(target[:80], str(error), REMEDY) from error
    if headers:
        raise ConfigError(target[:80], "header fields in a URI are not dialled", REMEDY)
    return uri


def _number(given: Arguments, name: str) -> int:
    """Return the number of a line or call; 0 where none is named."""
    text = given.get(name) or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST:
        raise ConfigError(name, f"{text[:40]!r} is no number", SEE)
    return int(text)
