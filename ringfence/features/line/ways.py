"""Which servers a line may register at, and what it calls them. Pure.

Source: phone-facts 1.3, 1.6, 5.2, 5.3; rulings 4, 12.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.ext import Ext
from ringfence.config.catalog.values import IpMode, IpPreference, ProxyRedundancy
from ringfence.config.settings import Settings
from ringfence.errors import PolicyError
from ringfence.policy.domains import judge
from ringfence.policy.network import written
from ringfence.policy.proxies import read_proxies
from ringfence.protocols.sip.account import Account
from ringfence.protocols.sip.locate import AUTO, PORTS, Search, Server

_RECORDS = {IpMode.IPV4: ("A",), IpMode.IPV6: ("AAAA",)}
"""Address records of the modes that have one family."""


class Way(Struct, frozen=True):
    """A registrar, and how it is reached."""

    account: Account
    search: Search
    named_by: str
    """Tag of the parameter that names the next hop."""


MakeAccount = Callable[[str, str, str], Account]
"""Takes the registrar, the host of the line's own address, and the route."""


def ways(settings: Settings, n: int, make: MakeAccount, *, alone6: bool = False) -> tuple[Way, ...]:
    """Return the way of the proxy, then that of the alternate proxy where there is one.

    An alternate way without an allowed server is left out: it must not take the first one along.
    With `alone6` nothing but IPv6 is to be had.

    Raises:
        ValueError: what names the proxy or the outbound proxy is no server.
        PolicyError: Restricted Access Domains allow none of them; its reason is the first one.

    """
    ext = settings.ext[n - 1]
    found = [_way(settings, n, ("Proxy", ext.proxy), ("Outbound_Proxy", ext.outbound_proxy), make)]
    if (ext.alternate_proxy + ext.alternate_outbound_proxy).strip():
        proxy = ("Alternate_Proxy", ext.alternate_proxy)
        outbound = ("Alternate_Outbound_Proxy", ext.alternate_outbound_proxy)
        try:
            own = proxy if ext.alternate_proxy.strip() else ("Proxy", ext.proxy)
            found.append(_way(settings, n, own, outbound, make))
        except (ValueError, PolicyError):
            pass
    return tuple(map(_over_ipv6, found)) if alone6 else tuple(found)


def _over_ipv6(way: Way) -> Way:
    return replace(way, search=replace(way.search, records=("AAAA",)))


def proxy_name(ext: Ext) -> str:
    """Return the host of the first server of Proxy; empty where there is none."""
    try:
        return next((server.host for server in read_proxies(ext.proxy)), "")
    except ValueError:
        return ""


def _way(
    settings: Settings,
    n: int,
    proxy: tuple[str, str],
    outbound: tuple[str, str],
    make: MakeAccount,
) -> Way:
    ext = settings.ext[n - 1]
    transport = ext.sip_transport.value
    registrars = _allowed(settings, read_proxies(proxy[1]))
    hops = _allowed(settings, read_proxies(outbound[1])) or registrars
    first, route = registrars[0], ""
    if hops is not registrars:
        named = transport == AUTO or (ext.use_dns_srv and not hops[0].port)
        port = hops[0].port or (0 if named else PORTS[transport])
        parameter = "" if transport in (AUTO, "UDP") else f";transport={transport.lower()}"
        route = written(hops[0].host, port) + parameter
    return Way(
        account=make(
            written(first.host, first.port, PORTS.get(transport, PORTS["UDP"])),
            written(first.host, 0),
            route,
        ),
        search=Search(
            servers=tuple(_with_service(ext, server) for server in hops),
            transport=transport,
            asks_srv=ext.use_dns_srv,
            records=_records(settings),
            by_port=ext.proxy_redundancy_method is ProxyRedundancy.BASED_ON_SRV_PORT,
        ),
        named_by=f"{outbound[0] if route else proxy[0]}_{n}_",
    )


def _allowed(settings: Settings, servers: Iterable[Server]) -> tuple[Server, ...]:
    """Return the servers that Restricted Access Domains let us ask for, if there are any."""
    system = settings.system
    servers = tuple(servers)
    kept = tuple(
        server
        for server in servers
        if judge(
            system.restricted_access_domains,
            server.host,
            exact_only=system.restricted_domains_exact_only,
        ).allowed
    )
    if servers and not kept:
        raise PolicyError("domain-not-allowed", servers[0].host)
    return kept


def _with_service(ext: Ext, server: Server) -> Server:
    """Return a server with the name of its SRV records: as written, or to be prefixed."""
    if ext.dns_srv_auto_prefix or not ext.use_dns_srv:
        return replace(server, service="")
    return replace(server, service=server.service or server.host)


def _records(settings: Settings) -> tuple[str, ...]:
    both = ("A", "AAAA") if settings.sip.sip_ip_preference is IpPreference.IPV4 else ("AAAA", "A")
    return _RECORDS.get(settings.system.ip_mode, both)
