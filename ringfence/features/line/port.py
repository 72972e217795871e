"""A UDP port that one or more lines share."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.protocols.sip.message import Message, read_response
from ringfence.protocols.sip.response import Source
from ringfence.protocols.sip.uas import UserAgentServer
from ringfence.runtime.host import Host, endpoint

logger = logging.getLogger(__name__)

BATCH = 64
"""Most datagrams read in one turn of the loop."""
BUFFER = 128 * 1024
"""Bytes the kernel queues: about 100 ms of work, so that a flood cannot become seconds of delay."""
LARGEST = 65535

Datagram = tuple[bytes, tuple[Any, ...]]
"""What it holds, and the address of the other end as the kernel has it."""
Respond = Callable[[Message, str], None]


class UdpPort:
    """Reads with a loop of its own, which costs half of what an asyncio transport does.

    All that waits is read, then handled, then all answers leave: who serves many of our messages
    is woken once for them, and not once for each.
    """

    def __init__(
        self,
        host: Host,
        number: int,
        respond: Respond,
        expected: Callable[[str], bool],
    ) -> None:
        """Hand responses and their source to `respond`.

        Those of proxies, that is, and those of addresses that are `expected`.
        """
        self.number = number
        self.server = UserAgentServer(host.entropy(32))
        self._host = host
        self._respond = respond
        self._expected = expected
        self._peers: dict[str, frozenset[str]] = {}
        self._known: frozenset[str] = frozenset()
        self.listens: frozenset[str] = frozenset()
        """Wildcard addresses at which it reads, as far as the machine has them."""
        self._sockets: dict[bool, socket.socket] = {}
        """`{is IPv6: socket}`."""
        self._lacking: set[bool] = set()
        self._reading = False
        self._outbox: list[tuple[socket.socket, Datagram]] = []
        """What is to leave once all is read that waits, and leaves together."""

    def listen(self, addresses: Iterable[str]) -> None:
        """Read at these wildcard addresses, and at no others any more.

        A second family that the machine does not have is done without.

        Raises:
            ComponentError: the port is taken or not allowed.

        """
        wanted = {":" in address: address for address in sorted(addresses)}  # IPv4 first
        for family in self._sockets.keys() - wanted.keys():
            self._forget(family)
        for family in [family for family in wanted if family not in self._sockets]:
            try:
                bound = self._host.udp(wanted[family], self.number)
            except ComponentError as error:
                if not self._sockets:
                    raise
                if family not in self._lacking:
                    logger.warning("line.one_family: %s", error)
                self._lacking.add(family)
                continue
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            asyncio.get_running_loop().add_reader(bound, self._read, bound)
            self._sockets[family] = bound
        self.listens = frozenset(wanted.values())

    def trust(self, name: str, addresses: Iterable[str]) -> None:
        """Hold addresses for the proxies of a line; none for none any more."""
        self._peers[name] = frozenset(addresses)
        self._known = frozenset().union(*self._peers.values())

    def send(self, data: bytes, address: str, port: int) -> None:
        """Send a datagram; one that cannot leave is lost, as any may be."""
        if (bound := self._sockets.get(":" in address)) is not None:
            place = endpoint(address, port) if "%" in address else (address, port)
            self._outbox.append((bound, (data, place)))
            if not self._reading:
                self._flush()

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, []
        for bound, datagram in outbox:
            try:
                bound.sendto(*datagram)
            except OSError as error:
                address, port = datagram[1][:2]
                logger.debug("line.not_sent: %s port %d: %s", address, port, error.strerror)

    def close(self) -> None:
        """Stop reading and free the port."""
        for family in list(self._sockets):
            self._forget(family)

    def _forget(self, family: bool) -> None:
        bound = self._sockets.pop(family)
        asyncio.get_running_loop().remove_reader(bound)
        bound.close()

    def _read(self, bound: socket.socket) -> None:
        self._reading = True
        try:
            self._receive(_queued(bound))
        finally:
            self._reading = False
            self._flush()

    def _receive(self, datagrams: Iterable[Datagram]) -> None:
        now, known, receive = self._host.now(), self._known, self.server.receive
        for data, place in datagrams:
            address, port = place[0], place[1]
            if len(place) > 2 and place[3]:  # of the link alone: what is sent there needs the link
                address = f"{address}%{place[3]}"
            if data[:4].upper() == b"SIP/":
                if address in known or self._expected(address):
                    self._receive_response(data, address)
            elif reply := receive(data, Source(address, port, address in known), now):
                self.send(reply.data, address, reply.port)

    def _receive_response(self, data: bytes, address: str) -> None:
        try:
            message = read_response(data)
        except RemoteProtocolError as error:
            logger.debug("line.bad_response: from %s: %s", address, error)
            return
        self._respond(message, address)


def _queued(bound: socket.socket) -> list[Datagram]:
    """Return what waits in the kernel, up to `BATCH`."""
    found: list[Datagram] = []
    for _ in range(BATCH):
        try:
            found.append(bound.recvfrom(LARGEST))
        except BlockingIOError:
            break
        except OSError as error:  # an ICMP error of an earlier datagram
            logger.debug("line.not_delivered: %s", error.strerror)
    return found
