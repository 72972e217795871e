"""TFTP through Egress: addresses one after another, from the phone's own range of ports.

Source: chapter, Table 3; phone-facts 9, 22.
"""

import asyncio
import socket
from collections.abc import Callable
from urllib.parse import unquote

from msgspec import Struct

from ringfence.errors import ComponentError, NetworkError
from ringfence.policy.rules import Url
from ringfence.protocols.tftp import Done, Download
from ringfence.runtime.egress import Destination, Egress, Target
from ringfence.runtime.egress_stream import broken
from ringfence.runtime.host import Host

PORTS = range(53240, 53245 + 1)
"""Local ports; the firewall lets a server answer them from any port of its own."""
DATAGRAM = 2048
"""Bytes of a datagram that are read: more than a block, so that a longer one is noticed."""
LIMIT = 1 << 20
"""Bytes of a file, where nothing else is asked for."""

_TELL_ERRORS = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),  # IP_RECVERR
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),  # IPV6_RECVERR
}
"""Socket options by which the kernel tells of ICMP errors. Source: ip(7), ipv6(7)."""


class Answer(Struct, frozen=True):
    """A file, or that there is none, and who said so."""

    address: str
    body: bytes
    missing: str
    """What the server said in place of the file; empty where it sent the file."""


async def get(  # noqa: PLR0913 - what is asked, of whom, by whom
    egress: Egress,
    host: Host,
    target: Target,
    url: Url,
    asking: Callable[[Url, str], None],
    *,
    limit: int = LIMIT,
) -> Answer:
    """Return what a server answered; `asking(url, address)` is called before the first request.

    A file of more than `limit` bytes is refused.

    Raises:
        PolicyError: the host is forbidden; nothing was asked of DNS.
        NetworkError: no address gave the file; the message has the reason of each.

    """
    destinations = await egress.destinations(target)
    asking(url, destinations[0].address)
    reasons = []
    for destination in destinations:
        try:
            done = await _transfer(host, destination, unquote(url.path), limit)
        except OSError as error:
            done = Done(error=broken(error))
        except (ValueError, ComponentError) as error:
            done = Done(error=str(error))
        if not done.error or done.missing:
            return Answer(destination.address, done.body, done.error)
        reasons.append(f"{destination.address}: {done.error}")
    raise NetworkError("; ".join(reasons))


async def _transfer(host: Host, destination: Destination, name: str, limit: int) -> Done:
    """Return how one transfer ended.

    Raises:
        ComponentError: no local port is free.
        OSError: there is no way to the server.
        ValueError: the name cannot be asked for.

    """
    download = Download(name, limit, host.now(), destination.port)
    with _bound(host, destination.address) as port:
        while True:
            for packet in download.datagrams_to_send():
                try:
                    port.sendto(packet.data, (destination.address, packet.port))
                except OSError:  # or an ICMP error that came for an earlier packet
                    if not download.begun:
                        raise
            if (done := download.next_event()) is not None:
                return done
            await _step(host, port, download, destination.address)


async def _step(host: Host, port: socket.socket, download: Download, server: str) -> None:
    """Give a download its next datagram, or the time."""
    timer = download.get_timer() or 0.0
    try:
        async with asyncio.timeout(max(0.0, timer - host.now())):
            data, source = await asyncio.get_running_loop().sock_recvfrom(port, DATAGRAM)
    except TimeoutError:
        download.handle_timer(host.now())
        return
    except OSError:
        if download.begun:  # what it is about, another port perhaps, is not known
            return
        raise
    if source[0] == server:
        download.receive_datagram(data, source[1], host.now())


def _bound(host: Host, address: str) -> socket.socket:
    """Return a socket on the first port of the range that is free."""
    everywhere = "::" if ":" in address else "0.0.0.0"  # noqa: S104 - any local address
    for number in PORTS:
        try:
            port = host.udp(everywhere, number)
        except ComponentError:
            continue
        port.setsockopt(*_TELL_ERRORS[port.family], 1)
        return port
    raise ComponentError("TFTP", f"every local port from {PORTS[0]} to {PORTS[-1]} is taken")
