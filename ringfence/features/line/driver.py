"""The lines of the phone, and the UDP ports that they share."""

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.features.line.commands import call_words, offer_commands, target_uri
from ringfence.features.line.line import FAREWELL, Line
from ringfence.features.line.plan import LinePlan
from ringfence.features.line.port import UdpPort
from ringfence.features.line.switchboard import Media, Path, Switchboard
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.digest import Credentials, Guard
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.response import Source
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.runtime.audio import AudioEngine

NAME = "line"


class LineDriver:
    """Keeps every line registered and every port answered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls = Switchboard(world, self._open_audio)
        self._audio: AudioEngine | None = None
        offer_commands(world.commands, self)
        self._lines: dict[str, Line] = {}
        self._leaving: list[Line] = []
        """Lines that still take leave of their registrar."""
        self._ports: dict[int, UdpPort] = {}

    async def apply(self, key: str, plan: LinePlan) -> None:
        """Bring one line to `plan`; what only concerns the answers changes without a REGISTER.

        Raises:
            ComponentError: the UDP port is taken; the line is as it was.

        """
        held = self._lines.get(key)
        if held and _registers_alike(held.plan, plan):
            held.plan = plan
        else:
            line = Line(self._world, plan, self._port(plan.port), self.calls)
            if held:
                self._leave(held)
            self._lines[key] = line
            before = [other for other in self._leaving if other.plan.n == plan.n]
            self._world.spawn(self._run(line, before))
        self._settle()

    async def remove(self, key: str) -> None:
        """Unregister a line, and close its port if no other line uses it."""
        if line := self._lines.pop(key, None):
            self._leave(line)
        self._settle()

    async def close(self) -> None:
        """Hang up, unregister every line, in bounded time, and close the ports."""
        self.calls.close()
        for line in self._lines.values():
            self._leave(line)
        self._lines.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                for line in list(self._leaving):
                    await line.ended.wait()
        self._leaving.clear()
        self._settle()
        if self._audio:
            self._audio.close()

    def status(self) -> Status:
        """Return one row for each line that has a user or a proxy."""
        lines = list(self._lines.values())
        rows = [
            (f"Ext {line.plan.n}", _words(line))
            for line in lines
            if line.plan.user or line.plan.home or line.plan.refused
        ]
        ports = ", ".join(map(str, sorted(self._ports))) or "none"
        rows.append(("Open UDP SIP Ports", ports))
        calls = self.calls.report()
        rows += [(f"Call {call['call']}", call_words(call)) for call in calls]
        data = {"lines": [_data(line) for line in lines], "calls": calls}
        return Status(_health(lines), tuple(rows), data, "Lines")

    async def _run(self, line: Line, before: list[Line]) -> None:
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

    def _port(self, number: int | None) -> UdpPort | None:
        if number is None:
            return None
        if number not in self._ports:
            port = UdpPort(self._world.host, number, self._respond, self._expects)
            port.server.calls = self.calls.reception(partial(self._path, port), port.server.key)
            self._ports[number] = port
        return self._ports[number]

    def _expects(self, address: str) -> bool:
        return address in self.calls.peers()

    def _respond(self, message: Message, address: str) -> None:
        for line in (*self._lines.values(), *self._leaving):
            if line.receive_response(message, address):
                return
        self.calls.receive_response(message, address)

    def _path(self, port: UdpPort, user: str, source: Source) -> Path | None:
        """Return how a call from a source travels: back to where its INVITE came from."""
        for line in self._lines.values():
            if line.port is port and line.plan.user == user and line.plan.home:

                def send(data: bytes, number: int) -> None:
                    port.send(data, source.address, number or source.port)

                flow = Flow("UDP", line.plan.home.address, port.number)
                return Path(line.plan, flow, source.address, send, line.agreement)
        return None

    def _open_audio(self, plan: LinePlan) -> Media:
        if self._audio is None:
            from ringfence.runtime.audio import AudioEngine  # only calls pay for it

            self._audio = AudioEngine(self._world.host, self._world.facts().sound)
        address = plan.home.address if plan.home else ""
        return self._audio.open(address, *plan.rtp_ports, f"ext{plan.n}")

    def dial(self, target: str, n: int) -> int:
        """Place a call from Ext(n), or from the first line that can, and return its number.

        Raises:
            ConfigError: the target is none.
            ComponentError: no line can place a call now.

        """
        for line in sorted(self._lines.values(), key=lambda line: line.plan.n):
            if n in (0, line.plan.n) and line.registered and (path := line.path):
                return self.calls.dial(path, target_uri(target, path))
        raise ComponentError("call", f"Ext {n} is not registered" if n else "no line is registered")

    def _settle(self) -> None:
        """Route requests to the lines there are, and close the ports that nobody needs."""
        for port in self._ports.values():
            port.server.lines = {}
        for line in sorted(self._lines.values(), key=lambda line: -line.plan.n):
            plan = line.plan
            if plan.user:
                line.server.lines = {**line.server.lines, plan.user: _guard(plan)}
            line.server.server = plan.server.encode()
        needed = {line.port for line in (*self._lines.values(), *self._leaving)}
        for number, port in list(self._ports.items()):
            if port not in needed:
                port.close()
                del self._ports[number]
        bound = frozenset(("udp", number) for number in self._ports)
        facts = self._world.facts()
        if facts.bound.get(NAME, frozenset()) != bound:
            self._world.publish(bound={**facts.bound, NAME: bound})


def _registers_alike(held: LinePlan, wanted: LinePlan) -> bool:
    """Return whether two plans differ in nothing but how INVITEs are answered."""
    alike = replace(
        wanted,
        rtp_ports=held.rtp_ports,
        realm=held.realm,
        auth_invite=held.auth_invite,
        sha256=held.sha256,
        server=held.server,
        terms=held.terms,
    )
    return alike == held


def _guard(plan: LinePlan) -> Guard | None:
    if not plan.auth_invite:
        return None
    credentials = Credentials(plan.auth_user, plan.password.reveal())
    return Guard(plan.realm.encode(), credentials, plan.sha256)


def _words(line: Line) -> str:
    if line.registered:
        home = line.plan.home
        suite = f", {line.suite}" if line.suite else ""
        return f"Registered over {home.transport if home else ''}{suite}{_protection(line)}"
    if line.plan.home or line.reason:
        return f"Not registered: {line.reason}"
    return "Does not register"


def _data(line: Line) -> dict[str, object]:
    home = line.plan.home
    return {
        "n": line.plan.n,
        "registered": line.registered,
        "transport": home.transport if home else line.plan.transport,
        "suite": line.suite,
        "security_agreement": _agreement(line),
        "next_refresh": None if line.refresh is None else round(line.refresh),
        "reason": "" if line.registered else line.reason or "no registration wanted",
    }


def _agreement(line: Line) -> dict[str, object]:
    """Return what was agreed on about media: the server's list, and what follows from it."""
    agreed, home = line.agreement, line.plan.home
    return {
        "list": [value.decode(errors="replace") for value in agreed.server_list],
        "initiated_by": agreed.initiated_by,
        "secures_media": agreed.secures_media,
        "keys_in_clear": agreed.secures_media and bool(home and home.transport != "TLS"),
    }


def _protection(line: Line) -> str:
    """Return what the security agreement of a line means for its calls, in words."""
    held = _agreement(line)
    if not held["secures_media"]:
        return ""
    words = f"; SRTP agreed on, begun by the {held['initiated_by']}"
    return f"{words}; its keys travel in clear text" if held["keys_in_clear"] else words


def _health(lines: list[Line]) -> Health:
    if not lines:
        return Health.DISABLED
    if any(line.plan.refused for line in lines):
        return Health.FAILED
    if any(line.plan.home and not line.registered for line in lines):
        return Health.PENDING
    return Health.RUNNING
