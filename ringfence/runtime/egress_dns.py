"""DNS as Egress asks it: the servers of the lease, in order, and nothing else of the machine."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from ringfence.errors import NetworkError
from ringfence.policy.network import host_and_port
from ringfence.protocols.sip.locate import Naptr, Srv

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

PATIENCE = 2.0
"""Seconds that one server has for its answer."""
MOST = 32
"""Addresses of one answer that are used."""

Lookup = Callable[[str, Sequence[str], Sequence[str]], Awaitable[tuple[str, ...]]]
"""Takes a host name (A-labels), DNS servers and record types; returns addresses."""
Services = Callable[[str, Sequence[str], str], Awaitable[tuple[Naptr | Srv, ...]]]
"""Takes a name, DNS servers and NAPTR or SRV; returns records."""


async def lookup(name: str, resolvers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of a name, one record type after another, in the answers' order.

    Empty where the name does not exist or has no such record. The name is taken as absolute;
    neither a search list nor a hosts file plays a part. A server is an address, or address:port.

    Raises:
        NetworkError: there is no DNS server, or none answered.

    """
    if not resolvers:
        raise NetworkError(f"{name}: no DNS server is known")
    import dns.exception
    import dns.resolver

    found: list[str] = []
    try:
        asked = _resolver(resolvers)
        for record in records:
            answer = await asked.resolve(f"{name}.", record, raise_on_no_answer=False)
            found += [rdata.address for rdata in answer.rrset or ()]
    except dns.resolver.NXDOMAIN:
        return tuple(found[:MOST])
    except (dns.exception.DNSException, OSError, ValueError) as error:
        if not found:  # a server that fails at AAAA does not take the A records back
            raise _unanswered(name, resolvers, error) from error
    return tuple(found[:MOST])


async def services(name: str, resolvers: Sequence[str], record: str) -> tuple[Naptr | Srv, ...]:
    """Return the NAPTR or SRV records of a name; empty where DNS says that there are none.

    Raises:
        NetworkError: there is no DNS server, or none gave an answer.

    """
    if not resolvers:
        raise NetworkError(f"{name}: no DNS server is known")
    import dns.exception
    import dns.resolver

    try:
        answer = await _resolver(resolvers).resolve(f"{name}.", record, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return ()
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise _unanswered(name, resolvers, error) from error
    if record == "SRV":
        return tuple(
            Srv(one.priority, one.weight, one.port, one.target.to_text(omit_final_dot=True))
            for one in answer.rrset or ()
        )
    return tuple(
        Naptr(
            one.order,
            one.preference,
            one.flags.decode("latin-1"),
            one.service.decode("latin-1"),
            one.regexp.decode("latin-1"),
            one.replacement.to_text(omit_final_dot=True),
        )
        for one in answer.rrset or ()
    )


def _resolver(resolvers: Sequence[str]) -> "Resolver":
    """Return what asks these servers alone. Raises `ValueError` where one of them is none."""
    import dns.asyncresolver
    from dns.nameserver import Do53Nameserver

    asked = dns.asyncresolver.Resolver(configure=False)
    asked.timeout, asked.lifetime = PATIENCE, PATIENCE * len(resolvers)
    asked.nameservers = [Do53Nameserver(*host_and_port(one, 53)) for one in resolvers]
    return asked


def _unanswered(name: str, resolvers: Sequence[str], error: Exception) -> NetworkError:
    import dns.exception

    silence = f"{name}: no answer from DNS at {', '.join(resolvers)}"
    if isinstance(error, dns.exception.Timeout):
        return NetworkError(f"{silence} in {PATIENCE * len(resolvers):g} s")
    return NetworkError(f"{silence}: {_text(error)}")


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
