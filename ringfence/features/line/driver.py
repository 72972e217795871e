"""The lines of the phone, and the UDP ports that they share."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ringfence.config.snapshot import Change, Origin
from ringfence.errors import ComponentError
from ringfence.features.line.binding import FAREWELL
from ringfence.features.line.change import barrier, registers_alike
from ringfence.features.line.commands import offer_commands
from ringfence.features.line.frontdesk import FrontDesk
from ringfence.features.line.line import Line
from ringfence.features.line.past import Past
from ringfence.features.line.path import Media, Path, located, secured
from ringfence.features.line.plan import LinePlan, parts
from ringfence.features.line.port import UdpPort
from ringfence.features.line.status import (
    call_words,
    ended_words,
    health,
    line_data,
    line_words,
    mailbox_data,
    mailbox_words,
    remedies,
    title,
)
from ringfence.features.line.targets import SECURE_CALLS, target_uri, typed
from ringfence.policy.emergency import is_emergency
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.digest import Credentials, Guard
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.response import Reply, Source
from ringfence.protocols.sip.uas import Served
from ringfence.runtime.feature import World
from ringfence.runtime.handset import Handset
from ringfence.runtime.state import Status

if TYPE_CHECKING:
    from ringfence.runtime.audio import AudioEngine

logger = logging.getLogger(__name__)

NAME = "line"

HANDSHAKES_LATER = 0.05
"""Most seconds that a line over TCP or TLS waits for those over UDP, which have no handshake."""


class LineDriver:
    """Keeps every line registered and every port answered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls = FrontDesk(world, self._open_audio, self._way_out)
        self.handset = Handset(world.host)
        self._audio: AudioEngine | None = None
        offer_commands(world.commands, self)
        self._lines: dict[str, Line] = {}
        self._past = Past(world, self._lines)
        self._heard: set[str] = set()
        """Keys of lines that registered, or found once that they cannot."""
        self._quick = asyncio.Event()
        """Set once the lines have heard of their registrars that shake no hands with them."""
        self._leaving: list[Line] = []
        """Lines that still take leave of their registrar."""
        self._ports: dict[int, UdpPort] = {}
        self._next: bool | None = None
        """Whether the next call is secured, where somebody dialled that."""
        self._pending: dict[str, LinePlan | None] = {}
        """What lines become once their calls are over; None for no line any more."""

    async def apply(self, key: str, plan: LinePlan) -> None:
        """Bring one line to `plan`; what only concerns the answers changes without a REGISTER.

        A line with calls changes once they are over (rulings 18).

        Raises:
            ComponentError: the UDP port is taken; the line is as it was.

        """
        for name, part in parts(key, plan).items():
            self._change_to(name, part)
        self._settle()
        self._past.begin()

    async def remove(self, key: str) -> None:
        """Unregister a line, and close its port if no other line uses it."""
        for name, part in parts(key, None).items():
            self._change_to(name, part)
        self._settle()

    def _change_to(self, key: str, plan: LinePlan | None) -> None:
        """Bring a line to a plan, None for no line, now or once its calls are over."""
        held = self._lines.get(key)
        if held and plan and registers_alike(held.plan, plan):
            held.plan, held.barred = plan, ""
            self._pending.pop(key, None)
            held.wake()
        elif held and self.calls.busy(held.plan.n):
            if plan:
                self._port(plan)  # a port that is taken is told now
            self._postpone(key, held, plan)
        else:
            self._replace(key, plan)

    def _replace(self, key: str, plan: LinePlan | None) -> None:
        """Put a new line in the place of the one that there is."""
        line = None
        if plan:
            line = Line(self._world, plan, self._port(plan), self.calls, partial(self._hear, key))
        self._pending.pop(key, None)
        if held := self._lines.pop(key, None):
            self._leave(held)
        if line:
            self._lines[key] = line
            before = [other for other in self._leaving if other.plan.name == line.plan.name]
            self._world.spawn(self._run(line, before))

    def _postpone(self, key: str, held: Line, plan: LinePlan | None) -> None:
        """Change a line when its calls are over; what forbids the present peer bars new ones."""
        held.barred = barrier(held.plan, plan)
        waiting = key in self._pending
        self._pending[key] = plan
        logger.info("line.pending: Ext %d has calls", held.plan.n)
        if not waiting:
            self._world.spawn(self._change(key, held.plan.n))

    async def _change(self, key: str, n: int) -> None:
        await self.calls.until_idle(n)
        if key in self._pending:
            self._replace(key, self._pending[key])
            self._settle()

    def _hear(self, key: str) -> None:
        """Note that a line has heard of its registrar; let others begin once all have."""
        self._heard.add(key)
        self._past.note(key)
        self._tell()

    def _tell(self) -> None:
        silent = (line.plan for key, line in self._lines.items() if key not in self._heard)
        awaited = [plan.transport for plan in silent if plan.home and plan.registers]
        if "UDP" not in awaited:
            self._quick.set()
        if not awaited:
            self._world.settled()
            self.calls.open()

    async def close(self) -> None:
        """Hang up, unregister every line, in bounded time, and close the ports."""
        self.calls.close()
        self._pending.clear()
        for line in self._lines.values():
            self._leave(line)
        self._lines.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                for line in list(self._leaving):
                    await line.ended.wait()
        self._leaving.clear()
        self._settle()
        self.calls.leave()
        if self._audio:
            self._audio.close()

    def status(self) -> Status:
        """Return one row for each line that has a user or a proxy."""
        known = sorted(self._lines.items(), key=lambda entry: entry[1].plan.n)
        lines = [line for _, line in known if not line.plan.alternate]
        others = {line.plan.n: line for _, line in known if line.plan.alternate}
        rows = [
            (title(line), line_words(line, waits=key in self._pending))
            for key, line in known
            if line.plan.used
        ]
        ports = ", ".join(map(str, sorted(self._ports))) or "none"
        rows.append(("Open UDP SIP Ports", ports))
        rows += [
            mailbox_words(line, box)
            for line in lines
            if (box := self.calls.mailboxes.get(line.plan.user))
        ]
        board = self.calls.board
        calls = board.report()
        rows += self._call_rows(calls)
        held = [
            {
                **line_data(line, others.get(line.plan.n), waits=key in self._pending),
                "messages": mailbox_data(self.calls.mailboxes.get(line.plan.user)),
            }
            for key, line in known
            if not line.plan.alternate
        ]
        data = {"lines": held, "calls": calls, "last_call": board.last}
        data["refused"] = self.calls.refusals.count
        data["idle_since"] = board.idle_since
        data["handset"] = {"muted": self.handset.muted, "volume": self.handset.volume}
        data["recent"] = board.recent.shown()
        wrong = {title(line): tags for line in lines if (tags := remedies(line))}
        state = health(lines, waits=bool(self._pending))
        return Status(state, tuple(rows), data, "Lines", remedies=wrong, plots=self._past.plots())

    def _call_rows(self, calls: list[Mapping[str, object]]) -> Iterator[tuple[str, str]]:
        """Yield the calls that there are, and what became of others."""
        yield from ((f"Call {call['call']}", call_words(call)) for call in calls)
        if self.handset.muted:
            yield "Microphone", "muted"
        if last := self.calls.board.last:
            yield "Last Call", ended_words(last)
        if refused := self.calls.refusals.count:
            yield "Refused SIP Requests", f"{refused}, the last one: {self.calls.refusals.last}"

    async def _run(self, line: Line, before: list[Line]) -> None:
        self._tell()  # that none has to register; every line of these settings is there by now
        if line.plan.transport != "UDP":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANDSHAKES_LATER):
                    await self._quick.wait()
        try:
            await line.run(before)
        finally:
            if line in self._leaving:
                self._leaving.remove(line)
                self._settle()

    def _leave(self, line: Line) -> None:
        if not line.ended.is_set():
            self._leaving.append(line)
            line.stop()

    def _port(self, plan: LinePlan) -> UdpPort | None:
        """Return the port of a plan; it listens also where other lines still need it to.

        Raises:
            ComponentError: it is taken or not allowed.

        """
        number = plan.port
        if number is None:
            return None
        port = self._ports.get(number)
        if port is None:
            port = UdpPort(self._world.host, number, self._respond, self._expects)
            port.server.calls = self.calls.reception(partial(self._path, port))
        port.listen(port.listens.union(plan.listens))
        self._ports[number] = port
        return port

    def _expects(self, address: str) -> bool:
        return address in self.calls.peers()

    def _respond(self, message: Message, address: str) -> None:
        for line in (*self._lines.values(), *self._leaving):
            if line.receive_response(message, address):
                return
        self.calls.receive_response(message, address)

    def _path(self, port: UdpPort, user: str, source: Source) -> Path | None:
        """Return how a call from a source travels: back to where its INVITE came from."""
        nearest = sorted(self._lines.values(), key=lambda line: not line.knows(source.address))
        for line in nearest:
            home = line.plan.home
            if line.port is port and line.plan.user == user and home and line.takes_calls:

                def send(message: Reply) -> None:
                    address, number = message.address, message.port
                    port.send(message.data, address or source.address, number or source.port)

                own = line.own(source.address)
                flow = Flow("UDP", own, port.number)
                account = line.binding.way.account if line.binding else home.account
                if not source.known:  # who is no proxy of ours leads us nowhere
                    account = replace(account, straight=False)
                zone = source.address.partition("%")[2]
                made = Path(line.plan, flow, source.address, send, line.agreement, account)
                bound = f"{own}%{zone}" if zone else ""
                return replace(made, bound=bound, known=source.known)
        return None

    def _open_audio(self, path: Path) -> Media:
        if self._audio is None:
            from ringfence.runtime.audio import AudioEngine  # only calls pay for it

            self._audio = AudioEngine(self._world.host, self._world.facts().sound, self.handset)
        plan = path.line
        name = f"ext{plan.n}"
        address = path.bound or path.flow.host
        return self._audio.open(address, plan.rtp_ports, name, plan.rtcp_interval)

    def dial(self, target: str, n: int) -> Mapping[str, object]:
        """Place a call from Ext(n), or from the first line that can, and return its number.

        A code that says how calls are secured is obeyed, and its name returned where it was all.

        Raises:
            ConfigError: the target is none.
            ComponentError: no line can place a call now.

        """
        line, path = self._best_way(n)
        scope, secure, target = line.plan.codes.read(typed(target))
        if scope == "every":
            change = {SECURE_CALLS: Change("Yes" if secure else "No")}
            for error in self._world.submit(change, Origin.SCREEN, whole=True):
                raise error
            return {"secure_calls": "every" if secure else "none"}
        if scope:
            self._next = secure
            if not target:
                return {"next_call": "secure" if secure else "not secure"}
        path, self._next = secured(path, secure=self._next), None
        return {"call": self._dial(line, path, target)}

    def _dial(self, line: Line, path: Path, target: str) -> int:
        elsewhere = partial(self._elsewhere, target, line)
        uri = target_uri(target, path.account.registrar)
        return self.calls.board.dial(self._for_help(path, target), uri, elsewhere)

    def _for_help(self, path: Path, target: str) -> Path:
        """Return a path that says where the phone is, if help is called and somebody knows."""
        where = self._world.facts().location
        called = where and is_emergency(target, path.line.emergency)
        return located(path, where) if called else path

    def _way_out(self, n: int) -> Path:
        return self._best_way(n)[1]

    def _best_way(self, n: int) -> tuple[Line, Path]:
        for found in self._ways_out(n):
            return found
        raise ComponentError("call", f"Ext {n} is not registered" if n else "no line is registered")

    def _ways_out(self, n: int) -> Iterator[tuple[Line, Path]]:
        """Yield the lines of Ext(n), 0 for any, that can place a call now, best first."""
        for line in sorted(self._lines.values(), key=_place):
            if n in (0, line.plan.n) and line.places_calls and (path := line.path):
                yield line, path

    def _elsewhere(self, target: str, silent: Line) -> tuple[Path, str] | None:
        """Return how to call past a line whose proxy took no INVITE."""
        with contextlib.suppress(ComponentError):  # there is no route to it
            for line, path in self._ways_out(silent.plan.n):
                if line is not silent and line.registered:
                    silent.doubt()
                    uri = target_uri(target, path.account.registrar)
                    return self._for_help(path, target), uri
        return None

    def _settle(self) -> None:
        """Route requests to the lines there are, and close the ports that nobody needs."""
        for port in self._ports.values():
            port.server.lines = {}
        for line in sorted(self._lines.values(), key=_place, reverse=True):
            plan = line.plan
            for server in line.servers:
                if plan.user:
                    server.lines = {**server.lines, plan.user: _served(plan)}
                server.proxies_only = plan.proxies_only
                server.server = plan.server.encode()
        plans = [line.plan for line in (*self._lines.values(), *self._leaving)]
        needed: dict[int | None, set[str]] = {}
        for plan in (*plans, *filter(None, self._pending.values())):
            needed.setdefault(plan.port, set()).update(plan.listens)
        for number, port in list(self._ports.items()):
            if number in needed:
                port.listen(needed[number])
            else:
                port.close()
                del self._ports[number]
        bound = frozenset(("udp", number) for number in self._ports)
        facts = self._world.facts()
        if facts.bound.get(NAME, frozenset()) != bound:
            self._world.publish(bound={**facts.bound, NAME: bound})


def _place(line: Line) -> tuple[int, bool, bool]:
    """Return the place of a line among all: of an extension, what works comes first."""
    return line.plan.n, line.doubted or not line.registered, line.plan.alternate


def _served(plan: LinePlan) -> Served:
    """Return what a line lets in."""
    credentials = Credentials(plan.auth_user, plan.password.reveal())
    guard = Guard(plan.realm.encode(), credentials, plan.sha256)
    return Served(
        invite=guard if plan.auth_invite else None,
        notify=guard if plan.auth_notify else None,
        reliable=plan.reliable,
        resyncs=plan.resyncs,
    )
