"""What a phone in a call carries: media both ways, a SIP connection, a visitor, and new flows.

One process holds both ends of every flow; the sockets belong to the two namespaces. Every 20 ms it
sends, and counts what has come. It tells at the end what is missing.
"""

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterator

from ringfence.lab.namespaces import enter
from tests.support.firewall_fixtures import Wire
from tests.support.probe import PHONE, STRANGER, connection_in, listener_in, udp_in

TICK = 0.02
"""Seconds between two packets of a stream, as G.711 has it."""
STREAMS = {4: (16384, 16386, 16388), 6: (16390, 16392, 16394)}
ALWAYS_OPEN = 68
"""UDP port that every state of the firewall lets in."""
NEW_FLOWS = 10
"""Datagrams from ports never used before, each tick."""
VISITED, SIP = 80, 5061
PATIENCE = 5.0
Pair = tuple[socket.socket, socket.socket]


class CallLoad:
    """The test's end of such a process; the flows are up when it is made."""

    def __init__(self, wire: Wire) -> None:
        pairs = [*_media(wire), *_connections(wire)]
        ear = udp_in(wire[0], 6, ALWAYS_OPEN)  # hears IPv4, too
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            try:
                enter(wire[1].name)
                _run(theirs, pairs, ear)
            finally:
                os._exit(0)
        theirs.close()
        for one in (*(end for pair in pairs for end in pair), ear):
            one.close()
        self._pipe = ours.makefile("rw")
        ours.close()
        assert self._pipe.readline() == "flowing\n"

    def stop(self) -> dict[str, int]:
        """End the load and return what was sent and lost."""
        self._pipe.write("stop\n")
        self._pipe.flush()
        told = dict(json.loads(self._pipe.readline()))
        self.close()
        return told

    def close(self) -> None:
        """End the process, if it still runs."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)  # others may hold copies of the pipe
            os.waitpid(self._pid, 0)
            self._pid = 0
            self._pipe.close()


def _media(wire: Wire) -> Iterator[Pair]:
    for version, ports in STREAMS.items():
        for port in ports:
            inner, outer = udp_in(wire[0], version, port), udp_in(wire[1], version)
            inner.connect((STRANGER[version], outer.getsockname()[1]))
            outer.connect((PHONE[version], port))
            yield inner, outer


def _connections(wire: Wire) -> Iterator[Pair]:
    for version in (4, 6):
        with listener_in(wire[1], SIP) as registrar:
            phone = connection_in(wire[0], STRANGER[version], SIP)
            yield phone, registrar.accept()[0]
        with listener_in(wire[0], VISITED) as page:
            visitor = connection_in(wire[1], PHONE[version], VISITED)
            yield visitor, page.accept()[0]


def _run(pipe: socket.socket, pairs: list[Pair], ear: socket.socket) -> None:
    ends = [*pairs, *((b, a) for a, b in pairs)]
    for one in (*(a for a, _ in ends), ear):
        one.setblocking(False)
    sent, got = dict.fromkeys(range(len(ends)), 0), dict.fromkeys(range(len(ends)), 0)
    new_sent = new_got = 0
    due, stopping = time.monotonic(), 0.0
    pipe.sendall(b"flowing\n")
    while True:
        for number, (sender, receiver) in enumerate(ends):
            if not stopping:
                sent[number] += sender.send(b"%08d" % (sent[number] // 8))
            got[number] += _drained(receiver)
        if not stopping:
            new_sent += _new_flows()
        new_got += _drained(ear) // 8
        whole = sent == got and new_sent == new_got
        if stopping and (whole or time.monotonic() > stopping):
            break
        due += TICK
        ready = select.select([pipe], [], [], max(0.0, due - time.monotonic()))[0]
        if ready and not stopping:
            if not pipe.recv(100):
                return
            stopping = time.monotonic() + PATIENCE
    lost = sum(sent.values()) - sum(got.values())
    told = {"packets": sum(sent.values()) // 8, "lost": lost // 8}
    told |= {"new flows": new_sent, "new flows lost": new_sent - new_got}
    pipe.sendall(json.dumps(told).encode() + b"\n")


def _new_flows() -> int:
    for number in range(NEW_FLOWS):
        version = 4 if number % 2 else 6
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"new flow", (PHONE[version], ALWAYS_OPEN))
    return NEW_FLOWS


def _drained(receiver: socket.socket) -> int:
    size = 0
    with contextlib.suppress(BlockingIOError):
        while data := receiver.recv(4096):
            size += len(data)
    return size
