"""The table `inet ringfence`, in the words of nft(8) as the kernel's own listing prints it."""

from ringfence.features.firewall.options import Ports
from ringfence.features.firewall.plan import FirewallPlan
from ringfence.messages import _
from ringfence.protocols.nft_table import (
    DYNAMIC,
    INTERVAL,
    IPV4,
    IPV6,
    PORT,
    Chain,
    Set,
    Table,
    text,
)

TABLE = "inet ringfence"

NEIGHBOURS = ("nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert", "nd-redirect")
LISTENERS = (
    "mld-listener-query",
    "mld-listener-report",
    "mld-listener-done",
    "mld2-listener-report",
)
ECHO_REQUESTS = ("icmp type echo-request", "icmpv6 type echo-request")
UNREACHABLES = (
    ("icmp type destination-unreachable icmp code port-unreachable", "@th,64,8 0x45 @th,240,16"),
    (
        "icmpv6 type destination-unreachable icmpv6 code port-unreachable",
        "@th,112,8 0x11 @th,400,16",
    ),
)
"""The message that a UDP port is unreachable, and where it repeats the datagram's port.

Eight bytes of ICMP, the IP header (20 or 40 bytes), two bytes of source port. A header with
options, which would put other bytes in that place, does not match.
"""

COUNTERS = {
    "opened_udp": _("Packets to Open UDP Ports"),
    "opened_tcp": _("Connections to Open TCP Ports"),
    "closed_udp": _("Packets to Closed UDP Ports"),
    "closed_tcp": _("Packets to Closed TCP Ports"),
    "ping": _("Pings Ignored"),
    "multicast_ping": _("Multicast Pings Ignored"),
    "invalid": _("Packets of No Known Flow Dropped"),
    "other": _("Other Packets Dropped"),
    "withheld": _("Unreachable Messages Withheld"),
    "flood": _("Packets of Floods Dropped"),
}
"""What the kernel counts, and how the status page calls it.

Packets of a flow that the phone began, or has answered, are not counted.
"""
DROPPED = ("closed_udp", "closed_tcp", "ping", "multicast_ping", "invalid", "other", "flood")
"""Counters of what came in and went no further."""

TFTP_HELPER = "tftp"
"""Follows the server's answers to a new port, so that port 69 works while the range is shut."""

NETWORK = "ip6 saddr & ffff:ffff:ffff:ffff::"
"""One stranger over IPv6: an attacker has every address of a network of 64 bits."""
BUDGET = "limit rate over 100/second burst 200 packets"
"""What one stranger may ask of the phone's own services, before nothing more is heard of it for
`BLOCKED`."""
BUDGET_OF_ALL = "limit rate over 1000/second burst 2000 packets"
"""What all strangers may, who forge their addresses or are too many to be told apart."""
BUDGETS = ("size 1024", DYNAMIC, "timeout 1m")
BLOCKED = ("size 1024", DYNAMIC, "timeout 1s")
"""How many strangers are told apart, and for how long: a quarter of a megabyte each."""

SHIELD_HOOK = "type filter hook prerouting priority -450"
"""Before fragments are joined (-400) and connections are tracked (-200)."""

KNOWN_FLOWS = "ct state established,related accept"
"""What the phone began or let in."""


def ruleset(plan: FirewallPlan) -> str:
    """Return the table for `plan`: what `nft -s list table inet ringfence` prints."""
    return text(table(plan))


def table(plan: FirewallPlan) -> Table:
    """Return the table for `plan`.

    While the firewall is off the table stays, with a policy that lets everything pass. No rule
    has a set of its own without a name, so that each can be replaced by itself.
    """
    policy = "drop" if plan.enabled else "accept"
    return Table(
        name=TABLE,
        counters=tuple(COUNTERS),
        helpers=() if plan.tftp else (TFTP_HELPER,),
        sets={
            "neighbours": Set("icmpv6_type", (), NEIGHBOURS),
            "listeners": Set("icmpv6_type", (), LISTENERS),
            "udp_open": _ports(plan.udp),
            "tcp_open": _ports(plan.tcp),
            "udp_services": Set(PORT, (), tuple(map(str, plan.udp_services))),
            "tcp_services": Set(PORT, (), tuple(map(str, plan.tcp_services))),
            "peers4": Set(IPV4, (), tuple(one for one in plan.peers if ":" not in one)),
            "peers6": Set(IPV6, (), tuple(one for one in plan.peers if ":" in one)),
            "budget4": Set(IPV4, BUDGETS),
            "budget6": Set(IPV6, BUDGETS),
            "blocked4": Set(IPV4, BLOCKED),
            "blocked6": Set(IPV6, BLOCKED),
        },
        chains={
            "flood": Chain(_flood()),
            "stranger": Chain(_stranger()),
            "shield": Chain(_shield(plan), SHIELD_HOOK, "accept"),
            "input": Chain(_input(plan), "type filter hook input priority filter", policy),
            "output": Chain(_output(plan), "type filter hook output priority filter", "accept"),
        },
    )


