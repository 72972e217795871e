"""What a hostile network does to lead packets past the tunnel, and what a closed phone lets out."""

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import version
from ringfence.lab.namespaces import Namespace, link
from ringfence.runtime import host_tunnel
from ringfence.runtime.host import Host
from tests.support.lease import Dnsmasq
from tests.support.vpn_net import (
    INSIDE,
    LEASE,
    LEASES,
    OUTSIDE,
    RESOLVER,
    SERVER,
    TUNNEL,
    VpnNet,
    connected,
    noise,
    until,
)

ROGUE = "10.99.1.66"
EVERYTHING = f"0.0.0.0/1,{ROGUE},128.0.0.0/1,{ROGUE},{OUTSIDE}/32,{ROGUE},10.77.0.0/16,{ROGUE}"
"""Classless routes that are better than any default route (RFC 3442)."""
ROUTES = (
    f"dhcp-option-force=3,{ROGUE}",
    f"dhcp-option-force=33,{OUTSIDE},{ROGUE},{INSIDE},{ROGUE}",
    f"dhcp-option-force=121,{EVERYTHING}",
    "dhcp-option-force=249,"  # the same by another number, and as its bytes (MS-DHCPE 2.2.10)
    "01:00:0a:63:01:42:01:80:0a:63:01:42:20:cb:00:71:07:0a:63:01:42:10:0a:4d:0a:63:01:42",
)
"""Every option by which a server says where packets go."""


@pytest.fixture
def net(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[VpnNet]:
    component.append(f"ocserv {version(('ocserv', '--version'))}")
    component.append(f"openconnect {version(('openconnect', '--version'))}")
    made = VpnNet(namespaces("phone"), namespaces("servers"), tmp_path)
    yield made
    made.close()


def nothing_leaks(net: VpnNet, *allowed: str) -> None:
    net.wire.seen()
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL, *LEASE, *allowed) == set()


@pytest.mark.parametrize("rogue", [False, True], ids=["by-the-server", "by-a-rogue"])
def test_routes_of_dhcp_lead_nothing_past_the_tunnel(
    net: VpnNet, namespaces: Callable[[str], Namespace], component: list[str], rogue: bool
) -> None:
    component.append(f"dnsmasq {version(('dnsmasq', '--version'))}")
    if rogue:  # it lends where the server lends nothing
        net.dnsmasq("dhcp-ignore=tag:!known")
        lies = (*ROUTES, LEASES, "dhcp-authoritative", f"dhcp-option-force=6,{SERVER}")
        net.at_end(Dnsmasq(stand(net, namespaces("rogue")), net.folder, *lies).stop)
    else:
        net.dnsmasq(*ROUTES)
    net.ocserv()
    phone = net.phone()
    connected(phone)
    lease = phone.status()["lease"]
    assert {"3", "33", "121", "249"} <= lease["options"].keys()
    assert (lease["server"], lease["routers"]) == (ROGUE if rogue else SERVER, [ROGUE])
    nothing_leaks(net, f"udp {ROGUE} 67")
    for destination in ("0.0.0.0/1", "128.0.0.0/1", f"{OUTSIDE}/32"):  # a client that obeys them
        net.space.run("ip", "route", "replace", destination, "via", ROGUE, "dev", "eth0", "onlink")
    nothing_leaks(net, f"udp {ROGUE} 67")
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)


def stand(net: VpnNet, rogue: Namespace) -> Namespace:
    """Put a rogue on the phone's network, and return it."""
    link(rogue, "eth0", net.servers, "up1")
    net.servers.run("ip", "link", "set", "up1", "master", "br0")
    rogue.address("eth0", f"{ROGUE}/24", "fd66::1/64")
    return rogue


def test_a_rogue_router_and_redirect_lead_nothing_past_the_tunnel(
    net: VpnNet, namespaces: Callable[[str], Namespace]
) -> None:
    net.dnsmasq()
    net.ocserv()
    rogue = stand(net, namespaces("rogue"))
    phone = net.phone()
    connected(phone)
    lan = phone.status()["lease"]["address"]

    def known() -> bool:
        rogue.call(advertise)
        return "via fe80" in net.space.run("ip", "-6", "route").stdout

    until(known, "a router is known")
    rogue.call(redirect, lan, OUTSIDE)
    assert "fd66" in net.space.run("ip", "-6", "addr", "show", "dev", "eth0").stdout
    nothing_leaks(net)
    route = net.space.run("ip", "-6", "route", "get", "2001:db8::7", check=False)
    assert (route.stdout, "No route to host" in route.stderr) == ("", True)
    assert f"{OUTSIDE} dev vpn0" in net.space.run("ip", "route", "get", OUTSIDE).stdout


