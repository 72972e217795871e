"""A process that holds nothing but the line feature, under the real supervisor and Egress.

One JSON object a line comes in, the answer goes out: `{"set": {TAG: text}, "facts": {...}}` and
`{"wait": {"n": 1, "registered": true}}`. Started by path inside a network namespace.
"""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

from msgspec.structs import replace

from ringfence.config.parameter import Level
from ringfence.config.settings import decode, virgin
from ringfence.errors import RingfenceError
from ringfence.features.line import FEATURE
from ringfence.lab.namespaces import Namespace
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.runtime import egress_dns
from ringfence.runtime.commands import Command, Commands
from ringfence.runtime.egress import Egress
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts, Sound
from ringfence.runtime.supervisor import Supervisor
from ringfence.runtime.tls import client_certificate

PATIENCE = 30.0
"""Seconds after which an awaited state counts as missing."""


class LinePhone:
    """The test's end of such a process."""

    def __init__(
        self,
        space: Namespace,
        address: str,
        names: Mapping[str, list[str]],
        microphone: str = "null",
        speaker: str = "null",
        codecs: Sequence[str] = (),
    ) -> None:
        self.log = ""
        self._facts: dict[str, Any] = {"address": address, "names": names, "trust": []}
        self._facts["sound"] = [microphone, speaker, list(codecs)]
        self.process = space.popen(
            sys.executable,
            __file__,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def trust(self, *pems: str) -> None:
        """Trust these roots from the next `set` on."""
        self._facts["trust"] = list(pems)

    def know(self, name: str, *addresses: str) -> None:
        """Find these addresses under a name from the next `set` on."""
        self._facts["names"] = {**self._facts["names"], name: addresses}

    def alone6(self, address: str, *resolvers: str) -> None:
        """Have this address alone, because nobody answers DHCP, from the next `set` on."""
        self._facts |= {"address": "", "alone6": [address, resolvers]}

    def lent(self, address: str) -> None:
        """Have an IPv4 address lent, too, from the next `set` on."""
        self._facts["address"] = address

    def own(self, certificate: str, key: str) -> None:
        """Have this certificate, in PEM files, from the next `set` on."""
        self._facts["client"] = [certificate, key]

    def set(self, **texts: str) -> dict[str, Any]:
        """Apply settings, all others default; return the status right after."""
        return self._ask({"set": texts, "facts": self._facts})

    def wait(self, n: int = 1, **wanted: object) -> dict[str, Any]:
        """Return the state of a line once it has every value of `wanted`.

        A text is wanted anywhere in the value.
        """
        return self._ask({"wait": {"n": n, **wanted}})

    def command(self, name: str, **words: str) -> dict[str, Any]:
        """Give a command; return its answer, or `{"refused": why}`."""
        return self._ask({"command": name, "words": words})

    def commanded(self) -> list[str]:
        """Return which commands for the whole phone were given since the last time."""
        return list(self._ask({"commanded": True})["commands"])

    def wait_call(self, **wanted: object) -> dict[str, Any]:
        """Return a call once it has every value of `wanted`; `gone=True` waits for no call."""
        return self._ask({"wait_call": wanted})

    def wait_log(self, text: str) -> str:
        """Return the first line of the log with a text in it, once there is one."""
        return str(self._ask({"wait_log": text})["line"])

    def logged(self, text: str) -> list[str]:
        """Return the lines of the log so far with a text in them."""
        return list(self._ask({"logged": text})["lines"])

    def stop(self) -> None:
        """End the process as `phone run` does on SIGTERM."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(PATIENCE)
        if self.process.stdout:
            self.process.stdout.close()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the phone died"
        answer = dict(json.loads(line))
        assert "missing" not in answer, answer
        return answer


class Phone:
    """The process's end."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.settings = virgin()
        self.facts = Facts()
        self.names: Mapping[str, list[str]] = {}
        self.commands = Commands()
        self.given: list[str] = []
        for name in ("resync", "reboot"):
            self.commands.register(Command(name, Level.ADMIN, partial(self._note, name)))
        self._folder = TemporaryDirectory()
        host = Host(Path(self._folder.name))
        egress = Egress(host, self._lookup)

        def build(spawn: Callable[[Coroutine[Any, Any, None]], None]) -> World:
            world = SimpleNamespace(
                host=host,
                egress=egress,
                publish=self._publish,
                facts=lambda: self.facts,
                commands=self.commands,
                settled=lambda: None,
            )
            world.spawn = spawn
            return cast(World, world)

        self.noted = asyncio.Event()
        self.noting = Noting(self.noted)
        logging.getLogger("ringfence").addHandler(self.noting)
        logging.getLogger("ringfence").setLevel(logging.INFO)
        self.supervisor = Supervisor((FEATURE,), build, group)

    async def _lookup(
        self, name: str, resolvers: Sequence[str], records: Sequence[str]
    ) -> tuple[str, ...]:
        """Answer from the names of the test; ask DNS where settings name a server."""
        if resolvers:
            return await egress_dns.lookup(name, resolvers, records)
        return tuple(self.names.get(name, ()))

    async def _note(self, name: str, given: Mapping[str, str]) -> Mapping[str, object]:
        self.given.append(name)
        return given

    def _publish(self, **changes: Any) -> None:
        self.facts = replace(self.facts, **changes)

    def status(self) -> dict[str, Any]:
        status = self.supervisor.statuses()["line"]
        return {
            "health": status.health.value,
            "rows": dict(status.rows),
            "lines": status.data["lines"],
            "calls": status.data["calls"],
            "last_call": status.data["last_call"],
            "bound": sorted(self.facts.bound.get("line", ())),
            "findings": [f.rule for f in FEATURE.plan(self.settings, self.facts).findings],
        }

    async def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if "wait" in request:
            return await self.wait("lines", request["wait"])
        if "wait_call" in request:
            return await self.wait("calls", request["wait_call"])
        if "wait_log" in request:
            return await self.wait_log(request["wait_log"])
        if "logged" in request:
            return {"lines": [line for line in self.noting.lines if request["logged"] in line]}
        if "commanded" in request:
            given, self.given = self.given, []
            return {"commands": given}
        if "command" in request:
            try:
                return dict(await self.commands.run(request["command"], request["words"]))
            except RingfenceError as error:
                return {"refused": str(error)}
        self.settings, errors = decode(request["set"], virgin())
        assert not errors, errors
        given = request["facts"]
        microphone, speaker, codecs = given["sound"]
        self.names = given["names"]
        self.facts = replace(
            self.facts,
            sound=Sound(microphone, speaker, tuple(codecs)),
            lease=Lease(given["address"], 24, "10.99.0.9") if given["address"] else None,
            silent="alone6" in given and not given["address"],
            lease6=lease6(*given["alone6"]) if "alone6" in given else None,
            trust=Trust(provider_root=tuple(given["trust"])),
            client=client_certificate(*given["client"]) if "client" in given else None,
        )
        now = asyncio.get_running_loop().time()
        await self.supervisor.reconcile(self.settings, self.facts, now)
        return self.status()

    async def wait_log(self, text: str) -> Mapping[str, Any]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    self.noted.clear()
                    for line in self.noting.lines:
                        if text in line:
                            return {"line": line}
                    await self.noted.wait()
        return {"missing": text, "log": self.noting.lines}

    async def wait(self, kind: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    self.noted.clear()
                    held = self.status()[kind]
                    if wanted.get("gone") and not held:
                        return {}
                    for one in held:
                        if all(fits(one.get(name), value) for name, value in wanted.items()):
                            return dict(one)
                    with contextlib.suppress(TimeoutError):  # counters change without a word
                        async with asyncio.timeout(0.1):
                            await self.noted.wait()
        return {"missing": dict(wanted), "status": self.status()}


def lease6(address: str, resolvers: Sequence[str]) -> Lease6:
    return Lease6(address=address, resolvers=tuple(resolvers))


class Noting(logging.Handler):
    """Tells of every log record once the turn of the loop that made it is over."""

    def __init__(self, noted: asyncio.Event) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._noted = noted
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._loop.call_soon_threadsafe(self._noted.set)


def fits(held: object, wanted: object) -> bool:
    if isinstance(wanted, list):  # [">=", 50]
        return isinstance(held, int) and held >= wanted[1]
    return wanted in held if isinstance(wanted, str) and isinstance(held, str) else held == wanted


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        phone = Phone(group)
        async for line in reader:
            answer = await phone.answer(json.loads(line))
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        await phone.supervisor.close()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    asyncio.run(main())
