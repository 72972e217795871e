"""The address feature alone, on the real network of a namespace; and servers for it to meet."""

import asyncio
import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.config.snapshot import Snapshot
from ringfence.features.dhcp import FEATURE
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.commands import Commands
from ringfence.runtime.egress import Egress
from ringfence.runtime.feature import Feature, Submit, World
from ringfence.runtime.host import Host
from ringfence.runtime.places import Places
from ringfence.runtime.state import Facts, Identity, Status

PATIENCE = 30.0
"""Seconds after which an awaited event counts as missing."""

Stopped = TypeVar("Stopped", bound="Server")


class Addressed:
    """The driver of an address feature, with what it published and logged."""

    def __init__(
        self, state: Path, settings: Settings, group: asyncio.TaskGroup, feature: Feature[Any]
    ) -> None:
        self._feature = feature
        interface = "br0" if Host(state).interface() == "br0" else "eth0"
        self.facts = Facts(identity=Identity(mac="02000000aa01", interface=interface))
        self.leaves = False
        """The phone stops for good at the end."""
        self.log: list[str] = []
        self._changed = asyncio.Event()
        self._settings = settings
        self._tasks: list[asyncio.Task[None]] = []
        self._group = group
        host = Host(state)
        self.world = World(
            host=host,
            egress=Egress(host),
            publish=self._publish,
            facts=lambda: self.facts,
            snapshot=lambda: Snapshot(self._settings),
            submit=cast(Submit, None),
            places=Places(lambda: Snapshot(self._settings)),
            intents=dict,
            intend=lambda name, text: None,
            commands=Commands(),
            statuses=dict,
            spawn=self._spawn,
            leaving=lambda: self.leaves,
        )
        self.driver = feature.driver(self.world)

    @property
    def lease(self) -> Lease | None:
        return self.facts.lease

    def status(self) -> Status:
        return self.driver.status()

    async def start(self) -> None:
        plans = self._feature.plan(self._settings, self.facts).plans
        for key, plan in plans.items():
            await self.driver.apply(key, plan)
        if not plans:
            await self.driver.remove("")

    async def change(self, **texts: str) -> None:
        """Set parameters, and have the driver obey them."""
        self._settings, errors = decode(texts, self._settings)
        assert not errors
        await self.start()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Return once the condition holds, looked at after each publication and log line."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def bound(self) -> Lease:
        await self.until(lambda: self.lease)
        assert self.lease
        return self.lease

    def logged(self, text: str) -> Callable[[], bool]:
        return lambda: any(text in line for line in self.log)

    def note(self, line: str) -> None:
        self.log.append(line)
        self._changed.set()

    async def stop(self) -> None:
        await self.driver.close()
        for task in self._tasks:
            task.cancel()

    def _publish(self, **changes: Any) -> None:
        self.facts = replace(self.facts, **changes)
        self._changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._group.create_task(work))


class _Note(logging.Handler):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record.getMessage())


@contextlib.asynccontextmanager
async def addressed(
    state: Path, feature: Feature[Any] = FEATURE, /, *, known: Facts | None = None, **texts: str
) -> AsyncIterator[Addressed]:
    """Run the feature with parameters given by tag, on the facts that are known."""
    settings, errors = decode(texts, Settings())
    assert not errors
    logger = logging.getLogger(f"ringfence.features.{feature.name}")
    logger.setLevel(logging.DEBUG)
    async with asyncio.TaskGroup() as group:
        phone = Addressed(state, settings, group, feature)
        phone.facts = known or phone.facts
        handler = _Note(phone.note)
        logger.addHandler(handler)
        try:
            await phone.start()
            yield phone
        finally:
            logger.removeHandler(handler)
            await phone.stop()


def kernel_addresses(space: Namespace) -> list[str]:
    """Return the IPv4 addresses that the kernel holds on eth0."""
    out = space.run("ip", "-json", "-4", "addr", "show", "dev", "eth0").stdout
    return [
        f"{each['local']}/{each['prefixlen']}"
        for entry in json.loads(out or "[]")
        for each in entry.get("addr_info", [])
    ]


def kernel_routes(space: Namespace) -> list[tuple[str, str]]:
    """Return `(destination, gateway)` of every IPv4 route that has a gateway."""
    routes = json.loads(space.run("ip", "-json", "-4", "route").stdout or "[]")
    return [(each["dst"], each["gateway"]) for each in routes if "gateway" in each]


