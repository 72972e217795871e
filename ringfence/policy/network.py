"""What the phone's own network is: its DNS servers, its address, the servers written host[:port].

Source: phone-facts 1.2, IPv4 Settings and Optional Network Configuration.
"""

from ringfence.config.catalog.values import ConnectionType, DnsServerOrder
from ringfence.config.settings import Settings
from ringfence.protocols.dhcp import Lease


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


def time_servers(settings: Settings, lease: Lease | None) -> tuple[str, ...]:
    """Return the NTP servers: those of the parameters, else those of the lease.

    Source: phone-facts 3.1, option 42.
    """
    system = settings.system
    manual = tuple(filter(None, (system.primary_ntp_server, system.secondary_ntp_server)))
    return manual or (lease.ntp if lease else ())


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
