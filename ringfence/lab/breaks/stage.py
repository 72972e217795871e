"""What a break does things with, and what it sees them by: servers, kernel, syslog, the phone."""

import asyncio
import re
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ringfence.lab import kamailio, topology
from ringfence.lab.crew import RUN, Crew, run
from ringfence.lab.daemons import Daemons
from ringfence.lab.proofs import ACCESS, StepError, until
from ringfence.lab.servers import PRODUCT, SERIAL, TEMPLATE
from ringfence.policy.credentials import masked
from ringfence.runtime.control import ask

TRIES = 3
"""Resyncs after which the phone counts as sick; a busy machine may spoil one."""
LOGGED = 5.0
"""Seconds within which the provider's log says what it has answered; it comes after the answer."""
SHOWN = 170
"""Characters of a syslog message that people are shown."""
PATH = f"/{topology.PHONE_MAC}.xml"

Say = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Takes one part of what is told: `{"part", "text", …}`."""


class Undo(Struct, frozen=True):
    """How one thing is put back."""

    what: str
    """What is true again afterwards, `the provider's certificate is back`."""
    action: Callable[[], Awaitable[None]]


class Stage:
    """The lab as one break uses it."""

    def __init__(
        self, crew: Crew, daemons: Daemons, state: Path, undo: list[Undo], say: Say
    ) -> None:
        self.crew = crew
        self.daemons = daemons
        self.state = state
        self.failures: list[str] = []
        """Why the phone did not withstand; empty where it did."""
        self._undo = undo
        self._say = say
        self._syslog_begin = self._syslog_size()

    async def tell(self, part: str, text: str, **data: object) -> None:
        """Tell a part: `broke`, `phone`, `why`, `field` or `back`."""
        await self._say({"part": part, "text": text, **data})

    def put_back(self, what: str, action: Callable[[], Awaitable[None]]) -> None:
        """Have something put back at the end, whatever comes between; the last one first."""
        self._undo.append(Undo(what, action))

    def demand(self, good: bool, failure: str) -> None:
        """Note what the phone should not have done."""
        if not good:
            self.failures.append(failure)

    async def ask(self, request: Mapping[str, object]) -> Mapping[str, Any]:
        """Return what the phone answers.

        Raises:
            StepError: no phone runs.
            ComponentError: it refused.

        """
        answer = await asyncio.to_thread(ask, self.state, request)
        if answer is None:
            raise StepError("no phone runs")
        return answer

    async def resync(self) -> Mapping[str, Any]:
        """Have the phone fetch its profile; return `{"url", "result", "reason"}`."""
        return await self.ask({"verb": "command", "name": "resync", "arguments": {}})

    async def resync_well(self) -> None:
        """Have the phone fetch its profile until that goes well, once and again.

        Raises:
            StepError: it did not; the phone's reason.

        """
        for _ in range(TRIES):
            told = await self.resync()
            if told["result"] == "success":
                return
        raise StepError(f"the phone's resync fails: {told['reason']}")

    async def answered(self, mark: int) -> tuple[str, str]:
        """Return path and status of the first answer since a mark of the provider's log.

        "?" and "nothing" where it has answered nobody.
        """
        try:
            async with asyncio.timeout(LOGGED):
                found = await self.crew.outputs["provider"].wait(ACCESS, mark)
        except (TimeoutError, EOFError):
            return "?", "nothing"
        return found["path"], found["status"]

    async def get(self, tag: str) -> str:
        """Return the phone's value of a parameter."""
        return str((await self.ask({"verb": "get", "tag": tag}))["text"])

    async def why(self, section: str, tag: str, text: str, said: str = "") -> None:
        """Tell why: the parameter, its line in the cfg.xml in force, the chapter, their words."""
        value = await self.get(tag)
        line = (await asyncio.to_thread(self._lines)).get(tag)
        data = {"tag": tag, "value": masked(value), "line": line, "section": section, "said": said}
        await self.tell("why", text, **data, default=value == _default(tag))

    def _lines(self) -> Mapping[str, int]:
        """Return `{tag: line}` of the cfg.xml that the phone is served."""
        from ringfence.config.cfgxml import read
        from ringfence.provider.identity import DeviceIdentity
        from ringfence.provider.templates import Templates

        device = DeviceIdentity(PRODUCT, SERIAL, topology.PHONE_MAC)
        body = Templates(self.daemons.templates).render(PATH, device) or b""
        return {tag: entry.line for tag, entry in read(body).entries.items()}

    async def field(self, pattern: str) -> None:
        """Tell what rsyslog received of it, which is what shows in the field.

        A profile of the user's need not name a syslog server.
        """
        if not await self.get("Syslog_Server"):
            await self.tell("field", "nothing: the profile names no Syslog_Server", syslog="")
            return
        found = await until(lambda: self._received(pattern))
        shown = textwrap.shorten(found[-1], SHOWN, placeholder=" …")
        await self.tell("field", f"rsyslog received: {shown}", syslog=found[-1])

    async def _received(self, pattern: str) -> list[str]:
        """Return what rsyslog received since the break began, as it came."""
        log = self.daemons.phones_log
        text = log.read_bytes()[self._syslog_begin :] if log.exists() else b""
        lines = text.decode(errors="replace").splitlines()
        messages = [line.split(" ", 2)[2] for line in lines if line.count(" ") > 1]
        return [message for message in messages if re.search(pattern, message)]

    def _syslog_size(self) -> int:
        log = self.daemons.phones_log
        return log.stat().st_size if log.exists() else 0

    async def held(self) -> tuple[str, ...]:
        """Return the users whose contacts Kamailio holds."""
        listed = await run(topology.SERVERS, *kamailio.control(RUN, "ul.dump", "brief"))
        return tuple(sorted(re.findall(r"AoR: (\S+)", listed)))

    def template(self) -> Path:
        """Return the file that the provisioning server makes the cfg.xml from."""
        return self.daemons.templates / TEMPLATE


def _default(tag: str) -> str:
    """Return the text that a phone of the lab has where nobody set any."""
    from ringfence.config.settings import encode, virgin

    return encode(virgin("11.3"), tag)


def about(reason: str, address: str) -> str:
    """Return what the phone says of one address, out of what it says of all."""
    from ringfence.features.provisioning.resync import REASON_LIMIT  # heavy

    _, found, rest = reason.partition(f"{address}: ")
    cut = len(reason) == REASON_LIMIT
    return (rest if found else reason) + ("…" if cut else "")


def listed(items: tuple[str, ...]) -> str:
    """Return `a, b and c`."""
    *most, last = items or ("nobody",)
    return f"{', '.join(most)} and {last}" if most else last
