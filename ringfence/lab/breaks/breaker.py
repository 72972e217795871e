"""One break at a time: done, shown, put back whatever happens, and the phone proven well again."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.errors import RingfenceError
from ringfence.lab.breaks.stage import Say, Stage, Undo, listed
from ringfence.lab.breaks.table import BREAKS
from ringfence.lab.crew import Crew, first
from ringfence.lab.daemons import Daemons
from ringfence.lab.door import unless
from ringfence.lab.proofs import StepError, until
from ringfence.runtime.control import ask

LONGEST = 30.0
"""Seconds after which a break is given up, and after which putting back is."""
FAULTS = (StepError, RingfenceError, RuntimeError, EOFError, OSError)
"""What may go wrong with programs, kernel and phone."""
READY = 10.0
"""Seconds that the phone gets to show that it is well before anything is broken."""
RECOVERY = 70.0
"""Seconds that the phone gets to be well: a line that failed once rests for 30 s."""


class RefusedError(Exception):
    """The break cannot be done now; nothing was touched."""


class Breaker:
    """Breaks a lab, and mends it."""

    def __init__(self, crew: Crew, daemons: Daemons, state: Path) -> None:
        self._crew = crew
        self._daemons = daemons
        self._state = state
        self._undo: list[Undo] = []
        self._mending = asyncio.Lock()
        self._current = ""
        self._over = False

    def end(self) -> None:
        """Put nothing back any more: the lab is going away."""
        self._over = True

    async def answer(self, request: Mapping[str, Any], say: Say, gone: asyncio.Event) -> None:
        """Do what a command asks: `{"verb": "break", "name"}` or `{"verb": "status"}`.

        A break stops when the command is gone, and is put back all the same. The last thing
        said is `{"part": "end", …}`.
        """
        try:
            match request:
                case {"verb": "break", "name": str(name)} if name in BREAKS:
                    await self._one(name, say, gone)
                case {"verb": "status"}:
                    await say({"part": "end", **await self._status()})
                case _:
                    raise RefusedError(
                        "the lab knows no such request; was it started by another version?"
                    )
        except (RefusedError, *FAULTS) as refused:
            await say({"part": "end", "refused": str(refused)})

    async def _status(self) -> Mapping[str, Any]:
        """Return what is broken; what an earlier break could not put back is put back now."""
        if self._current:
            return {"break": self._current, "mended": [], "broken": []}
        mended, error = await self._mend()
        broken = [undo.what for undo in self._undo]
        port = await self._daemons.access.state() if self._daemons.access else None
        found = {"mended": mended, "broken": broken, "reason": error, "port": port}
        return {"break": None, **found}

    async def _one(self, name: str, say: Say, gone: asyncio.Event) -> None:
        if self._current:
            raise RefusedError(f"the break {self._current} is under way; wait for its end")
        if BREAKS[name].tunnel and self._daemons.vpn is None:
            raise RefusedError("this lab has no VPN; ringfence lab up --vpn boots one that has")
        if BREAKS[name].directory and self._daemons.ldap is None:
            raise RefusedError("this lab has no directory; ringfence lab up --ldap boots one")
        guarded = self._daemons.access.method if self._daemons.access else ""
        if (port := BREAKS[name].port) not in ("", guarded):
            raise RefusedError(f"{name} takes a lab booted by ringfence lab up --dot1x {port}")
        if BREAKS[name].direct and self._daemons.by_proxy:
            raise RefusedError(f"{name} shows the phone's own way, and here it has a proxy's")
        self._current = name
        try:
            await self._mend()
            stage = Stage(self._crew, self._daemons, self._state, self._undo, say)
            users = await self._ready(stage)
            if gone.is_set():
                raise RefusedError("interrupted; nothing was broken")
            await self._perform(name, stage, users, gone)
        finally:
            self._current = ""

    async def _ready(self, stage: Stage) -> tuple[str, ...]:
        """Return who is registered, or raise `RefusedError`: a sick phone would show nothing."""
        if self._undo:
            raise RefusedError(f"an earlier break could not be put back; {self._state.parent}/log")
        status = await asyncio.to_thread(ask, self._state, {"verb": "status"})
        if status is None:
            raise RefusedError("no phone runs in the lab")
        lines = status["lines"]
        users = await stage.held() if any(line["registered"] for line in lines) else ()
        if not users:
            reasons = [f"Ext {line['n']}: {line['reason']}" for line in lines][:1]
            raise RefusedError(
                f"the phone is not registered; {''.join(reasons) or 'it has no line'}"
            )
        try:
            async with asyncio.timeout(READY):
                await self._well(stage, users)
        except StepError as error:
            raise RefusedError(f"{error}, before anything is broken") from None
        except TimeoutError:
            raise RefusedError("the phone is not well; ringfence lab status says more") from None
        return users

    async def _perform(
        self, name: str, stage: Stage, users: tuple[str, ...], gone: asyncio.Event
    ) -> None:
        began, error, whole = time.monotonic(), "", False  # `whole`: shown to its end
        try:
            async with asyncio.timeout(LONGEST):
                whole = await unless(gone, BREAKS[name].run(stage))
        except* TimeoutError:
            error = f"not shown within {LONGEST:g} s"
        except* FAULTS as group:
            error = f"not shown: {_words(group)}"
        finally:
            if not self._over:
                restored = await self._restore(stage, users)
                withstood = whole and not stage.failures
                end = {"withstood": withstood, "failures": stage.failures, "error": error}
                seconds = round(time.monotonic() - began, 1)
                end |= {"interrupted": gone.is_set() and not whole, "restored": restored}
                await stage.tell("end", "", **end, seconds=seconds)

    async def _restore(self, stage: Stage, users: tuple[str, ...]) -> bool:
        """Put everything back and prove that the phone is well; return whether both went well."""
        mended, error = await self._mend()
        try:
            if not error:
                async with asyncio.timeout(RECOVERY):
                    await self._well(stage, users)
        except* TimeoutError:
            error = f"the phone is not well again after {RECOVERY:g} s"
        except* FAULTS as group:
            error = _words(group)
        if error:
            await stage.tell("back", f"NOT put back: {error}", good=False)
            return False
        again = f"resync good, Kamailio holds {listed(users)}"
        text = "; ".join([*mended, again])
        await stage.tell("back", f"{text[0].upper()}{text[1:]}.", good=True, mended=mended)
        return True

    async def _mend(self) -> tuple[list[str], str]:
        """Put back what is broken, the last first; return what was, and why something was not."""
        done, error = list[str](), ""
        try:
            async with self._mending, asyncio.timeout(LONGEST):
                while self._undo:
                    await self._undo[-1].action()
                    done.append(self._undo.pop().what)
        except* TimeoutError:
            error = f"not done within {LONGEST:g} s"
        except* FAULTS as group:
            error = _words(group)
        return done, error

    async def _well(self, stage: Stage, users: tuple[str, ...]) -> None:
        """Return when a resync went well and everyone is registered again, says Kamailio too."""
        await stage.resync_well()
        await until(lambda: _registered(stage, users))


async def _registered(stage: Stage, users: tuple[str, ...]) -> bool:
    lines = (await stage.ask({"verb": "status"}))["lines"]
    registered = sum(bool(line["registered"]) for line in lines)
    return registered >= len(users) and set(users) <= set(await stage.held())


def _words(group: BaseExceptionGroup[BaseException]) -> str:
    error = first(group)
    return f"{error} ended" if isinstance(error, EOFError) else str(error) or type(error).__name__
