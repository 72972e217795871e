"""What carries the messages of a line: the UDP port, or a connection of its own."""

import contextlib
from collections.abc import Awaitable, Callable

from ringfence.errors import NetworkError, RemoteProtocolError
from ringfence.features.line.port import UdpPort
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.keepalive import PING
from ringfence.protocols.sip.locate import Hop
from ringfence.protocols.sip.stream import MessageStream
from ringfence.runtime.egress import Stream

Receive = Callable[[bytes], Awaitable[None]]
"""Takes one whole message."""


class Link:
    """A way to one hop; this one is UDP."""

    __slots__ = (
        "_port",
        "flow",
        "hop",
        "lost",
        "suite",
    )

    def __init__(self, hop: Hop, flow: Flow, port: UdpPort | None = None) -> None:
        self.hop = hop
        self.flow = flow
        self.suite = ""
        """OpenSSL name of the cipher suite; empty without TLS."""
        self.lost = ""
        """Why nothing travels any more; empty while it does."""
        self._port = port

    def post(self, data: bytes, port: int = 0, address: str = "") -> None:
        """Send a message, at the latest with the next `flush`; without a place to the hop."""
        if self._port:
            self._port.send(data, address or self.hop.address, port or self.hop.port)

    def ping(self) -> None:
        """Send what keeps a NAT open."""
        self.post(b"")

    async def flush(self) -> None:
        """Send what waits.

        Raises:
            NetworkError: the connection broke.

        """

    async def read(self, receive: Receive, heard: Callable[[bytes], None]) -> None:
        """Hand over what comes until the link is lost; UDP comes through the port."""

    async def close(self) -> None:
        """Close the connection."""


class StreamLink(Link):
    """A TCP or TLS connection."""

    __slots__ = (
        "_outbox",
        "stream",
    )

    def __init__(self, hop: Hop, stream: Stream) -> None:
        super().__init__(hop, Flow(hop.transport, *stream.local))
        self.suite = stream.secured.suite if stream.secured else ""
        self.stream = stream
        self._outbox: list[bytes] = []

    def post(self, data: bytes, port: int = 0, address: str = "") -> None:
        """Send a message with the next `flush`."""
        self._outbox.append(data)

    def ping(self) -> None:
        """Send what a server answers with an empty line (RFC 5626)."""
        self.post(PING)

    async def flush(self) -> None:
        """Send what waits.

        Raises:
            NetworkError: the connection broke.

        """
        while self._outbox:
            await self.stream.write(self._outbox.pop(0))

    async def read(self, receive: Receive, heard: Callable[[bytes], None]) -> None:
        """Hand over each message, and to `heard` all bytes, until the connection ends."""
        cutter = MessageStream()
        try:
            while data := await self.stream.read():
                heard(data)
                cutter.receive_data(data)
                while (whole := cutter.next_message()) is not None:
                    await receive(whole)
            self.lost = "the server closed the connection"
        except NetworkError as error:
            self.lost = str(error)
        except RemoteProtocolError as error:
            if cutter.broken:
                with contextlib.suppress(NetworkError):
                    await receive(cutter.broken)
            self.lost = str(error)

    async def close(self) -> None:
        """Close the connection, and let go of whoever waits for it."""
        await self.stream.close()
