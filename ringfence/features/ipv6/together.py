"""What routers and DHCPv6 servers say together, as the rest of the phone is told."""

from collections.abc import Iterator

from msgspec.structs import replace

from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.rtnetlink import Link6


def together(told: Lease6, link: Link6) -> Lease6 | None:
    """Return a lease, lent or of the parameters, with what the kernel has of it; None for nothing.

    An address that the kernel does not hold, or that somebody else has, is none; one that it formed
    takes its place. DNS servers of routers stand behind those of the lease.
    """
    held = link.addresses.get(told.address)
    if told.address and not (held and held.usable):
        told = replace(told, address="")  # nobody else must have it; the kernel will tell
    if not told.address:
        formed = _formed(link)
        if formed:
            told = replace(told, address=formed, prefix=link.addresses[formed].prefix)
    resolvers = dict.fromkeys((*told.resolvers, *_with_zone(link)))
    told = replace(told, routers=told.routers or link.routers, resolvers=tuple(resolvers))
    return told if told.address or told.server or resolvers else None


def _formed(link: Link6) -> str:
    """Return a global address that the kernel formed; empty where it formed none."""
    return next(
        (
            address
            for address, held in link.addresses.items()
            if held.ends and held.usable and not held.scope and not held.temporary
        ),
        "",
    )


def _with_zone(link: Link6) -> Iterator[str]:
    """Yield the DNS servers of routers; one of the link alone with the link's number."""
    for one in link.resolvers:
        yield f"{one}%{link.index}" if one.lower().startswith("fe80:") else one
