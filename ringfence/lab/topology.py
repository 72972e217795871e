"""The nodes of the lab, their addresses and the wires between them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from ringfence.lab.namespaces import Namespace

DOMAIN = "telco.test"
PHONE_MAC = "000e08abcdef"
"""The chapter's own example of a phone's address."""
PHONE_INTERFACE = "br0"
LEASES = ("10.99.1.100", "10.99.1.150")
"""First and last address that the lab's DHCP server lends."""
PREFIX_V6 = "fd00:99:1::"
INFRASTRUCTURE = "10.99.1.10"
"""DHCP, DNS, registrar and syslog."""
DEAD = "10.99.1.11"
"""First A record of the provisioning server; nothing listens there."""
SILENT = "10.99.1.13"
"""No host is there, as far as one can tell from elsewhere."""
PROVIDER = "10.99.1.12"
"""Second A record of the provisioning server."""
PROXY_ADDRESS = "10.99.1.14"
VPN_ADDRESS = "10.99.1.15"
"""There only where a VPN is wanted; see `lab.vpn`."""
VPN_NAME = f"vpn.{DOMAIN}"
LDAP_ADDRESS, LDAP_NAME = "10.99.1.16", f"ldap.{DOMAIN}"
"""There only where a directory is wanted; see `lab.directory`."""
ACS_ADDRESS, ACS_NAME = "10.99.1.17", f"acs.{DOMAIN}"
"""There only where an ACS is wanted; see `lab.acs`."""
STRANGER_ADDRESS = "10.99.1.66"
PROVISIONING_NAME, REGISTRAR_NAME = f"pv.{DOMAIN}", f"sip.{DOMAIN}"
SYSLOG_NAME = f"log.{DOMAIN}"
PROXY_NAME, WPAD_NAME = f"proxy.{DOMAIN}", f"wpad.{DOMAIN}"


class Node(Struct, frozen=True):
    """One host of the lab."""

    name: str
    interface: str
    """Interface that carries the node's addresses."""
    addresses: tuple[str, ...] = ()
    """With prefix length; the phone gets its own from the network."""


PHONE = Node("phone", PHONE_INTERFACE)
SWITCH = Node("switch", "br0")
SERVERS = Node(
    "servers",
    "eth0",
    (*(f"{own}/24" for own in (INFRASTRUCTURE, DEAD, PROVIDER, SILENT)), f"{PREFIX_V6}10/64"),
)
PC = Node("pc", "eth0", ("10.99.1.50/24", f"{PREFIX_V6}50/64"))
STRANGER = Node("stranger", "eth0", (f"{STRANGER_ADDRESS}/24", f"{PREFIX_V6}66/64"))
NODES = (PHONE, SWITCH, SERVERS, PC, STRANGER)
PROXY = Node("proxy", "eth0", (f"{PROXY_ADDRESS}/24",))
"""There only where a proxy is wanted; see `lab.proxy`."""

WIRES = (
    (PHONE, "net", SWITCH, "p1"),
    (PHONE, "pcp", PC, "eth0"),
    (SWITCH, "up0", SERVERS, "eth0"),
    (SWITCH, "up1", STRANGER, "eth0"),
)
"""Pairs of ports; the PC hangs behind the phone."""
BRIDGES = ((PHONE, ("net", "pcp")), (SWITCH, ("p1", "up0", "up1")))

UNLIMITED = ("ipv4/icmp_ratelimit", "ipv4/icmp_msgs_per_sec", "ipv6/icmp/ratelimit")
"""Kernel limits on ICMP errors, lifted on the phone so that a port scan finishes: a closed UDP
port always answers as the firewall says it does."""


def space(node: Node) -> Namespace:
    """Return the namespace of a node."""
    return Namespace(node.name)


def hardware(mac: str) -> str:
    """Return twelve digits with colons, `00:0e:08:ab:cd:ef`."""
    return ":".join(mac[i : i + 2] for i in range(0, 12, 2))


def global_commands() -> list[str]:
    """Return the `ip` commands that make the nodes and their wires.

    The two ends of a wire must not have the same index: the kernel tells such ends about their
    carrier up to a second late.
    """
    lines = [f"netns add {node.name}" for node in NODES]
    for n, (a, a_port, b, b_port) in enumerate(WIRES):
        near = f"link add {a_port} index {10 + n} netns {a.name}"
        lines.append(f"{near} type veth peer name {b_port} index {20 + n} netns {b.name}")
    return lines


def node_commands(node: Node, mac: str = PHONE_MAC) -> list[str]:
    """Return the `ip` commands that set up one node.

    The phone's bridge keeps its own MAC address, which otherwise follows its ports, and passes
    EAPOL on to the PC (group_fwd_mask 8); it waits for no duplicate address.
    """
    lines = ["link set lo up"]
    ports = {bridge.name: ports for bridge, ports in BRIDGES}.get(node.name, ())
    if ports:
        own = f"address {hardware(mac)} " if node is PHONE else ""
        mask = "group_fwd_mask 8 " if node is PHONE else ""
        lines.append(
            f"link add br0 {own}type bridge stp_state 0 forward_delay 0 {mask}mcast_snooping 0"
        )
        lines += [f"link set {port} master br0 up" for port in ports]
    for address in node.addresses:
        lines.append(f"address add {address} dev {node.interface}" + " nodad" * (":" in address))
    lines.append(f"link set {node.interface} up")
    return lines


def build(mac: str = PHONE_MAC) -> None:
    """Make every node and wire.

    Raises:
        subprocess.CalledProcessError: the kernel refused; `stderr` says which line.

    """
    batch((), global_commands())
    space(PHONE).call(_phone_kernel)
    for node in NODES:
        batch(("-n", node.name), node_commands(node, mac))


def batch(words: Sequence[str], lines: Sequence[str]) -> None:
    """Have `ip`, with more words, do one line after another.

    Raises:
        subprocess.CalledProcessError: the kernel refused; `stderr` says which line.

    """
    subprocess.run(
        ["ip", *words, "-batch", "-"],
        input="\n".join(lines),
        text=True,
        check=True,
        capture_output=True,
    )


def _phone_kernel() -> None:
    Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")
    for name, text in zip(UNLIMITED, ("0", "1000000", "0"), strict=True):
        switch = Path("/proc/sys/net", name)
        if switch.exists():
            switch.write_text(text)
