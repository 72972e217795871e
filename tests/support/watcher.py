"""A stranger that knocks at closed ports without rest, and a host that listens behind them.

Two processes: the listener in the phone's namespace counts what reaches it past the firewall, the
stranger sends a datagram and a SYN over IPv4 and IPv6 every millisecond and counts SYN-ACKs.
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
from collections.abc import Callable

from ringfence.lab.namespaces import Namespace, enter
from tests.support.firewall_fixtures import Wire
from tests.support.probe import FAMILY, PHONE, raw, received, segment

CLOSED = 2222
"""Neither any row of the tables nor any test opens it."""
SYN, SYN_ACK = 0x02, 0x12
PERIOD = 0.001
Tally = dict[str, int]


class Watcher:
    """The test's end of both."""

    def __init__(self, wire: Wire) -> None:
        self._ends = [_Process(wire[0], _listen), _Process(wire[1], _knock)]

    def tally(self) -> Tally:
        """Return how often it has knocked, and how often a closed port was reached, until now."""
        return {name: count for end in self._ends for name, count in end.ask().items()}

    def close(self) -> None:
        for end in self._ends:
            end.close()


class _Process:
    def __init__(self, space: Namespace, work: Callable[[socket.socket], None]) -> None:
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            try:
                enter(space.name)
                work(theirs)
            finally:
                os._exit(0)
        theirs.close()
        self._pipe = ours.makefile("rw")
        ours.close()
        self.ask()

    def ask(self) -> Tally:
        self._pipe.write("?")
        self._pipe.flush()
        return dict(json.loads(self._pipe.readline()))

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)  # others may hold copies of the pipe
        os.waitpid(self._pid, 0)
        self._pipe.close()


def _listen(pipe: socket.socket) -> None:
    """Listen on the closed port of both protocols; connections are the kernel's business."""
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.bind(("::", CLOSED))
    udp.setblocking(False)
    tcp = socket.create_server(("::", CLOSED), family=socket.AF_INET6, dualstack_ipv6=True)
    leaked = 0
    while True:
        ready = select.select([pipe, udp], [], [])[0]
        with contextlib.suppress(BlockingIOError):
            while udp.recv(100):
                leaked += 1
        if pipe in ready:
            if not pipe.recv(1):
                tcp.close()
                return
            pipe.sendall(json.dumps({"udp reached": leaked}).encode() + b"\n")


def _knock(pipe: socket.socket) -> None:
    tcp = {version: raw(version, socket.IPPROTO_TCP) for version in FAMILY}
    udp = {version: socket.socket(FAMILY[version], socket.SOCK_DGRAM) for version in FAMILY}
    knocks = answered = 0
    while True:
        for version in FAMILY:
            source = 20000 + knocks % 20000
            with contextlib.suppress(OSError):  # "refused" is what it wants to hear
                udp[version].sendto(b"knock", (PHONE[version], CLOSED))
            tcp[version].sendto(segment(version, source, CLOSED, SYN), (PHONE[version], 0))
            for _, answer in received(tcp[version]):
                (port,) = struct.unpack_from("!H", answer)
                answered += port == CLOSED and answer[13] & SYN_ACK == SYN_ACK
        knocks += 1
        if select.select([pipe], [], [], PERIOD)[0]:
            if not pipe.recv(1):
                return
            told = {"knocks": knocks, "tcp reached": answered}
            pipe.sendall(json.dumps(told).encode() + b"\n")
