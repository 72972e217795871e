"""PAC files: which proxies a file names for a URL, found out by a process that can do nothing else.

The file runs in `pac_child`. That process asks for names one at a time; they are resolved by
Egress, under the domains and by the DNS servers of the application that wants to go somewhere, and
the run begins again. Whatever goes wrong ends in an error, never in DIRECT (ADR 31).
"""

import asyncio
import importlib.util
import signal
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import ComponentError, NetworkError, PolicyError
from ringfence.policy import hostname, pac
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.host_child import Child, dependent

CPU = 0.2
"""Seconds of CPU that the engine has for one answer, all its runs together."""
WALL = 1.0
"""Seconds after which a run is killed that the engine did not end."""
START = 3.0
"""The same where the process has to be started first."""
WAIT = 5.0
"""Seconds that DNS has for all names of one answer."""
KEPT, MOST_KEPT = 60.0, 256
"""Seconds that an answer counts, and how many are kept."""
LONGEST_LINE = 128 << 10

HELPERS = files("ringfence.runtime") / "pac_helpers.js"
_FAILURES = {
    "*time": ("pac-time", f"needs more than {CPU:g} s of CPU"),
    "*memory": ("pac-memory", "needs more memory than it may have"),
}


class Answer(Struct, frozen=True):
    """What a PAC file said."""

    result: pac.Result
    asked: tuple[str, ...]
    """Names that DNS was asked for."""
    refused: tuple[str, ...]
    """Names that it was not asked for or did not know, and why."""


class _Said(Struct, frozen=True, array_like=True):
    """A line of the process, as `pac_child` has it."""

    cpu: float
    last: bool
    text: str


class Pac:
    """A PAC file that can be asked. One answer at a time; close it in the end."""

    def __init__(
        self,
        host: Host,
        egress: Egress,
        data: bytes,
        own: tuple[str, ...] = (),
        at: tuple[float, float] | None = None,
    ) -> None:
        """Take the content of a file; nothing is started before the first question.

        `own` are the phone's addresses. `at` stands for the clock: seconds since the epoch, by
        UTC and as the clock on the wall shows them.

        Raises:
            pac.PacError: the file is empty or too large.

        """
        self._host = host
        self._egress = egress
        self._script = pac.script(data)
        self._own = own
        self._at = at
        self._child: Child | None = None
        self._loaded = self._spent = False
        self._lock = asyncio.Lock()
        self._kept: dict[tuple[object, ...], tuple[float, Answer]] = {}

    async def find(self, url: str, target: Target) -> Answer:
        """Return what the file says of a URL, or said of it less than a minute ago.

        `target` is who asks: its application, domains, DNS servers and record types bind the
        look-ups of the file. Its host and port play no part.

        Raises:
            ValueError: the URL is none of http or https.
            pac.PacError: the file failed, or took too much of something.
            ComponentError: its process cannot be started.

        """
        what = pac.shown(url)
        who = (target.application.name, target.domains, target.exact_domains, target.resolvers)
        kept = self._kept.get((what.url, *who))
        if kept is not None and self._host.now() < kept[0]:
            return kept[1]
        async with self._lock:
            try:
                answer = await self._evaluate(what, target)
            except pac.PacError:
                self._loaded = False  # what the file left behind is not used again
                raise
            finally:
                if self._spent:
                    await self._drop()
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[what.url, *who] = (self._host.now() + KEPT, answer)
        return answer

    async def take(self, data: bytes) -> None:
        """Go on with another file, and forget what the last one said.

        Raises:
            pac.PacError: it is empty or too large; the last one stays.

        """
        script = pac.script(data)
        async with self._lock:
            self._script, self._loaded = script, False
            self._kept.clear()

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            await self._drop()

    async def _evaluate(self, what: pac.Shown, target: Target) -> Answer:
        names = _Names(self._egress, target)
        utc, local = self._at or (self._host.wall(), self._host.local())
        order = {"url": what.url, "host": what.host, "own": self._own, "utc": utc, "local": local}
        left = CPU
        try:
            if not self._loaded:
                left -= (await self._load()).cpu
            while True:
                order["found"] = names.found()
                said = await self._ask("find", max(left, 0.01), order, WALL)
                left -= said.cpu
                if said.text.startswith("="):
                    result = pac.read_result(said.text[1:])
                    break
                await names.ask(said.text[1:])
                if said.last:
                    await self._drop()
                    await self._load()
        except pac.PacError as error:
            error.asked, error.refused = names.asked, names.refused
            raise
        return Answer(result, names.asked, names.refused)

    async def _load(self) -> _Said:
        """Give the file to the process, which is started where there is none."""
        if self._child is None:
            self._child = await Child.start(_command(), self._environment(), LONGEST_LINE)
        order = {"helpers": HELPERS.read_text(), "script": self._script}
        said = await self._ask("load", CPU, order, START)
        self._loaded = True
        return said

    async def _ask(
        self, word: str, seconds: float, order: Mapping[str, object], timeout: float
    ) -> _Said:
        """Return what the process says to an order that may take seconds of CPU.

        Raises:
            pac.PacError: it failed, ended, or did not answer in time.

        """
        child = self._child
        if child is None:
            raise ComponentError("PAC process", "is gone")
        self._spent = True  # until it answers, nobody knows what it would say next
        try:
            words = b"%s %.3f %s" % (word.encode(), seconds, msgspec.json.encode(order))
            line = await child.ask(words, timeout)
            said = msgspec.json.decode(line, type=_Said) if line else None
        except TimeoutError:
            late = pac.PacError("pac-time", f"was killed after {timeout:g} s without an answer")
            late.by_clock = True
            raise late from None
        except ValueError as error:  # a line too long, or no JSON of ours
            raise pac.PacError("pac-process", "its process said what nobody asked") from error
        if said is None:
            raise pac.PacError("pac-process", f"its process {_end(await child.end())}")
        self._spent = said.last
        if said.text.startswith(("!", "*")):
            why = pac.printable(said.text[1:], 300)
            raise pac.PacError(*_FAILURES.get(said.text, ("pac-script", why)))
        return said

    async def _drop(self) -> None:
        child, self._child = self._child, None
        self._loaded = self._spent = False
        if child is not None:
            await child.end()

    def _environment(self) -> dict[str, str]:
        """Return the time zone alone, as an offset: the process cannot read a file for it."""
        minutes = round((self._host.local() - self._host.wall()) / 60)
        sign, minutes = ("-", minutes) if minutes >= 0 else ("+", -minutes)
        return {"TZ": f"<local>{sign}{minutes // 60:02}:{minutes % 60:02}"}


