"""Which way packets go while there is a tunnel: rules and routes, and a table of the packet filter.

A table of routes of our own decides before the main one, where DHCP, router advertisements and
redirects leave theirs; so none of those can lead packets past the tunnel (CVE-2024-3661). Its last
route is to nowhere, for the moment at which the tunnel's is missing. Beside the tunnel go only
openconnect's own packets, the renewal of the lease, and answers to whom the phone answered on its
own network anyway.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from msgspec import Struct

from ringfence.protocols import rtnetlink_requests as rtnetlink
from ringfence.protocols.nft_table import Chain, Table
from ringfence.protocols.openconnect import Configured
from ringfence.protocols.rtnetlink_requests import MAIN, Rule

ROUTES = 100
"""Number of our table of routes."""
FIRST, LAST = 5240, 5241
"""Priorities of our rules: exceptions, then everything else."""
MARK = 0x5246
"""Of packets that answer somebody on the phone's own network."""
NEAR, NOWHERE = 100, 65535
"""Metrics of the route into the tunnel, and of the one that is left without it."""
TCP, UDP = 6, 17
TABLE = "inet ringfence_vpn"
KEPT = "kept"
_NEIGHBOURS = (
    "nd-router-solicit",
    "nd-neighbor-solicit",
    "nd-neighbor-advert",
    "mld-listener-report",
    "mld-listener-done",
    "mld2-listener-report",
)


class Gateway(Struct, frozen=True):
    """One address of the VPN server."""

    address: str
    port: int

    @property
    def version(self) -> int:
        """4 or 6."""
        return ip_address(self.address).version


def rules(gateways: Iterable[Gateway]) -> Iterator[Rule]:
    """Yield the rules, in the order in which they must come to be."""
    for gateway in gateways:
        for protocol in (TCP, UDP):
            yield Rule(
                version=gateway.version,
                priority=FIRST,
                table=MAIN,
                to=gateway.address,
                protocol=protocol,
                port=gateway.port,
            )
    renewal = Rule(version=4, priority=FIRST, table=MAIN, protocol=UDP, source_port=68, port=67)
    yield renewal
    for version in (4, 6):
        yield Rule(version=version, priority=FIRST, table=MAIN, mark=MARK)
        yield Rule(version=version, priority=LAST, table=ROUTES)


def routes(index: int, configured: Configured) -> list[bytes]:
    """Return the requests for addresses and routes; without an address a family has no way out."""
    requests = [rtnetlink.no_route(version, ROUTES, NOWHERE) for version in (4, 6)]
    requests.append(rtnetlink.link_up(index))
    for version, own in ((4, configured.address), (6, configured.address6)):
        if own:
            requests.append(rtnetlink.address(index, own))
            requests.append(rtnetlink.default_route(version, ROUTES, index, own, NEAR))
    return requests


def held(index: int, configured: Configured, gateways: Sequence[Gateway]) -> list[bytes]:
    """Return every request that leads packets into the tunnel; each may be repeated."""
    return [*routes(index, configured), *map(rtnetlink.rule, rules(gateways))]


def routes_gone() -> list[bytes]:
    """Return the requests that leave nothing of the way into the tunnel but the one to nowhere."""
    return [rtnetlink.route_gone(version, ROUTES, NEAR) for version in (4, 6)]


def gone() -> list[bytes]:
    """Return the requests that clear every rule and route of ours, each until none is left."""
    versions = (4, 6)
    return [
        *(rtnetlink.rule_gone(version, LAST) for version in versions),
        *(rtnetlink.rule_gone(version, FIRST) for version in versions),
        *(rtnetlink.route_gone(version, ROUTES) for version in versions),
    ]


def table(
    interface: str,
    configured: Configured | None,
    gateways: Sequence[Gateway] = (),
    resolvers: Sequence[str] = (),
    *,
    closed: bool,
) -> Table:
    """Return the table of the packet filter: for a tunnel, and for a phone that is closed without.

    `resolvers` may be asked while the name of the server is not known yet.
    """
    chains = {}
    if configured:
        own = [one for one in (configured.address, configured.address6) if one]
        chains["guard"] = Chain(
            tuple(_guard(interface, own)), "type filter hook input priority filter - 10", "accept"
        )
        if not closed:
            chains["answers"] = Chain(
                tuple(_answers(interface, own)), "type route hook output priority mangle", "accept"
            )
    if closed:
        # Behind the last decision on the way: what `answers` turned around would pass before.
        chains["closed"] = Chain(
            tuple(_closed(interface, gateways, resolvers)),
            "type filter hook postrouting priority filter + 10",
            "drop",
        )
    return Table(TABLE, (KEPT,), (), {}, chains)


def _guard(interface: str, own: Iterable[str]) -> Iterator[str]:
    """Yield what keeps neighbours from feeling for the tunnel's address (CVE-2019-14899)."""
    for address in own:
        yield f'iifname != "{interface}" iif != "lo" {_ip(address)} daddr {address} drop'


def _answers(interface: str, own: Iterable[str]) -> Iterator[str]:
    """Yield what leads answers back to where the question came from."""
    for address in own:
        yield (
            f'oifname "{interface}" ct direction reply {_ip(address)} saddr != {address}'
            f" meta mark set 0x{MARK:08x}"
        )


def _closed(interface: str, gateways: Iterable[Gateway], resolvers: Iterable[str]) -> Iterator[str]:
    yield 'oif "lo" accept'
    yield f'oifname "{interface}" accept'
    for gateway in gateways:
        for protocol in ("tcp", "udp"):
            to = f"{_ip(gateway.address)} daddr {gateway.address}"
            yield f"{to} {protocol} dport {gateway.port} accept"
    for resolver in resolvers:
        for protocol in ("udp", "tcp"):
            yield f"{_ip(resolver)} daddr {resolver} {protocol} dport 53 accept"
    yield "udp sport 68 udp dport 67 accept"
    yield "udp sport 546 udp dport 547 accept"
    for kind in _NEIGHBOURS:
        yield f"icmpv6 type {kind} accept"
    yield f'counter name "{KEPT}"'


def _ip(address: str) -> str:
    return "ip6" if ":" in address else "ip"
