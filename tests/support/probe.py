"""Probe every port of a neighbour as a stranger: UDP datagrams and bare TCP SYNs, IPv4 and IPv6.

Nothing waits for silence. Both ends run on one processor, where a veth pair keeps the order of
packets; the last probe of a round is a fence that the neighbour's listener answers, and what has
not come by then does not come.
"""

import contextlib
import os
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import TypeVar

from ringfence.lab.namespaces import Namespace, enter

T = TypeVar("T")

FENCE_PORT = 68
"""UDP port that every state of the firewall leaves open (Table 3)."""
FENCE = b"fence"
PHONE = {4: "10.99.0.2", 6: "fd99::2"}
STRANGER = {4: "10.99.0.9", 6: "fd99::9"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
SYN, RESET = 2, 4
"""Flags of TCP."""
SECONDS = 10.0
"""How long a fence may take."""


@dataclass
class Answers:
    """What a stranger saw of one address family."""

    tcp: set[int] = field(default_factory=set)
    """Ports that answered a SYN, with SYN-ACK or RST."""
    unreachable: set[int] = field(default_factory=set)
    """UDP ports that said "unreachable"."""


@contextlib.contextmanager
def one_processor() -> Iterator[None]:
    """Keep to the processor on which the other end is."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def inside(space: Namespace, function: Callable[[], T]) -> T:
    """Run a function in a thread in a namespace; a socket that it returns stays in there."""

    def run() -> T:
        enter(space.name)
        return function()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def udp_in(space: Namespace, version: int, port: int = 0, address: str = "") -> socket.socket:
    """Return a bound UDP socket of another namespace."""

    def make() -> socket.socket:
        made = socket.socket(FAMILY[version], socket.SOCK_DGRAM)
        made.bind((address, port))
        made.settimeout(SECONDS)
        return made

    return inside(space, make)


def listener_in(space: Namespace, port: int) -> socket.socket:
    """Return a listening TCP socket of another namespace, for both stacks."""
    return inside(
        space,
        lambda: socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True),
    )


def connection_in(space: Namespace, address: str, port: int) -> socket.socket:
    """Return a TCP connection from another namespace."""
    return inside(space, lambda: socket.create_connection((address, port), SECONDS))


def probe(udp: Iterable[int], tcp: Iterable[int], source: int) -> dict[int, Answers]:
    """Probe ports from inside the stranger's namespace; `source` is our port."""
    with one_processor():
        return {version: _probe(version, udp, tcp, source) for version in (4, 6)}


def _probe(version: int, udp: Iterable[int], tcp: Iterable[int], source: int) -> Answers:
    answers = Answers()
    icmp = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    raw_tcp, raw_icmp = raw(version, socket.IPPROTO_TCP), raw(version, icmp)
    phone = PHONE[version]
    with raw_tcp, raw_icmp, socket.socket(FAMILY[version], socket.SOCK_DGRAM) as sender:
        sender.bind((STRANGER[version], source))
        for count, port in enumerate(udp):
            with contextlib.suppress(ConnectionRefusedError):
                sender.sendto(b"?", (phone, port))
            if count % 64 == 0:
                _drain(version, raw_tcp, raw_icmp, source, answers)
        for count, port in enumerate(tcp):
            raw_tcp.sendto(segment(version, source, port, SYN), (phone, 0))
            if count % 64 == 0:
                _drain(version, raw_tcp, raw_icmp, source, answers)
        fence(version)
        _drain(version, raw_tcp, raw_icmp, source, answers)
    return answers


def raw(version: int, protocol: int) -> socket.socket:
    made = socket.socket(FAMILY[version], socket.SOCK_RAW, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.setblocking(False)
    return made


def heard(wanted: bool, ask: Callable[[], bool]) -> bool:
    """Return whether a message of ICMP comes; one that is wanted is asked for again.

    All namespaces share the kernel's sockets for ICMP: a flood in another one swallows some.
    """
    until = time.monotonic() + SECONDS
    while not (found := ask()) and wanted and time.monotonic() < until:
        pass
    return found


def fence(version: int) -> None:
    """Return when everything sent before has been judged."""
    with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as sender:
        sender.settimeout(SECONDS)
        sender.sendto(FENCE, (PHONE[version], FENCE_PORT))
        assert sender.recv(100) == FENCE


def received(receiver: socket.socket) -> Iterator[tuple[str, bytes]]:
    """Yield what waits in a raw socket: the sender, and the packet from ICMP or TCP on."""
    while True:
        try:
            packet, sender = receiver.recvfrom(65536)
        except BlockingIOError:
            return
        header = 20 if receiver.family == socket.AF_INET else 0
        yield sender[0].partition("%")[0], packet[header:]


def _drain(
    version: int, raw_tcp: socket.socket, raw_icmp: socket.socket, source: int, into: Answers
) -> None:
    for _, segment in received(raw_tcp):
        port, to = struct.unpack_from("!HH", segment)
        if to == source:
            into.tcp.add(port)
    kind, header = ((3, 3), 20) if version == 4 else ((1, 4), 40)
    for _, message in received(raw_icmp):
        if tuple(message[:2]) == kind:
            sender, port = struct.unpack_from("!HH", message, 8 + header)
            if sender == source:
                into.unreachable.add(port)


def echoed(version: int, address: str) -> bool:
    """Return whether the phone answers an echo request to `address`."""
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    request, reply = (8, 0) if version == 4 else (128, 129)
    checksum = ~(0x0800 + 77 + 1) & 0xFFFF if version == 4 else 0  # the kernel does it for IPv6
    message = struct.pack("!BBHHH", request, 0, checksum, 77, 1)
    interface = socket.if_nametoindex("eth0")
    own = Path("/proc/net/if_inet6").read_text()
    with one_processor(), raw(version, protocol) as icmp:
        icmp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        icmp.sendto(message, (address, 0) if version == 4 else (address, 0, 0, interface))
        fence(version)
        return any(
            packet[0] == reply and socket.inet_pton(FAMILY[version], sender).hex() not in own
            for sender, packet in received(icmp)
        )


def segment(version: int, source: int, port: int, flags: int) -> bytes:
    """Return a TCP header with its checksum."""
    head = struct.pack("!HHIIBBHHH", source, port, 1, 0, 5 << 4, flags, 1024, 0, 0)
    ends = b"".join(socket.inet_pton(FAMILY[version], a[version]) for a in (STRANGER, PHONE))
    data = ends + struct.pack("!HH", socket.IPPROTO_TCP, len(head)) + head
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return head[:16] + struct.pack("!H", ~total & 0xFFFF) + head[18:]


class Listeners:
    """A process in the phone's namespace that listens on UDP ports and answers fences."""

    def __init__(self, space: Namespace, ports: Iterable[int]) -> None:
        self._process = space.popen(sys.executable, __file__, stdin=PIPE, stdout=PIPE, text=True)
        self._say(" ".join(map(str, sorted({*ports, FENCE_PORT}))))

    def received(self) -> dict[int, set[int]]:
        """Return the ports that got a probe since the last call, for IPv4 and IPv6."""
        four, _, six = self._say("received").partition("/")
        return {4: set(map(int, four.split())), 6: set(map(int, six.split()))}

    def _say(self, words: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        answer: str = self._process.stdout.readline()
        assert answer, "the listeners died"
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


def listen() -> None:
    """Be that process."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    ports = list(map(int, sys.stdin.readline().split()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = {port: _listener(port) for port in ports}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    seen: dict[int, set[int]] = {4: set(), 6: set()}
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    poll.register(sockets[FENCE_PORT], select.POLLIN)
    while True:
        ready = {number for number, _ in poll.poll()}
        _take(sockets[FENCE_PORT], FENCE_PORT, seen)
        if sys.stdin.fileno() not in ready:
            continue
        if not sys.stdin.readline():
            return
        for port, listener in sockets.items():
            _take(listener, port, seen)
        sys.stdout.write("/".join(" ".join(map(str, seen[v])) for v in (4, 6)) + "\n")
        sys.stdout.flush()
        seen = {4: set(), 6: set()}


def _listener(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind(("::", port))
    made.setblocking(False)
    return made


def _take(listener: socket.socket, port: int, seen: dict[int, set[int]]) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            data, sender = listener.recvfrom(100)
            if data == FENCE:
                listener.sendto(FENCE, sender)
            else:
                seen[4 if sender[0].startswith("::ffff:") else 6].add(port)


if __name__ == "__main__":
    listen()