@contextlib.contextmanager
def starting(make: Callable[..., Stopped]) -> Iterator[Callable[..., Stopped]]:
    """Yield what starts servers; those that it started are stopped at the end."""
    with contextlib.ExitStack() as stack:

        def start(*words: Any, **more: Any) -> Stopped:
            server = make(*words, **more)
            stack.callback(server.stop)
            return server

        yield start


class Server:
    """A server in a namespace, its log in a file that several processes can follow."""

    def __init__(
        self, space: Namespace, folder: Path, *argv: str, env: dict[str, str] | None = None
    ) -> None:
        self._log = folder / f"{Path(argv[0]).name}.log"
        with self._log.open("wb") as log:
            self.process = space.popen(
                *argv, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
            )

    def wait_for(self, text: str, count: int = 1) -> str:
        """Return the log up to where `text` stands in it `count` times."""
        words = ("tail", "--bytes=+1", "--follow", str(self._log))
        until, log = time.monotonic() + PATIENCE, ""
        with (
            subprocess.Popen(words, stdout=subprocess.PIPE) as tail,
            selectors.DefaultSelector() as selector,
        ):
            assert tail.stdout
            selector.register(tail.stdout, selectors.EVENT_READ)
            while log.count(text) < count:
                ready = selector.select(max(0.0, until - time.monotonic()))
                chunk = os.read(tail.stdout.fileno(), 65536) if ready else b""
                if not chunk:
                    break
                log += chunk.decode(errors="replace")
            tail.kill()
        assert log.count(text) >= count, f"no {text!r} in the log:\n{log}"
        return log

    def logged(self, text: str) -> int:
        """Return how often `text` stands in the log so far."""
        return self._log.read_text().count(text)

    def reload(self) -> None:
        os.kill(self.process.pid, signal.SIGHUP)  # Popen cannot signal from a forked scenario

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Dnsmasq(Server):
    """dnsmasq that lends 10.99.1.100 to .150 on eth0, with more lines of configuration."""

    def __init__(self, space: Namespace, folder: Path, *lines: str) -> None:
        self.leases = folder / "dnsmasq.leases"
        self.options = folder / "dnsmasq.options"
        self.options.touch()
        configuration = folder / "dnsmasq.conf"
        configuration.write_text(
            "port=0\nno-ping\ninterface=eth0\nbind-interfaces\npid-file=\nuser=root\nlog-dhcp\n"
            f"log-facility=-\ndhcp-leasefile={self.leases}\ndhcp-optsfile={self.options}\n"
            + "".join(f"{line}\n" for line in lines)
        )
        super().__init__(space, folder, "dnsmasq", "-d", f"--conf-file={configuration}")
        self.wait_for("DHCP, IP range")

    def offer(self, *options: str) -> None:
        """Change the options at run time."""
        self.options.write_text("".join(f"{option}\n" for option in options))
        before = self.logged("read ")
        self.reload()
        self.wait_for("read ", before + 1)


RANGE = "dhcp-range=10.99.1.100,10.99.1.150,255.255.255.0,2m"


class Kea(Server):
    """Kea that lends the same addresses, in a folder of its own."""

    def __init__(
        self, space: Namespace, folder: Path, options: list[dict[str, Any]], **subnet: Any
    ) -> None:
        configuration = folder / "kea.json"
        network = {
            "subnet": "10.99.1.0/24",
            "pools": [{"pool": "10.99.1.100 - 10.99.1.150"}],
            "option-data": [{**option, "always-send": True} for option in options],
            **subnet,
        }
        dhcp = {
            "interfaces-config": {"interfaces": ["eth0"]},
            "lease-database": {"type": "memfile", "persist": False},
            "option-def": [{"name": "url", "code": 160, "type": "string"}],
            "subnet4": [network],
            "loggers": [
                {"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}
            ],
        }
        configuration.write_text(json.dumps({"Dhcp4": dhcp}))
        folders = {"KEA_PIDFILE_DIR": str(folder), "KEA_LOCKFILE_DIR": str(folder)}
        super().__init__(space, folder, "kea-dhcp4", "-c", str(configuration), env=folders)
        self.wait_for("DHCP4_STARTED")


class Liar(Server):
    """A server that breaks rules; see `tests/support/liar.py`."""

    def __init__(
        self, space: Namespace, folder: Path, offers: str, answer: str = "silence"
    ) -> None:
        words = (sys.executable, "-m", "tests.support.liar", "eth0", offers, answer)
        super().__init__(space, folder, *words)
        self.wait_for("ready")
