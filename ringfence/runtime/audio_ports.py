"""The two ports of a call's audio, and what travels through them; nothing here waits."""

import logging
import socket
import struct
from collections.abc import Callable, Iterator

from ringfence.errors import ComponentError
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

BATCH = 256
"""Most datagrams read from one socket in a packet time."""
MOST_WAITING = 1024
"""More datagrams than the kernel keeps for a socket."""
LARGEST = 2048
SO_TIMESTAMPNS = 35
"""Has the kernel note when a datagram came. Source: socket(7); asm-generic/socket.h."""
_TIMESPEC = struct.Struct("@ll")
_ROOM = socket.CMSG_SPACE(_TIMESPEC.size)

Ports = tuple[socket.socket, socket.socket]
"""An even one for RTP, and the next one for RTCP. Source: RFC 3550 section 11."""


def bind_pair(host: Host, address: str, first: int, last: int) -> Ports:
    """Return the first free pair of a range.

    Raises:
        ComponentError: none is free.

    """
    for port in range(first + first % 2, last, 2):
        try:
            bound = host.udp(address, port)
        except ComponentError:
            continue
        try:
            pair = bound, host.udp(address, port + 1)
        except ComponentError:
            bound.close()
            continue
        for one in pair:
            one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        return pair
    raise ComponentError("audio", f"no free pair of ports from {first} to {last}")


def drain(ports: Ports) -> None:
    """Forget what came so far; a sender that is as fast as we read does not hold us."""
    for way in ports:
        for _ in range(MOST_WAITING):
            try:
                way.recv(1)
            except BlockingIOError:
                break
            except OSError:  # an ICMP error
                continue


def send(way: socket.socket, packet: bytes, address: str, port: int) -> None:
    """Send a packet; one that cannot leave is lost, as any may be."""
    try:
        way.sendto(packet, (address, port))
    except OSError as error:
        logger.debug("audio.not_sent: %s", error.strerror)


def come(way: socket.socket, wall: Callable[[], float]) -> Iterator[tuple[bytes, str, float]]:
    """Yield what came, from which address, and when, as seconds since the epoch."""
    for _ in range(BATCH):
        try:
            data, noted, _, source = way.recvmsg(LARGEST, _ROOM)
        except BlockingIOError:
            return
        except OSError as error:  # an ICMP error of an earlier packet
            logger.debug("audio.not_delivered: %s", error.strerror)
            continue
        if noted:
            seconds, rest = _TIMESPEC.unpack(noted[0][2])
            yield data, str(source[0]), seconds + rest / 1e9
        else:
            yield data, str(source[0]), wall()
