"""One registration at one hop, from its first REGISTER to its last."""

import asyncio
import contextlib
from collections.abc import Callable
from math import inf

from ringfence.errors import NetworkError
from ringfence.features.line.link import Link, Receive
from ringfence.features.line.ways import Way
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.keepalive import KeepAlive
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.registration import Failed, Registered, Registration
from ringfence.runtime.host import Host

FAREWELL = 2.0
"""Most seconds that unregistering may take."""

Pause = Callable[[], float]
"""Returns the seconds between keep-alives, 0 for none."""


class Binding:
    """Moves messages and time between a registration and its link."""

    def __init__(
        self,
        host: Host,
        link: Link,
        way: Way,
        registration: tuple[Registration, Agreement],
    ) -> None:
        self.link = link
        self.way = way
        self.registration, self.agreement = registration
        self.task: asyncio.Task[Failed | None]
        """Runs `keep`."""
        self.settled = asyncio.Event()
        """Set once the first REGISTER came out, good or bad."""
        self.renewed = asyncio.Event()
        """Set at each good answer to a REGISTER."""
        self.held = False
        """Whether the registrar has ever held our contact here."""
        self._host = host
        self._wake = asyncio.Event()
        self._released = False
        self._silently = False
        self._alive = KeepAlive(host.entropy)

    @property
    def registered(self) -> bool:
        """Whether the registrar holds our contact now."""
        return self.held and self.registration.is_registered(self._host.now())

    def wake(self) -> None:
        """Look at once at what there is to send."""
        self._wake.set()

    def release(self, *, silently: bool = False) -> None:
        """End `keep`: unregister first, unless `silently`."""
        self._released, self._silently = True, silently
        self.wake()

    def receive_response(self, message: Message, address: str) -> bool:
        """Take a response of `read_response`; return whether it was ours.

        One from elsewhere than our registrar is not: it may be made up to get at the digest.
        """
        if address != self.link.hop.address:
            return False
        if not self.registration.receive_response(message, self._host.now()):
            return False
        self.wake()
        return True

    async def keep(
        self, receive: Receive, good: Callable[["Binding", Registered], None], pause: Pause
    ) -> Failed | None:
        """Register, and stay registered; return why that failed, None when released.

        `good` hears of each good answer; `pause` returns the seconds between keep-alives.
        """
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(receive))
                failed = await self._drive(good, pause)
                reader.cancel()
            return failed
        finally:
            self.settled.set()
            await self.link.close()

    async def _read(self, receive: Receive) -> None:
        await self.link.read(receive, self._alive.receive_data)
        self.wake()

    async def _drive(
        self, good: Callable[["Binding", Registered], None], pause: Pause
    ) -> Failed | None:
        registration, deadline = self.registration, inf
        registration.register(self.link.flow, self._host.now(), self.way.account)
        while self._host.now() < deadline:
            if self._released and deadline == inf:
                if self._silently:
                    return None
                registration.unregister(self._host.now())
                deadline = self._host.now() + FAREWELL
            await self._send()
            while event := registration.next_event():
                if not isinstance(event, Registered):
                    return event if isinstance(event, Failed) else None
                self.held = True
                good(self, event)
                self.settled.set()
                self.renewed.set()
            self._alive.keep(pause() if self.held else 0, self._host.now())
            timer = registration.get_timer()
            due = min(inf if timer is None else timer, deadline, self._alive.get_timer())
            await self._sleep(due)
            registration.handle_timer(self._host.now())
        return None

    async def _send(self) -> None:
        """Send what is due, and tell the registration where the link is lost."""
        if self._alive.handle_timer(self._host.now()):
            self.link.ping()
        if self._alive.dead:
            self.link.lost = self.link.lost or "the server does not answer keep-alives any more"
        for data in self.registration.messages_to_send():
            self.link.post(data)
        try:
            await self.link.flush()
        except NetworkError as error:
            self.link.lost = self.link.lost or str(error)
        if self.link.lost:
            self.registration.lose_flow(self.link.lost, self._host.now())

    async def _sleep(self, until: float) -> None:
        """Return at a time, or when something happened."""
        delay = None if until == inf else max(until - self._host.now(), 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._wake.wait()
        self._wake.clear()
