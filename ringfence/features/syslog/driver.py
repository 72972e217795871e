"""Send what the phone logs to the syslog servers, and lose it rather than wait for them."""

import asyncio
import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable

from ringfence.errors import ComponentError, RingfenceError
from ringfence.features.syslog.plan import SyslogPlan
from ringfence.policy.applications import SYSLOG
from ringfence.protocols.syslog import Severity, build
from ringfence.runtime.egress import Destination, Target
from ringfence.runtime.feature import World
from ringfence.runtime.log import MESSAGES, NOTICE, WHOLE, listen
from ringfence.runtime.state import Health, Status

KEPT = 100
"""Packets that wait for an address; the oldest are lost first."""
FRESH, AGAIN = 600.0, 15.0
"""Seconds until a name is asked for again: after an answer, and after none."""

_SEVERITIES = (
    (logging.CRITICAL, Severity.CRITICAL),
    (logging.ERROR, Severity.ERROR),
    (logging.WARNING, Severity.WARNING),
    (NOTICE, Severity.NOTICE),
    (logging.INFO, Severity.INFO),
    (0, Severity.DEBUG),
)


class _Ear(logging.Handler):
    """Hands over every record; nothing that goes wrong there reaches who logged."""

    def __init__(self, hear: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record)


class SyslogDriver:
    """Hears the log of the whole phone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ear = _Ear(self._hear)
        self._plan: SyslogPlan | None = None
        self._changed = asyncio.Event()
        self._finding = False
        self._destinations: tuple[Destination, ...] = ()
        self._sockets: dict[int, socket.socket] = {}
        self._waiting: deque[bytes] = deque(maxlen=KEPT)
        self._sent = self._lost = 0
        self._problem = ""

    async def apply(self, key: str, plan: SyslogPlan) -> None:
        """Send to the plan's servers from now on."""
        logging.getLogger(MESSAGES).setLevel(NOTICE)
        self._plan, self._destinations = plan, ()
        listen(self._ear)
        self._changed.set()
        if not self._finding:
            self._finding = True
            self._world.spawn(self._find())

    async def remove(self, key: str) -> None:
        """Send nothing any more."""
        await self.close()

    async def close(self) -> None:
        """Hear nothing any more."""
        logging.getLogger(WHOLE).removeHandler(self._ear)
        self._plan, self._destinations = None, ()
        self._waiting.clear()
        for opened in self._sockets.values():
            opened.close()
        self._sockets.clear()
        self._changed.set()

    def status(self) -> Status:
        """Return whether messages leave the phone."""
        if self._plan is None:
            return Status(Health.DISABLED)
        servers = ", ".join(f"{server.host}:{server.port}" for server in self._plan.servers)
        rows = [("Servers", servers), ("Messages Sent", str(self._sent))]
        if self._lost:
            rows.append(("Messages Lost", str(self._lost)))
        if self._problem:
            rows.append(("Problem", self._problem))
        return Status(Health.RUNNING if self._destinations else Health.PENDING, tuple(rows))

    def _hear(self, record: logging.LogRecord) -> None:
        plan = self._plan
        severity = next(found for least, found in _SEVERITIES if record.levelno >= least)
        if plan is None or (record.name != MESSAGES and severity > plan.least):
            return
        ahead = self._world.host.time() - self._world.host.wall()
        packet = build(severity, record.created + ahead, plan.name, record.getMessage())
        if self._destinations:
            self._send(packet)
        else:
            self._lost += len(self._waiting) == KEPT
            self._waiting.append(packet)

    def _send(self, packet: bytes) -> None:
        for destination in self._destinations:
            address = (destination.address, destination.port)
            try:
                self._socket(destination.address).sendto(packet, address)
                self._sent += 1
            except (OSError, ComponentError):
                self._lost += 1

    def _socket(self, address: str) -> socket.socket:
        family = 6 if ":" in address else 4
        if family not in self._sockets:
            everywhere = "::" if family == 6 else "0.0.0.0"  # noqa: S104 - any local address
            self._sockets[family] = self._world.host.udp(everywhere, 0)
        return self._sockets[family]

    async def _find(self) -> None:
        """Keep the addresses of the servers fresh; never returns."""
        while True:
            self._changed.clear()
            plan = self._plan
            if plan is not None and plan.connected:
                await self._resolve(plan)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self._problem else FRESH):
                    await self._changed.wait()

    async def _resolve(self, plan: SyslogPlan) -> None:
        found: list[Destination] = []
        problems: list[str] = []
        for server in plan.servers:
            target = Target(SYSLOG, server.host, server.port, None, resolvers=plan.resolvers)
            try:
                found += (await self._world.egress.destinations(target))[:1]
            except RingfenceError as error:
                problems.append(str(error))
        if plan is not self._plan:
            return
        self._problem = "; ".join(problems)
        self._destinations = tuple(found) or self._destinations
        while self._destinations and self._waiting:
            self._send(self._waiting.popleft())
