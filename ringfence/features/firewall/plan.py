"""Which packets from outside the phone lets in."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from msgspec import Struct

from ringfence.config.catalog.values import SipTransport
from ringfence.config.codecs import Switch
from ringfence.config.settings import Settings
from ringfence.errors import Finding, Severity
from ringfence.features.firewall.options import (
    NO_CISCO_TFTP,
    NO_ICMP_PING,
    NO_ICMP_UNREACHABLE,
    Ports,
    merged,
    parse,
)
from ringfence.runtime.state import Facts, Planned

DHCP_CLIENT, DHCPV6_CLIENT, TFTP_CLIENT = (68, 68), (546, 546), (53240, 53245)
PEER_FIRMWARE_UDP = ((4051, 4051),)
PEER_FIRMWARE_TCP = ((4051, 4051), (6970, 6970))
TR_069_STUN = (7999, 7999)
LAST_PORT = 65535


class FirewallPlan(Struct, frozen=True):
    """What the kernel must let in, for IPv4 and IPv6 alike.

    While not `enabled`, everything passes and only `broadcast_echo` counts.
    """

    enabled: bool
    broadcast_echo: bool
    """Answer echo requests to IPv6 multicast addresses, whatever `ping` says (rulings 19)."""
    udp: tuple[Ports, ...] = ()
    tcp: tuple[Ports, ...] = ()
    ping: bool = True
    """Answer echo requests to the phone's own addresses."""
    unreachable: bool = True
    """Say that a UDP port is unreachable; inside `rtp` it is always said."""
    tftp: bool = True
    """The ports of the TFTP client are open; without them only server port 69 works."""
    rtp: Ports | None = None
    udp_services: tuple[int, ...] = ()
    """UDP ports where the phone itself answers; strangers have a budget for them."""
    tcp_services: tuple[int, ...] = ()
    peers: tuple[str, ...] = ()
    """Addresses that are no strangers, in the order of a listing: the servers of the lines."""


def plan(settings: Settings, facts: Facts) -> Planned[FirewallPlan]:
    """Return the one plan of the firewall.

    Source: chapter, Tables 3, 4 and 5; rulings 19.
    """
    system = settings.system
    echo = system.broadcast_echo is Switch.ENABLED
    options, skipped = parse(system.firewall_options)
    if system.firewall is Switch.DISABLED:
        return Planned({"": FirewallPlan(False, echo)}, (_DISABLED, *skipped))
    rtp, unusable = _rtp(settings)
    tftp = NO_CISCO_TFTP not in options.flags
    made = FirewallPlan(
        enabled=True,
        broadcast_echo=echo,
        udp=merged([*_udp(settings, rtp, tftp), *options.udp, *_bound(facts, "udp")]),
        tcp=merged([*_tcp(settings, facts), *options.tcp, *_bound(facts, "tcp")]),
        ping=NO_ICMP_PING not in options.flags,
        unreachable=NO_ICMP_UNREACHABLE not in options.flags,
        tftp=tftp,
        rtp=rtp,
        udp_services=tuple(sorted({*_sip_ports(settings)})),
        tcp_services=tuple(sorted({*_tcp_services(settings, facts)})),
        peers=_peers(facts),
    )
    undrawn = settings.tr069.enable_tr_069 and facts.connection_request_port is None
    return Planned({"": made}, (*skipped, *unusable, *((_TO_BE_DRAWN,) if undrawn else ())))


def describe(made: FirewallPlan) -> Mapping[str, object]:
    """Return a plan as JSON values, without its ruleset."""
    return {
        "enabled": made.enabled,
        "udp": [list(ports) for ports in made.udp],
        "tcp": [list(ports) for ports in made.tcp],
        "ping": made.ping,
        "unreachable": made.unreachable,
        "broadcast_echo": made.broadcast_echo,
    }


def _udp(settings: Settings, rtp: Ports | None, tftp: bool) -> Iterator[Ports]:
    """Yield the rows of Table 3."""
    yield DHCP_CLIENT
    yield DHCPV6_CLIENT
    for port in _sip_ports(settings):
        yield port, port
    if rtp:
        yield rtp
    if _shares_firmware(settings):
        yield from PEER_FIRMWARE_UDP
    if tftp:
        yield TFTP_CLIENT
    if settings.tr069.enable_tr_069:
        yield TR_069_STUN


def _tcp(settings: Settings, facts: Facts) -> Iterator[Ports]:
    """Yield the rows of Table 4."""
    for port in _tcp_services(settings, facts):
        yield port, port
    if _shares_firmware(settings):
        yield from PEER_FIRMWARE_TCP


def _sip_ports(settings: Settings) -> Iterator[int]:
    for line in settings.ext:
        if line.line_enable and line.sip_transport in (SipTransport.UDP, SipTransport.AUTO):
            yield line.sip_port


def _tcp_services(settings: Settings, facts: Facts) -> Iterator[int]:
    system = settings.system
    if system.enable_web_server:
        yield system.web_server_port
    if settings.tr069.enable_tr_069 and (port := facts.connection_request_port):
        yield port


def _peers(facts: Facts) -> tuple[str, ...]:
    named = {address.partition("%")[0] for peers in facts.peers.values() for address in peers}
    found = sorted(map(ip_address, named), key=lambda address: (address.version, int(address)))
    return tuple(map(str, found))


def _shares_firmware(settings: Settings) -> bool:
    provisioning = settings.provisioning
    return provisioning.upgrade_enable and provisioning.peer_firmware_sharing


def _rtp(settings: Settings) -> tuple[Ports | None, tuple[Finding, ...]]:
    first, last = settings.sip.rtp_port_min, settings.sip.rtp_port_max
    if first > last:
        return None, (_NO_RTP,)
    return (first, min(last + 1, LAST_PORT)), ()


def _bound(facts: Facts, protocol: str) -> Iterable[Ports]:
    return [
        (port, port) for ports in facts.bound.values() for kind, port in ports if kind == protocol
    ]


_DISABLED = Finding(
    Severity.WARNING,
    "firewall-disabled",
    "Firewall",
    "the firewall is off: every port of the phone can be reached",
    "set Firewall to Enabled and open single ports in Firewall Options",
)
_TO_BE_DRAWN = Finding(
    Severity.INFO,
    "firewall-port-to-be-drawn",
    "Enable_TR-069",
    "one more TCP port, of 8000 to 9999, is open: each phone draws its own for the ACS's requests",
    "`ringfence phone status` shows which one",
)
_NO_RTP = Finding(
    Severity.ERROR,
    "firewall-no-rtp-range",
    "RTP_Port_Min",
    "RTP Port Min is above RTP Port Max: no RTP port is open",
    "write the lower port into RTP Port Min",
)
