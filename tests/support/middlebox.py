"""A box on the way of a call: it relays the phone's SIP over UDP, and takes the media with it.

What it does to media is the test's choice: lose, delay, reorder, repeat; it also keeps what it saw.
"""

import heapq
import itertools
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from ringfence.lab.namespaces import Namespace
from tests.support.probe import udp_in

OUT, IN = "from the phone", "to the phone"
Disturbance = Callable[[str, int, bytes], Iterable[tuple[float, bytes]]]
"""Takes a direction, the number of a packet and the packet; returns what leaves after how many
seconds."""


def unharmed(direction: str, number: int, packet: bytes) -> Iterable[tuple[float, bytes]]:
    return [(0.0, packet)]


class Middlebox:
    """Between the phone and its registrar; the phone has it as its outbound proxy."""

    def __init__(
        self,
        space: Namespace,
        address: str,
        registrar: tuple[str, int],
        *,
        suite: str = "",
        disturb: Disturbance = unharmed,
    ) -> None:
        """Listen; `suite` is the only crypto line of an offer that is let through."""
        self.seen: dict[str, list[bytes]] = {OUT: [], IN: []}
        """Every packet of RTP, as it came."""
        self.disturb = disturb
        self._address = address
        self._registrar = registrar
        self._suite = suite
        self._inside = udp_in(space, 4, address=address)
        self._outside = udp_in(space, 4, address=address)
        self._phone: tuple[str, int] | None = None
        self._media = {side: self._pair(space, address) for side in (OUT, IN)}
        """`{direction: (RTP, RTCP)}`: the sockets where packets of that direction come in."""
        self._ends: dict[str, tuple[str, int]] = {}
        """`{direction: where packets of that direction go}`."""
        self._waiting: list[tuple[float, int, str, int, bytes]] = []
        self._count = itertools.count()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _pair(space: Namespace, address: str) -> tuple[socket.socket, socket.socket]:
        while True:
            first = udp_in(space, 4, address=address)
            port = first.getsockname()[1]
            if port % 2 == 0:
                try:
                    return first, udp_in(space, 4, port + 1, address)
                except (OSError, RuntimeError):
                    pass
            first.close()

    @property
    def proxy(self) -> str:
        """Host and port for Outbound Proxy."""
        return f"{self._address}:{self._inside.getsockname()[1]}"

    def inject(self, direction: str, packets: Iterable[bytes]) -> None:
        """Send packets as if the far end had."""
        with self._lock:
            for packet in packets:
                self._send(direction, 0, packet)

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()
        for one in (self._inside, self._outside, *self._media[OUT], *self._media[IN]):
            one.close()

    def _run(self) -> None:
        sockets = [self._inside, self._outside, *self._media[OUT], *self._media[IN]]
        while not self._over.is_set():
            now = time.monotonic()
            delay = min(0.1, self._waiting[0][0] - now) if self._waiting else 0.1
            for one in select.select(sockets, [], [], max(delay, 0))[0]:
                data, source = one.recvfrom(65535)
                with self._lock:
                    self._take(one, data, source)
            with self._lock:
                while self._waiting and self._waiting[0][0] <= time.monotonic():
                    _, _, direction, part, packet = heapq.heappop(self._waiting)
                    self._send(direction, part, packet)

    def _take(self, one: socket.socket, data: bytes, source: tuple[str, int]) -> None:
        if one is self._inside:
            self._phone = source
            self._outside.sendto(self._rewritten(data, OUT), self._registrar)
        elif one is self._outside:
            if self._phone:
                self._inside.sendto(self._rewritten(data, IN), self._phone)
        else:
            direction = OUT if one in self._media[OUT] else IN
            part = self._media[direction].index(one)
            if part:
                self._send(direction, part, data)
                return
            number = len(self.seen[direction])
            self.seen[direction].append(data)
            for delay, packet in self.disturb(direction, number, data):
                due = time.monotonic() + delay
                heapq.heappush(self._waiting, (due, next(self._count), direction, 0, packet))

    def _send(self, direction: str, part: int, packet: bytes) -> None:
        if end := self._ends.get(direction):
            way = self._media[IN if direction == OUT else OUT][part]
            way.sendto(packet, (end[0], end[1] + part))

    def _rewritten(self, message: bytes, direction: str) -> bytes:
        """Return a message whose session description leads to us."""
        head, blank, body = message.partition(b"\r\n\r\n")
        address = re.search(rb"^c=IN IP4 (\S+)", body, re.MULTILINE)
        port = re.search(rb"^m=audio (\d+)", body, re.MULTILINE)
        if not (address and port):
            return message
        # What the sender of this description names is where the other direction goes.
        back = IN if direction == OUT else OUT
        self._ends[back] = (address[1].decode(), int(port[1]))
        ours = self._media[back][0].getsockname()[1]
        body = re.sub(rb"(?m)^(c|o)=(.*IN IP4) \S+", rb"\1=\2 " + self._address.encode(), body)
        body = re.sub(rb"(?m)^m=audio \d+", b"m=audio %d" % ours, body)
        if self._suite and direction == OUT and message.startswith(b"INVITE"):
            lines = body.split(b"\r\n")
            wanted = self._suite.encode()
            body = b"\r\n".join(x for x in lines if b"a=crypto:" not in x or wanted in x)
        head = re.sub(rb"(?mi)^(Content-Length|l):.*", rb"\1: %d" % len(body), head)
        return head + blank + body


def numbers(packets: Sequence[bytes]) -> list[int]:
    """Return the sequence numbers of RTP packets, encrypted or not."""
    return [int.from_bytes(packet[2:4]) for packet in packets]
