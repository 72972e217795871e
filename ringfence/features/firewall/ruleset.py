"""The table `inet ringfence`, in the words of nft(8) as the kernel's own listing prints it."""

import re

from ringfence.features.firewall.options import Ports
from ringfence.features.firewall.plan import FirewallPlan

TABLE = "inet ringfence"

NEIGHBOURS = "nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect"
MULTICAST = "mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report"
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
    "opened_udp": "New UDP Flows Let In",
    "opened_tcp": "New TCP Connections Let In",
    "closed_udp": "Packets to Closed UDP Ports",
    "closed_tcp": "Packets to Closed TCP Ports",
    "ping": "Pings Ignored",
    "multicast_ping": "Multicast Pings Ignored",
    "invalid": "Packets of No Known Flow Dropped",
    "other": "Other Packets Dropped",
    "withheld": "Unreachable Messages Withheld",
}
"""What the kernel counts, and how the status page calls it."""

TFTP_HELPER = """
	ct helper tftp {
		type "tftp" protocol udp
		l3proto inet
	}
"""
"""Follows the server's answers to a new port, so that port 69 works while the range is shut."""

KNOWN_FLOWS = "ct state established,related accept"
"""What the phone began or let in."""

PER_LINE, NEXT_LINE = 5, ",\n\t\t\t     "
"""How a listing breaks the elements of a set."""


def ruleset(plan: FirewallPlan) -> str:
    """Return the table for `plan`: what `nft -s list table inet ringfence` prints.

    While the firewall is off the table stays, with a policy that lets everything pass.
    """
    policy = "drop" if plan.enabled else "accept"
    counters = "\n".join(f"\tcounter {name} {{\n\t}}\n" for name in COUNTERS)
    return f"""table {TABLE} {{
{counters}{"" if plan.tftp else TFTP_HELPER}
{_set("udp_open", plan.udp)}
{_set("tcp_open", plan.tcp)}
	chain input {{
		type filter hook input priority filter; policy {policy};
{_rules(_input(plan))}	}}

	chain output {{
		type filter hook output priority filter; policy accept;
{_rules(_output(plan))}	}}
}}
"""


def replacement(held: str, wanted: str) -> str:
    """Return one transaction that turns the listing `held` (empty: no table) into `wanted`.

    The table is never deleted: chains and sets are emptied and filled again, so that no packet
    falls between two rulesets, and what `wanted` does not know is removed.
    """
    if not held:
        return wanted
    known, present = _objects(wanted), _objects(held)
    steps = [f"flush table {TABLE}"]
    steps += [f"flush set {TABLE} {name}" for kind, name in present & known if kind == "set"]
    steps += [f"delete {kind} {TABLE} {name}" for kind, name in present - known]
    return "\n".join([*steps, wanted])


def rebuilt(wanted: str) -> str:
    """Return one transaction that builds the table anew, whatever stands in its place."""
    return f"table {TABLE}\ndelete table {TABLE}\n{wanted}"


def _input(plan: FirewallPlan) -> list[str]:
    multicast = "accept" if plan.broadcast_echo else f"{_counted('multicast_ping')} drop"
    echo = f"ip6 daddr ff00::/8 icmpv6 type echo-request {multicast}"
    if not plan.enabled:
        # Flows are known while the firewall is off, too: none breaks when it is switched on.
        return [echo, KNOWN_FLOWS]
    ignored = f"{_counted('ping')} drop"
    unwanted = [] if plan.ping else [f"{request} {ignored}" for request in ECHO_REQUESTS]
    answered = [f"{request} accept" for request in ECHO_REQUESTS] if plan.ping else []
    # An unopened UDP port says so, as traceroute expects; TCP is silent. Source: Table 5.
    closed_udp = "reject" if plan.unreachable else "drop"
    return [
        'iif "lo" accept',
        echo,
        *unwanted,
        KNOWN_FLOWS,
        f"ct state invalid {_counted('invalid')} drop",
        f"icmpv6 type {{ {NEIGHBOURS} }} ip6 hoplimit 255 accept",
        f"icmpv6 type {{ {MULTICAST} }} ip6 saddr fe80::/10 accept",
        *answered,
        f"udp dport @udp_open {_counted('opened_udp')} accept",
        f"tcp dport @tcp_open {_counted('opened_tcp')} accept",
        f"meta l4proto udp {_counted('closed_udp')} {closed_udp}",
        f"meta l4proto tcp {_counted('closed_tcp')} drop",
        _counted("other"),
    ]


def _output(plan: FirewallPlan) -> list[str]:
    helper = [] if plan.tftp else ['udp dport 69 ct helper set "tftp"']
    if plan.unreachable:
        return helper
    rules = ['oif "lo" accept']
    for message, port in UNREACHABLES:
        if plan.rtp:
            rules.append(f"{message} {port} {_hexadecimal(plan.rtp)} accept")
        rules.append(f"{message} {_counted('withheld')} drop")
    return helper + rules


def _counted(name: str) -> str:
    return f'counter name "{name}"'


def _set(name: str, ranges: tuple[Ports, ...]) -> str:
    elements = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    lines = [", ".join(elements[i : i + PER_LINE]) for i in range(0, len(elements), PER_LINE)]
    filled = f"\t\telements = {{ {NEXT_LINE.join(lines)} }}\n" if lines else ""
    return f"\tset {name} {{\n\t\ttype inet_service\n\t\tflags interval\n{filled}\t}}\n"


def _rules(rules: list[str]) -> str:
    return "".join(f"\t\t{rule}\n" for rule in rules)


def _hexadecimal(ports: Ports) -> str:
    first, last = ports
    return f"{first:#x}" if first == last else f"{first:#x}-{last:#x}"


def _objects(listing: str) -> set[tuple[str, str]]:
    """Return kind and name of everything that a listing of the table declares."""
    return set(re.findall(r"^\t([a-z]+(?: [a-z]+)?) (\S+) \{$", listing, re.MULTILINE))