class _Names:
    """The names that one answer asks for."""

    def __init__(self, egress: Egress, target: Target) -> None:
        self._egress = egress
        self._target = target
        self._known: dict[str, tuple[str, ...]] = {}
        self._count = 0
        self._left = WAIT
        self.asked: tuple[str, ...] = ()
        self.refused: tuple[str, ...] = ()

    def found(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return names and their addresses."""
        return tuple(self._known.items())

    async def ask(self, name: str) -> None:
        """Resolve a name; one that is refused or unknown has no address.

        Raises:
            pac.PacError: it is one name too many, or DNS took too long.

        """
        if self._count == pac.MOST_LOOKUPS:
            raise pac.PacError("pac-lookups", f"asks DNS for more than {self._count} names")
        self._count += 1
        self._known[name] = ()
        begun = asyncio.get_running_loop().time()
        try:
            bare = hostname.name(name)
            self.asked += (bare,)
            async with asyncio.timeout(self._left):
                self._known[name] = await self._egress.resolve(replace(self._target, host=bare))
        except PolicyError as error:
            self.asked = self.asked[:-1]
            self.refused += (str(error),)
        except NetworkError as error:
            self.refused += (str(error),)
        except ValueError as error:
            self.refused += (f"{pac.printable(name)!r} is no name: {error}",)
        except TimeoutError:
            raise pac.PacError("pac-dns", f"its names took longer than {WAIT:g} s") from None
        self._left -= asyncio.get_running_loop().time() - begun


def _command() -> tuple[str, ...]:
    """Return the words that start the process. Raises `ComponentError` without the engine."""
    engine = importlib.util.find_spec("_quickjs")
    if engine is None or engine.origin is None:
        raise ComponentError("quickjs-ng", "is not installed")
    return dependent("ringfence.runtime.pac_child", str(Path(engine.origin).parent))


def _end(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself, status {status}"