def _shield(plan: FirewallPlan) -> tuple[str, ...]:
    """Return what looks for floods, before a packet costs an entry of connection tracking.

    Only what asks something of the phone itself: media and answers pass, and ports that the
    operator opened for others.
    """
    if not plan.enabled:
        return ()
    return (
        "udp dport @udp_services goto stranger",
        "tcp flags syn / fin,syn,rst,ack tcp dport @tcp_services goto stranger",
        *(f"{request} goto stranger" for request in ECHO_REQUESTS),
    )


def _stranger() -> tuple[str, ...]:
    """Return what decides on such a packet; in a flood two looks are enough."""
    dropped = f"{_counted('flood')} drop"
    return (
        "ip saddr @peers4 accept",
        f"ip saddr @blocked4 {dropped}",
        "ip6 saddr @peers6 accept",
        f"{NETWORK} == @blocked6 {dropped}",
        f"update @budget4 {{ ip saddr {BUDGET} }} goto flood",
        f"update @budget6 {{ {NETWORK} {BUDGET} }} goto flood",
        f"{BUDGET_OF_ALL} {dropped}",
    )


def _flood() -> tuple[str, ...]:
    return (
        "add @blocked4 { ip saddr }",
        f"add @blocked6 {{ {NETWORK} }}",
        f"{_counted('flood')} drop",
    )


def _input(plan: FirewallPlan) -> tuple[str, ...]:
    multicast = "accept" if plan.broadcast_echo else f"{_counted('multicast_ping')} drop"
    echo = f"ip6 daddr ff00::/8 icmpv6 type echo-request {multicast}"
    if not plan.enabled:
        # Flows are known while the firewall is off, too: none breaks when it is switched on.
        return (echo, KNOWN_FLOWS)
    ignored = f"{_counted('ping')} drop"
    unwanted = [] if plan.ping else [f"{request} {ignored}" for request in ECHO_REQUESTS]
    answered = [f"{request} accept" for request in ECHO_REQUESTS] if plan.ping else []
    # An unopened UDP port says so, as traceroute expects; TCP is silent. Source: Table 5.
    closed_udp = "reject" if plan.unreachable else "drop"
    return (
        'iif "lo" accept',
        echo,
        *unwanted,
        KNOWN_FLOWS,
        f"ct state invalid {_counted('invalid')} drop",
        "icmpv6 type @neighbours ip6 hoplimit 255 accept",
        "icmpv6 type @listeners ip6 saddr fe80::/10 accept",
        *answered,
        f"udp dport @udp_open {_counted('opened_udp')} accept",
        f"tcp dport @tcp_open {_counted('opened_tcp')} accept",
        f"meta l4proto udp {_counted('closed_udp')} {closed_udp}",
        f"meta l4proto tcp {_counted('closed_tcp')} drop",
        _counted("other"),
    )


def _output(plan: FirewallPlan) -> tuple[str, ...]:
    helper = () if plan.tftp else ('udp dport 69 ct helper set "tftp"',)
    if plan.unreachable:
        return helper
    rules = ['oif "lo" accept']
    for message, port in UNREACHABLES:
        if plan.rtp:
            rules.append(f"{message} {port} {_hexadecimal(plan.rtp)} accept")
        rules.append(f"{message} {_counted('withheld')} drop")
    return (*helper, *rules)


def _counted(name: str) -> str:
    return f'counter name "{name}"'


def _ports(ranges: tuple[Ports, ...]) -> Set:
    words = (str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return Set(PORT, (INTERVAL,), tuple(words))


def _hexadecimal(ports: Ports) -> str:
    first, last = ports
    return f"{first:#x}" if first == last else f"{first:#x}-{last:#x}"
