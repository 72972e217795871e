"""What people ask of calls, by name: dial, answer, hangup, hold, resume, dtmf."""

from collections.abc import Mapping
from typing import Protocol

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError
from ringfence.features.line.path import Path
from ringfence.features.line.switchboard import Switchboard
from ringfence.protocols.sip.grammar import escape_user
from ringfence.runtime.commands import Command, Commands

Arguments = Mapping[str, str]
Answer = Mapping[str, object]


class Desk(Protocol):
    """The calls, and the lines to place them on."""

    calls: Switchboard

    def dial(self, target: str, n: int) -> int:
        """Place a call and return its number."""
        ...


def offer_commands(commands: Commands, desk: Desk) -> None:
    """Register the commands of calls."""

    async def dial(given: Arguments) -> Answer:
        return {"call": desk.dial(given.get("target", ""), _number(given, "line", 0))}

    async def answer(given: Arguments) -> Answer:
        number = desk.calls.choose(_number(given, "call", 0), ringing=True)
        desk.calls.answer(number)
        return {"call": number}

    async def hang_up(given: Arguments) -> Answer:
        number = desk.calls.choose(_number(given, "call", 0))
        desk.calls.hang_up(number)
        return {"call": number}

    async def hold(given: Arguments) -> Answer:
        number = desk.calls.choose(_number(given, "call", 0))
        desk.calls.hold(number, held=True)
        return {"call": number}

    async def resume(given: Arguments) -> Answer:
        number = desk.calls.choose(_number(given, "call", 0))
        desk.calls.hold(number, held=False)
        return {"call": number}

    async def press(given: Arguments) -> Answer:
        number = desk.calls.choose(_number(given, "call", 0))
        desk.calls.press(number, given.get("digits", ""))
        return {"call": number}

    handlers = {
        "dial": dial,
        "answer": answer,
        "hangup": hang_up,
        "hold": hold,
        "resume": resume,
        "dtmf": press,
    }
    for name, handler in handlers.items():
        commands.register(Command(name, Level.USER, handler))


def target_uri(target: str, path: Path) -> str:
    """Return the SIP URI of what was dialled: a URI, user@host, or a number at the proxy.

    Raises:
        ConfigError: nothing was dialled.

    """
    target = target.strip()
    if not target:
        raise ConfigError("dial", "nothing to dial", "name a number or sip:user@domain")
    if target.lower().startswith(("sip:", "sips:")):
        return target
    if "@" in target:
        return f"sip:{target}"
    return f"sip:{escape_user(target)}@{path.account.registrar}"


def call_words(call: Mapping[str, object]) -> str:
    """Return one call as a row of the status page."""
    whence = "from" if call["direction"] == "in" else "to"
    text = f"Ext {call['line']} {whence} {call['peer']}, {call['state']}"
    if not call["codec"]:
        return text
    protection = f"SRTP {call['srtp']}" if call["srtp"] else "RTP in clear text"
    received, lost = int(str(call["received"])), int(str(call["lost"]))
    share = 100 * lost / max(received + lost, 1)
    return (
        f"{text}; {call['codec']}, {protection}; {call['sent']} packets sent, {received} received,"
        f" {lost} lost ({share:.1f} %), jitter {call['jitter_ms']} ms"
    )


def refresh_words(seconds: float | None) -> str:
    """Return when a line registers again, `, again in 2 h 48 min`; empty where it does not."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n]
    return f", again in {' '.join(parts[:2]) or '0 s'}"


def _number(given: Arguments, name: str, otherwise: int) -> int:
    text = given.get(name) or str(otherwise)
    if not text.isdigit() or len(text) > 6:
        raise ConfigError(name, f"{text[:40]!r} is no number", "see: ringfence phone status")
    return int(text)
