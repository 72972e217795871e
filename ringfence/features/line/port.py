"""A UDP port that one or more lines share."""

import asyncio
import logging
import socket
from collections.abc import Callable

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.message import Message, check_response, read_message
from ringfence.protocols.sip.response import Source
from ringfence.protocols.sip.uas import UserAgentServer
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

ANY = "0.0.0.0"  # noqa: S104 - the firewall decides who reaches the port
BATCH = 64
"""Most datagrams read in one turn of the loop."""
BUFFER = 128 * 1024
"""Bytes the kernel queues: about 100 ms of work, so that a flood cannot become seconds of delay."""
LARGEST = 65535

Respond = Callable[[Message, str], None]


class UdpPort:
    """Reads with a loop of its own, which costs half of what an asyncio transport does."""

    def __init__(
        self, host: Host, number: int, respond: Respond, expected: Callable[[str], bool]
    ) -> None:
        """Bind the port and start to read; responses and their source go to `respond`.

        Those of proxies do, and those of addresses that are `expected`.

        Raises:
            ComponentError: the port is taken or not allowed.

        """
        self.number = number
        self.server = UserAgentServer(host.entropy(32))
        self._host = host
        self._respond = respond
        self._expected = expected
        self._peers: dict[int, str] = {}
        self._known: frozenset[str] = frozenset()
        self._socket = host.udp(ANY, number)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def trust(self, n: int, address: str) -> None:
        """Hold an address for the proxy of Ext(n); empty for none any more."""
        self._peers[n] = address
        self._known = frozenset(filter(None, self._peers.values()))

    def send(self, data: bytes, address: str, port: int) -> None:
        """Send a datagram; one that cannot leave is lost, as any may be."""
        try:
            self._socket.sendto(data, (address, port))
        except OSError as error:
            logger.debug("line.not_sent: %s port %d: %s", address, port, error.strerror)

    def close(self) -> None:
        """Stop reading and free the port."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        now = self._host.now()
        for _ in range(BATCH):
            try:
                data, (address, port) = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error of an earlier datagram
                logger.debug("line.not_delivered: %s", error.strerror)
                continue
            source = Source(address, port, address in self._known)
            if data[:4].upper() == b"SIP/":
                self._receive_response(data, source)
            elif reply := self.server.receive(data, source, now):
                self.send(reply.data, address, reply.port)

    def _receive_response(self, data: bytes, source: Source) -> None:
        if not source.known and not self._expected(source.address):
            return
        try:
            message = read_message(data)
            check_response(message)
        except RemoteProtocolError as error:
            logger.debug("line.bad_response: from %s: %s", source.address, error)
            return
        self._respond(message, source.address)
