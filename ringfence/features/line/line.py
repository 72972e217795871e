"""One extension at work: it finds its registrar, registers, and stays registered."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ringfence.errors import ComponentError, NetworkError, PolicyError, RemoteProtocolError
from ringfence.features.line.plan import Home, LinePlan
from ringfence.features.line.port import UdpPort
from ringfence.features.line.switchboard import Path, Switchboard
from ringfence.policy.applications import SIP
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.message import Message, check_response, read_message
from ringfence.protocols.sip.registration import Failed, Registered, Registration
from ringfence.protocols.sip.response import Source
from ringfence.protocols.sip.stream import MessageStream
from ringfence.protocols.sip.uas import UserAgentServer
from ringfence.runtime.egress import Stream, Target
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

FAREWELL = 2.0
"""Most seconds that unregistering may take."""

Send = Callable[[bytes], Awaitable[None]]


class Line:
    """The registration of one extension, from `run` to `stop`."""

    def __init__(
        self, world: World, plan: LinePlan, port: UdpPort | None, calls: Switchboard
    ) -> None:
        self.plan = plan
        self.port = port
        self.server = port.server if port else UserAgentServer(world.host.entropy(32))
        self.suite = ""
        self.reason = plan.refused
        """Why the line is not registered; empty where there is nothing to say."""
        self.ended = asyncio.Event()
        """Set when `run` has nothing more to do."""
        self._world = world
        self._calls = calls
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        """What `stop` may cancel: set while there is nobody to take leave of."""
        self._peer = ""
        self._lost = ""
        """Why the present connection ended; empty while it stands."""
        self._outbox: list[bytes] = []
        """Messages of calls that wait for the connection."""
        self._flow: Flow | None = None
        """What carries the line's messages now."""
        self._registration: Registration | None = None
        self._told: tuple[bytes, ...] = ()
        """The agreement that was logged last."""
        self.agreement = plan.home.mediasec.agreement() if plan.home else Agreement()
        if plan.home:
            credentials = Credentials(plan.auth_user, plan.password.reveal())
            self._registration = Registration(
                plan.home.account, credentials, world.host.entropy, self.agreement
            )

    @property
    def registered(self) -> bool:
        """Whether the registrar holds our contact."""
        return bool(self._registration and self._registration.is_registered(self._now()))

    @property
    def refresh(self) -> float | None:
        """Return the seconds until the next REGISTER; None where none is planned."""
        due = self._registration.refresh if self._registration else None
        return None if due is None else max(due - self._now(), 0)

    @property
    def path(self) -> Path | None:
        """Return how a call would travel now; None while nothing carries the line's messages."""
        home = self.plan.home
        if self._flow is None or home is None:
            return None
        port, peer = self.port, self._peer

        def send(data: bytes, number: int) -> None:
            if port:
                port.send(data, peer, number or home.port)
            else:
                self._outbox.append(data)
                self._wake.set()

        return Path(self.plan, self._flow, peer, send, self.agreement)

    def stop(self) -> None:
        """Unregister; `ended` is set within `FAREWELL` seconds."""
        self._stopping = True
        self._wake.set()
        if self._task:
            self._task.cancel()

    async def run(self, before: Sequence["Line"]) -> None:
        """Register, and stay registered until stopped; after those `before` have ended."""
        self._task = asyncio.current_task()
        try:
            for line in before:
                await line.ended.wait()
            if self.plan.home and self._registration and not self._stopping:
                await self._stay(self.plan.home, self._registration)
        finally:
            self._task = None
            if self.port:
                self.port.trust(self.plan.n, "")
            self._know(())
            self.ended.set()

    def receive_response(self, message: Message, address: str) -> bool:
        """Take a response that passed `check_response`; return whether it was ours.

        One from elsewhere than our registrar is not: it may be made up to get at the digest.
        """
        if not self._registration or address != self._peer:
            return False
        if not self._registration.receive_response(message, self._now()):
            return False
        self._wake.set()
        return True

    async def _stay(self, home: Home, registration: Registration) -> None:
        if not home.address:
            self.reason = "waiting for an address"
            return
        while not self._stopping:
            failed = await self._attempt(home, registration)
            if failed is None:
                return
            self.reason = failed.reason
            rest = "for good" if failed.retry is None else f"for {failed.retry:.1f} s"
            logger.warning("line.failed: Ext %d rests %s: %s", self.plan.n, rest, failed.reason)
            await self._rest(failed.retry)

    async def _attempt(self, home: Home, registration: Registration) -> Failed | None:
        """Try the registrar's addresses in order; return the last failure, None when stopped."""
        target = Target(
            SIP,
            home.host,
            home.port,
            home.tls,
            home.domains,
            home.resolvers,
            home.source_ports,
            home.exact_domains,
            named_by=home.named_by,
        )
        self.reason = f"registering at {home.host}"
        failed: Failed | None = None
        try:
            addresses = await self._world.egress.resolve(target)
        except (NetworkError, PolicyError) as error:
            return self._unreached(home, registration, error)
        self._know(addresses)
        for address in addresses:
            if home.transport == "UDP":
                failed = await self._over_udp(home, registration, address)
            else:
                failed = await self._over_stream(target, home, registration, address)
            if failed is None or failed.status:
                break
        return failed

    def _know(self, addresses: Iterable[str]) -> None:
        """Tell whom the firewall must never take for a stranger."""
        peers = {**self._world.facts().peers, f"line {self.plan.n}": frozenset(addresses)}
        self._world.publish(peers={name: known for name, known in peers.items() if known})

    async def _over_udp(
        self, home: Home, registration: Registration, address: str
    ) -> Failed | None:
        port = self.port
        if port is None:
            return None
        self._peer = address
        port.trust(self.plan.n, address)

        async def send(data: bytes) -> None:
            port.send(data, address, home.port)

        return await self._drive(registration, Flow("UDP", home.address, port.number), send)

    async def _over_stream(
        self, target: Target, home: Home, registration: Registration, address: str
    ) -> Failed | None:
        try:
            stream = await self._world.egress.connect(target, address)
        except (NetworkError, PolicyError, ComponentError) as error:
            return self._unreached(home, registration, error)
        self._peer, self._lost = address, ""
        self.suite = stream.secured.suite if stream.secured else ""
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(stream))
                flow = Flow(home.transport, *stream.local)
                failed = await self._drive(registration, flow, stream.write)
                reader.cancel()
            return failed
        finally:
            self.suite = ""
            await stream.close()

    def _unreached(self, home: Home, registration: Registration, error: Exception) -> Failed | None:
        """Return the failure of a flow that was never made; a refusal of ours rests long."""
        if isinstance(error, PolicyError):
            return Failed(0, str(error), home.account.retry.long or None)
        registration.lose_flow(str(error), self._now())
        event = registration.next_event()
        return event if isinstance(event, Failed) else None

    async def _drive(self, registration: Registration, flow: Flow, send: Send) -> Failed | None:
        """Move messages and time until the registration failed, or was given up (None)."""
        task, self._task = self._task, None
        self._flow = flow
        registration.register(flow, self._now())
        try:
            return await self._drive_to_end(registration, send)
        finally:
            self._task, self._flow = task, None
            self._outbox.clear()

    async def _drive_to_end(self, registration: Registration, send: Send) -> Failed | None:
        deadline: float | None = None
        while deadline is None or self._now() < deadline:
            if self._stopping and deadline is None:
                registration.unregister(self._now())
                deadline = self._now() + FAREWELL
            if self._lost:
                registration.lose_flow(self._lost, self._now())
            try:
                due, self._outbox = self._outbox, []
                for data in (*registration.messages_to_send(), *due):
                    await send(data)
            except NetworkError as error:
                self._lost = str(error)
                continue
            while event := registration.next_event():
                if not isinstance(event, Registered):
                    return event if isinstance(event, Failed) else None
                self.reason = ""
                logger.info("line.registered: Ext %d for %d s", self.plan.n, event.expires)
                self._tell_agreement()
            times = [time for time in (registration.get_timer(), deadline) if time is not None]
            await self._sleep(min(times, default=None))
            registration.handle_timer(self._now())
        return None

    def _tell_agreement(self) -> None:
        """Log an agreement that is new, and warn where others can read the keys of its calls."""
        named = self.agreement.server_list
        if named == self._told or not self._flow:
            return
        self._told = named
        words = b", ".join(named).decode(errors="replace") or "none any more"
        if self.agreement.secures_media and self._flow.transport != "TLS":
            words += f"; over {self._flow.transport} the keys of calls travel in clear text"
            logger.warning("line.agreement: Ext %d: %s", self.plan.n, words)
        else:
            logger.info("line.agreement: Ext %d: %s", self.plan.n, words)

    async def _read(self, stream: Stream) -> None:
        """Take what comes over the connection, requests too, until it ends."""
        cutter = MessageStream()
        source = Source(*stream.peer, known=True, reliable=True)
        self.server.calls = self._calls.reception(lambda _user, _source: self.path, self.server.key)
        try:
            while data := await stream.read():
                cutter.receive_data(data)
                while (whole := cutter.next_message()) is not None:
                    await self._receive(whole, source, stream)
            self._lost = "the server closed the connection"
        except (NetworkError, RemoteProtocolError) as error:
            self._lost = str(error)
        self._wake.set()

    async def _receive(self, data: bytes, source: Source, stream: Stream) -> None:
        if data[:4].upper() != b"SIP/":
            if reply := self.server.receive(data, source, self._now()):
                await stream.write(reply.data)
            return
        try:
            message = read_message(data)
            check_response(message)
        except RemoteProtocolError as error:
            logger.warning("line.bad_response: Ext %d: %s", self.plan.n, error)
            return
        if not self.receive_response(message, source.address):
            self._calls.receive_response(message, source.address)

    async def _rest(self, seconds: float | None) -> None:
        """Return after so many seconds, or when stopped; None waits for that alone."""
        until = None if seconds is None else self._now() + seconds
        while not self._stopping and (until is None or self._now() < until):
            await self._sleep(until)

    async def _sleep(self, until: float | None) -> None:
        """Return at a time, or when something happened; None waits for that alone."""
        delay = None if until is None else max(until - self._now(), 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._wake.wait()
        self._wake.clear()

    def _now(self) -> float:
        return self._world.host.now()
