"""What the phone's own network is: its DNS servers, its address, the servers written host[:port].

Source: phone-facts 1.2, IPv4 Settings and Optional Network Configuration.
"""

from msgspec import Struct

from ringfence.config.catalog.values import ConnectionType, DnsServerOrder, IpMode
from ringfence.config.settings import Settings
from ringfence.policy.vpn import Tunnel
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.options import Option
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.dhcpv6.options import Option6


class KnownTime(Struct, frozen=True):
    """What parameters and network say of the time."""

    servers: tuple[str, ...] = ()
    """NTP servers: addresses or names."""
    named_by: str = ""
    """`parameters`, `DHCP option 42` or `DHCPv6 option 56`; empty where nobody names a server."""
    offset: int | None = None
    """Seconds that local time is ahead of UTC, by DHCP option 2; None where it says nothing."""
    ignored: bool = True
    """The offset does not count."""


def resolvers(
    settings: Settings,
    lease: Lease | None,
    lease6: Lease6 | None = None,
    tunnel: Tunnel | None = None,
) -> tuple[str, ...]:
    """Return the DNS servers, in the order in which they are asked.

    Those of a tunnel take the place of the lease's, which it may not reach.

    Those that IPv6 brings count while IPv4 brings none: what a router says in the middle of a
    call must not send the lines to another server.
    """
    system = settings.system
    entered = [system.primary_dns, system.secondary_dns]
    if system.ip_mode is not IpMode.IPV4:
        entered += [system.ipv6_primary_dns, system.ipv6_secondary_dns]
    manual = tuple(filter(None, entered))
    leased = (lease.resolvers if lease else ()) or (lease6.resolvers if lease6 else ())
    leased = (tunnel.resolvers if tunnel else ()) or leased
    orders = {
        DnsServerOrder.MANUAL: manual,
        DnsServerOrder.MANUAL_DHCP: manual + leased,
        DnsServerOrder.DHCP_MANUAL: leased + manual,
    }
    return tuple(dict.fromkeys(orders[system.dns_server_order]))


def known_time(settings: Settings, lease: Lease | None, lease6: Lease6 | None = None) -> KnownTime:
    """Return the time servers of the parameters, else those of the lease; and its offset.

    Source: phone-facts 3.1, options 2 and 42, DHCPv6 option 56; `Ignore_DHCP_Time_Offset`.
    """
    system = settings.system
    named = (
        ("parameters", filter(None, (system.primary_ntp_server, system.secondary_ntp_server))),
        (f"DHCP option {Option.NTP}", lease.ntp if lease else ()),
        (f"DHCPv6 option {Option6.NTP}", lease6.ntp if lease6 else ()),
    )
    found = ((tuple(servers), by) for by, servers in named)
    servers, named_by = next((one for one in found if one[0]), ((), ""))
    return KnownTime(
        servers=servers,
        named_by=named_by,
        offset=lease.time_offset if lease else None,
        ignored=settings.regional.ignore_dhcp_time_offset,
    )


def own_address(
    settings: Settings,
    lease: Lease | None,
    lease6: Lease6 | None = None,
    tunnel: Tunnel | None = None,
) -> str:
    """Return the phone's IPv4 address, else its IPv6 one; empty while it has none.

    With a tunnel it is the one at the tunnel's other end.
    """
    if tunnel:
        return tunnel.address
    system = settings.system
    only6 = system.ip_mode is IpMode.IPV6
    if system.connection_type is ConnectionType.STATIC and not only6:
        return system.static_ip
    if lease and not only6:
        return lease.address
    return lease6.address if lease6 else ""


def waiting(
    settings: Settings, lease: Lease | None, lease6: Lease6 | None, *, silent: bool = False
) -> str:
    """Return what the network still lacks before a server can be asked; empty where nothing.

    Where both families are in use, IPv4 is waited for: what can be done with IPv6 alone may be
    done better a moment later. Only where nobody answers DHCP (`silent`) IPv6 does alone, if it
    brings DNS servers.
    """
    found6 = bool(lease6 and lease6.address)
    if settings.system.ip_mode is IpMode.IPV6:
        found = found6
    else:
        alone = silent and found6 and bool(resolvers(settings, None, lease6))
        found = lease is not None or alone
    return "" if found else "the phone has no address yet"


def written(host: str, port: int, default: int = 0) -> str:
    """Return host and port as a URI has them, without a port that is the default or none."""
    text = f"[{host}]" if ":" in host else host
    return text if port in (0, default) else f"{text}:{port}"


def host_and_port(text: str, default: int) -> tuple[str, int]:
    """Return host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.

    Raises:
        ValueError: the port is not between 1 and 65535.

    """
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    if not port:
        return host, default
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
        raise ValueError(f"port {port[:10]!r} is not between 1 and 65535")
    return host, int(port)
