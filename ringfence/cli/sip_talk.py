"""One question over one hop: connect as Egress allows, send it, wait for the answer."""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from ringfence.errors import ComponentError, NetworkError, PolicyError, RemoteProtocolError
from ringfence.policy.network import written
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.inquiry import Inquiry
from ringfence.protocols.sip.locate import Hop
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.stream import MessageStream
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.egress_stream import broken
from ringfence.runtime.host import Host

LARGEST = 65536

Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[list[bytes]]]
"""Returns the messages that came. Raises `NetworkError`, `RemoteProtocolError` or `OSError`."""


class Talk(Struct):
    """What happened at one place, as far as it came."""

    hop: Hop
    connected: bool = False
    version: str = ""
    suite: str = ""
    name: str = ""
    """The name in the certificate that was accepted; empty where none was checked."""
    received: int = 0
    """Bytes over a connection."""
    answer: Message | None = None
    took: float = 0.0
    """Seconds from the question to the answer."""
    rule: str = ""
    """Of our refusal; empty where we refused nothing."""
    reason: str = ""
    """Why there is no answer; empty where there is one."""

    @property
    def place(self) -> str:
        """Transport, address and port."""
        return f"{self.hop.transport} {written(self.hop.address, self.hop.port)}"

    @property
    def status(self) -> int:
        """Status of the answer; 0 for none."""
        return self.answer.status if self.answer else 0

    @property
    def phrase(self) -> str:
        """Reason phrase of the answer."""
        return self.answer.reason.decode(errors="replace") if self.answer else ""

    def header(self, name: str) -> str:
        """Return the values of a header field of the answer, joined; empty for none."""
        values = self.answer.all(name.encode()) if self.answer else ()
        return ", ".join(value.decode(errors="replace") for value in values)

    def allowed(self) -> list[str]:
        """Return the methods that the server says it allows."""
        values = self.answer.values(b"allow") if self.answer else []
        return [value.decode(errors="replace") for value in values]


class Asker(Struct, frozen=True):
    """What a question needs besides a place."""

    host: Host
    egress: Egress
    account: Account
    wait: float
    """Seconds, for connection and answer each."""

    async def ask(self, target: Target, hop: Hop) -> Talk:
        """Return what came of one question."""
        told = Talk(hop)
        try:
            if hop.transport == "UDP":
                await self._over_udp(told)
            else:
                await self._over_stream(told, target)
        except PolicyError as error:
            told.rule, told.reason = error.rule, str(error)
        except (NetworkError, ComponentError) as error:
            told.reason = str(error)
        except RemoteProtocolError as error:
            told.reason = f"the server does not speak SIP: {error}"
        except OSError as error:
            told.reason = broken(error)
        return told

    async def _over_udp(self, told: Talk) -> None:
        hop, loop = told.hop, asyncio.get_running_loop()
        any_address = "::" if ":" in hop.address else "0.0.0.0"  # noqa: S104 - we send first
        with self.host.udp(any_address, 0) as opened:
            opened.connect((hop.address, hop.port))  # only the server is heard, ICMP errors too
            address, port = opened.getsockname()[:2]

            async def send(data: bytes) -> None:
                await loop.sock_sendall(opened, data)

            async def receive() -> list[bytes]:
                return [await loop.sock_recv(opened, LARGEST)]

            await self._drive(told, Flow("UDP", address, port), send, receive)

    async def _over_stream(self, told: Talk, target: Target) -> None:
        stream = await self.egress.connect(target, told.hop.address, self.wait)
        told.connected = True
        if secured := stream.secured:
            told.version, told.suite, told.name = secured.version, secured.suite, secured.matched
        cutter = MessageStream()

        async def receive() -> list[bytes]:
            if not (data := await stream.read()):
                raise NetworkError("the server closed the connection")
            told.received += len(data)
            cutter.receive_data(data)
            return list(iter(cutter.next_message, None))

        try:
            await self._drive(told, Flow(told.hop.transport, *stream.local), stream.write, receive)
        finally:
            await stream.close()

    async def _drive(self, told: Talk, flow: Flow, send: Send, receive: Receive) -> None:
        """Move messages and time until the answer is there.

        Raises:
            NetworkError: it did not come in time.

        """
        now = self.host.now
        inquiry, began = Inquiry(self.account, flow, self.host.entropy, now()), now()
        while inquiry.answer is None:
            for data in inquiry.messages_to_send():
                await send(data)
            due = min(inquiry.get_timer(), began + self.wait)
            try:
                async with asyncio.timeout(max(due - now(), 0)):
                    for data in await receive():
                        inquiry.receive_data(data, now())
            except TimeoutError:
                inquiry.handle_timer(now())
            if inquiry.answer is None and now() - began >= self.wait:
                came = f"; {told.received} bytes came, no whole message" if told.received else ""
                if inquiry.unusable:
                    came = f"; what came is no answer: {inquiry.unusable}"
                raise NetworkError(f"no answer in {self.wait:g} s{came}")
        told.connected, told.answer, told.took = True, inquiry.answer, now() - began