def advertise() -> None:
    """Be the best router of IPv6 there is, with a prefix; runs on the rogue's side."""
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 86400, 0)
    prefix += socket.inet_pton(socket.AF_INET6, "fd66::")
    route = struct.pack("!BBBBI", 24, 1, 0, 0x08, 1800)
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0x08, 1800, 0, 0) + prefix + route
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        raw.sendto(body, ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))


def redirect(phone: str, destination: str) -> None:
    """Send an ICMP redirect in the gateway's name; runs on the rogue's side."""

    def summed(data: bytes) -> int:
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        total = (total >> 16) + (total & 0xFFFF)
        return int(~(total + (total >> 16)) & 0xFFFF)

    inner = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0)
    inner += (
        socket.inet_aton(phone) + socket.inet_aton(destination) + struct.pack("!HHHH", 9, 9, 8, 0)
    )
    body = struct.pack("!BBH4s", 5, 1, 0, socket.inet_aton(ROGUE)) + inner
    body = body[:2] + struct.pack("!H", summed(body)) + body[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0)
        head += socket.inet_aton(SERVER) + socket.inet_aton(phone)
        raw.sendto(head + body, (phone, 0))


def test_a_closed_phone_asks_only_for_the_way_to_the_server(net: VpnNet) -> None:
    net.dnsmasq()
    closed = {"RF_VPN_Only": "Yes"}
    phone = net.phone(**closed)  # there is no VPN server yet
    phone.wait_for("vpn.failed")
    nothing_leaks(net, *RESOLVER)
    assert dict(phone.status()["features"]["vpn"]["rows"])[
        "Packets kept from leaving beside the tunnel"
    ] not in ("0", "")
    vpn = net.ocserv()
    connected(phone)
    nothing_leaks(net)
    assert len(vpn.users()) == 1
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)
    lan = phone.status()["lease"]["address"]
    net.servers.run("ping", "-c", "1", "-W", "1", lan, check=False)
    net.servers.call(opens, lan, 80)
    assert net.wire.leaked(*TUNNEL, *LEASE) == set(), "an answer went beside the tunnel"
    vpn.stop()
    phone.until(lambda status: status["vpn"]["connection"] == "Disconnected")
    nothing_leaks(net)
    assert phone.stop() == 0
    nothing_leaks(net)


def test_a_closed_phone_stays_closed_where_no_tunnel_is_wanted(net: VpnNet) -> None:
    net.dnsmasq()
    phone = net.phone(RF_VPN_Only="Yes", Connect_on_Bootup="No")
    phone.until(lambda status: status["lease"] is not None)
    nothing_leaks(net)
    said = [label for label, _ in phone.status()["features"]["vpn"]["rows"]]
    assert "Warning" in said


def test_a_tunnel_with_ipv6_carries_ipv6(net: VpnNet) -> None:
    net.dnsmasq()
    vpn = net.ocserv(more="ipv6-network = fd88::/64\nipv6-subnet-prefix = 128\n")
    phone = net.phone()
    connected(phone)
    (user,) = vpn.users()
    assert user["IPv6"] in net.space.run("ip", "-6", "addr", "show", "dev", "vpn0").stdout
    net.listen("fd77::1", 8080)
    assert net.reaches("fd77::1", 8080)
    nothing_leaks(net)


def test_the_firewall_holds_in_the_tunnel_too(net: VpnNet) -> None:
    net.dnsmasq()
    net.ocserv()
    phone = net.phone(Firewall_Config="NO_ICMP_PING")
    own = connected(phone)["address"]
    phone.wait_for("web.serving")
    assert net.servers.run("ping", "-c", "1", "-W", "1", own, check=False).returncode == 1
    assert net.servers.call(opens, own, 80) == 0
    assert net.servers.call(opens, own, 81) == errno.EAGAIN, "it is not silent"


def test_a_tunnel_that_was_left_is_not_taken_for_the_port(
    pair: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    phone, _ = pair
    phone.call(host_tunnel.make, "aaa0")
    assert "aaa0" in phone.run("ip", "link").stdout
    assert phone.call(lambda: Host(tmp_path).interface()) == "eth0"


def opens(address: str, port: int) -> int:
    with socket.socket() as made:
        made.settimeout(1)
        return int(made.connect_ex((address, port)))
