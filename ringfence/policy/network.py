"""What the phone's own network is: its DNS servers, its address, the servers written host[:port].

Source: phone-facts 1.2, IPv4 Settings and Optional Network Configuration.
"""

from msgspec import Struct

from ringfence.config.catalog.values import ConnectionType, DnsServerOrder
from ringfence.config.settings import Settings
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.options import Option


class KnownTime(Struct, frozen=True):
    """What parameters and network say of the time."""

    servers: tuple[str, ...] = ()
    """NTP servers: addresses or names."""
    named_by: str = ""
    """`parameters` or `DHCP option 42`; empty where nobody names a server."""
    offset: int | None = None
    """Seconds that local time is ahead of UTC, by DHCP option 2; None where it says nothing."""
    ignored: bool = True
    """The offset does not count."""


def resolvers(settings: Settings, lease: Lease | None) -> tuple[str, ...]:
    """Return the DNS servers, in the order in which they are asked."""
    system = settings.system
    manual = tuple(filter(None, (system.primary_dns, system.secondary_dns)))
    leased = lease.resolvers if lease else ()
    orders = {
        DnsServerOrder.MANUAL: manual,
        DnsServerOrder.MANUAL_DHCP: manual + leased,
        DnsServerOrder.DHCP_MANUAL: leased + manual,
    }
    return tuple(dict.fromkeys(orders[system.dns_server_order]))


def known_time(settings: Settings, lease: Lease | None) -> KnownTime:
    """Return the time servers of the parameters, else those of the lease; and its offset.

    Source: phone-facts 3.1, options 2 and 42; `Ignore_DHCP_Time_Offset`.
    """
    system = settings.system
    servers = tuple(filter(None, (system.primary_ntp_server, system.secondary_ntp_server)))
    named_by = "parameters"
    if not servers and lease:
        servers, named_by = lease.ntp, f"DHCP option {Option.NTP}"
    return KnownTime(
        servers=servers,
        named_by=named_by if servers else "",
        offset=lease.time_offset if lease else None,
        ignored=settings.regional.ignore_dhcp_time_offset,
    )


def own_address(settings: Settings, lease: Lease | None) -> str:
    """Return the phone's IPv4 address, empty while it has none."""
    if settings.system.connection_type is ConnectionType.STATIC:
        return settings.system.static_ip
    return lease.address if lease else ""


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
