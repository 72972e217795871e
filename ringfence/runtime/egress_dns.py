"""DNS as Egress asks it: the servers of the lease, in order, and nothing else of the machine."""

from collections.abc import Awaitable, Callable, Sequence

from ringfence.errors import NetworkError
from ringfence.policy.network import host_and_port

PATIENCE = 2.0
"""Seconds that one server has for its answer."""
MOST = 32
"""Addresses of one answer that are used."""

Lookup = Callable[[str, Sequence[str], Sequence[str]], Awaitable[tuple[str, ...]]]
"""Takes a host name (A-labels), DNS servers and record types; returns addresses."""


async def lookup(name: str, resolvers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of a name, one record type after another, in the answers' order.

    Empty where the name does not exist or has no such record. The name is taken as absolute;
    neither a search list nor a hosts file plays a part. A server is an address, or address:port.

    Raises:
        NetworkError: there is no DNS server, or none answered.

    """
    if not resolvers:
        raise NetworkError(f"{name}: no DNS server is known")
    import dns.asyncresolver
    import dns.exception
    import dns.resolver
    from dns.nameserver import Do53Nameserver

    asked = dns.asyncresolver.Resolver(configure=False)
    asked.timeout, asked.lifetime = PATIENCE, PATIENCE * len(resolvers)
    found: list[str] = []
    try:
        asked.nameservers = [Do53Nameserver(*host_and_port(one, 53)) for one in resolvers]
        for record in records:
            answer = await asked.resolve(f"{name}.", record, raise_on_no_answer=False)
            found += [rdata.address for rdata in answer.rrset or ()]
    except dns.resolver.NXDOMAIN:
        return tuple(found[:MOST])
    except (dns.exception.DNSException, OSError, ValueError) as error:
        if not found:  # a server that fails at AAAA does not take the A records back
            servers = ", ".join(resolvers)
            text = f"{name}: no answer from DNS at {servers}: {_text(error)}"
            raise NetworkError(text) from error
    return tuple(found[:MOST])


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
