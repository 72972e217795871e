"""The shield before the firewall: who floods is not heard, and nobody else notices."""

import json
import re
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.firewall_fixtures import Wire, listing, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.kamailio import Kamailio
from tests.support.phone import RunningPhone, ringfence
from tests.support.probe import FAMILY, PHONE, STRANGER, inside, listener_in, raw, segment, udp_in
from tests.support.sip_net import DNS, DOMAIN, FIRST, SECOND, THIRD, Provider, provider
from tests.support.sip_requests import INVITE

__all__ = ["phone", "provider", "wire"]

VERSIONS = pytest.mark.parametrize("version", [4, 6])
SIP, WEB = 5060, 80
SYN = 2
SO_RCVBUFFORCE = 33
OTHER = {4: "10.99.0.10", 6: "fd98::10"}
"""Somebody else; over IPv6 in another network of 64 bits."""
PEER = {4: "10.99.0.77", 6: "fd99::77"}
"""The registrar, a neighbour of the flood."""
BURST, MOST_HEARD = 200, 450
"""What a budget holds at first, and what a flood of some seconds may get through."""


@pytest.fixture
def crowd(wire: Wire) -> Wire:
    """Give the stranger's end the addresses of the others, too."""
    wire[1].address("eth0", "10.99.0.10/24", "10.99.0.77/24", "fd99::77/64", "fd98::10/64")
    wire[0].address("eth0", "fd98::2/64")
    return wire


def send(version: int, source: str, count: int) -> None:
    """Send datagrams to the SIP port from inside the stranger's namespace."""
    with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        for _ in range(count):
            sender.sendto(b"flood", (PHONE[version], SIP))


def ears(space: Namespace, version: int) -> socket.socket:
    """Return a listener of the phone's SIP port that misses nothing."""
    made = udp_in(space, version, SIP)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
    return made


def heard(listener: socket.socket, fence: tuple[Namespace, int]) -> Counter[str]:
    """Return how many datagrams came from whom until one that the peer sends now."""
    space, version = fence
    with inside(space, lambda: socket.socket(FAMILY[version], socket.SOCK_DGRAM)) as sender:
        sender.bind((PEER[version], 0))
        sender.sendto(b"fence", (PHONE[version], SIP))
    found: Counter[str] = Counter()
    while True:
        data, source = listener.recvfrom(100)
        if data == b"fence":
            return found
        found[source[0]] += 1


def flooded(status: dict[str, dict[str, str]]) -> int:
    return int(status["rows"]["Packets of Floods Dropped"])


@VERSIONS
def test_a_stranger_that_floods_the_sip_port_is_cut_off_alone(
    phone: FirewallPhone, crowd: Wire, version: int
) -> None:
    phone.apply({}, peers=[PEER[version]])
    with ears(crowd[0], version) as listener:
        crowd[1].call(send, version, STRANGER[version], 3000)
        crowd[1].call(send, version, OTHER[version], 3)
        crowd[1].call(send, version, PEER[version], 2000)
        found = heard(listener, (crowd[1], version))
    assert BURST <= found[STRANGER[version]] <= MOST_HEARD
    assert (found[OTHER[version]], found[PEER[version]]) == (3, 2000)
    after = phone.apply({}, peers=[PEER[version]])
    assert flooded(after) == 3000 - found[STRANGER[version]]


def test_an_attacker_with_every_address_of_a_network_is_one_stranger(
    phone: FirewallPhone, crowd: Wire
) -> None:
    phone.apply({}, peers=[PEER[6]])
    many = [f"fd98::{n:x}" for n in range(0x100, 0x108)]
    crowd[1].address("eth0", *(f"{one}/64" for one in many))
    with ears(crowd[0], 6) as listener:
        for one in many:
            crowd[1].call(send, 6, one, 200)
        crowd[1].call(send, 6, STRANGER[6], 3)
        found = heard(listener, (crowd[1], 6))
    assert sum(found[one] for one in many) <= MOST_HEARD
    assert found[STRANGER[6]] == 3


def knock(version: int, count: int, port: int) -> None:
    with raw(version, socket.IPPROTO_TCP) as sender:
        for n in range(count):
            sender.sendto(segment(version, 1024 + n, port, SYN), (PHONE[version], 0))


@VERSIONS
def test_a_flood_of_syns_to_the_page_lets_others_in(
    phone: FirewallPhone, crowd: Wire, version: int
) -> None:
    phone.set()
    with listener_in(crowd[0], WEB) as listener:
        crowd[1].call(knock, version, 3000, WEB)
        source = (OTHER[version], 0)
        target = (PHONE[4] if version == 4 else "fd98::2", WEB)
        other = inside(crowd[1], lambda: socket.create_connection(target, 10, source))
        with other:
            other.sendall(b"hello")
            accepted = iter(listener.accept, None)
            hosts = (conversation[0] for conversation in accepted if conversation)
            with next(hosts) as host:
                assert host.recv(5) == b"hello"
    assert flooded(phone.set()) >= 3000 - MOST_HEARD


def test_a_search_for_open_ports_is_no_flood(phone: FirewallPhone, crowd: Wire) -> None:
    phone.set(Firewall_Config="TCP:20000:30000")
    for port in (25000, 31000):
        crowd[1].call(knock, 4, 3000, port)
    counters = phone.set(Firewall_Config="TCP:20000:30000")["data"]["counters"]
    assert (counters["flood"], counters["closed_tcp"]) == (0, 3000)


@VERSIONS
def test_a_flood_of_pings_leaves_the_pings_of_others(
    phone: FirewallPhone, crowd: Wire, version: int
) -> None:
    phone.set()

    def answered(source: str, *words: str) -> int:
        target = PHONE[4] if version == 4 else "fd98::2"
        said = crowd[1].run("ping", "-q", "-I", source, *words, target, check=False).stdout
        found = re.search(r"(\d+) received", said)
        assert found, said
        return int(found[1])

    assert answered(STRANGER[version], "-l", "1000", "-c", "1000", "-W", "1") <= MOST_HEARD
    assert answered(OTHER[version], "-c", "2", "-i", "0.01", "-W", "20") == 2


def forge(count: int, target: str) -> None:
    """Send one datagram each from addresses that do not exist."""
    datagram = struct.pack("!HHHH", 4000, SIP, 13, 0) + b"flood"
    first = int(ip_address("10.98.0.10"))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for n in range(count):
            source = (first + n).to_bytes(4, "big")
            head = struct.pack("!BBHHHBBH4s", 0x45, 0, 33, n & 0xFFFF, 0, 64, 17, 0, source)
            sender.sendto(head + socket.inet_aton(target) + datagram, (target, 0))


def test_forged_addresses_fill_no_memory_and_leave_the_registrar_heard(
    phone: FirewallPhone, crowd: Wire
) -> None:
    shown = phone.apply({}, peers=[PEER[4]])["data"]["ruleset"]
    crowd[0].address("eth0", "10.98.0.2/16")
    crowd[1].address("eth0", "10.98.0.3/16")
    with ears(crowd[0], 4) as listener:
        crowd[1].call(forge, 20_000, "10.98.0.2")
        crowd[1].call(send, 4, PEER[4], 2000)
        found = heard(listener, (crowd[1], 4))
    assert found.pop(PEER[4]) == 2000
    assert 2000 <= sum(found.values()) <= 5000
    full = crowd[0].run("nft", "list", "set", "inet", "ringfence", "budget4").stdout
    assert 500 < full.count("limit rate") <= 1024
    crowd[0].run("nft", "flush chain inet ringfence input")
    for _ in range(2000):
        if listing(crowd[0]).split() == shown.split():
            break
    else:
        pytest.fail("never put right")


def test_a_change_of_the_firewall_gives_a_flood_no_new_budget(
    phone: FirewallPhone, crowd: Wire
) -> None:
    texts = {"Firewall_Config": "NO_ICMP_PING"}
    phone.apply(texts, peers=[PEER[4]])
    phone.apply({}, peers=[PEER[4]])
    with ears(crowd[0], 4) as listener:
        crowd[1].call(send, 4, STRANGER[4], 3000)
        heard(listener, (crowd[1], 4))
        phone.apply(texts, peers=[PEER[4]])
        crowd[1].call(send, 4, STRANGER[4], 1000)
        assert heard(listener, (crowd[1], 4))[STRANGER[4]] < BURST


NAME = "sip.telco.test"
CFG = f"""<flat-profile>
<Connection_Type>Static IP</Connection_Type><Static_IP>{PHONE[4]}</Static_IP>
<NetMask>255.255.255.0</NetMask>
<Proxy_1_>{STRANGER[4]}</Proxy_1_><User_ID_1_>1001</User_ID_1_><Password_1_>pw1001</Password_1_>
<Auth_INVITE_1_>Yes</Auth_INVITE_1_>
</flat-profile>"""


@pytest.fixture
def registered(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[RunningPhone]:
    """Return a whole phone whose line is registered at a real Kamailio over UDP."""
    certificate, key = leaf(authority(), dns=[NAME]).save(tmp_path, "sip")
    registrar = Registrar(STRANGER[4], NAME, {"1001": "pw1001"}, Path(certificate), Path(key))
    kamailio = Kamailio(wire[1], tmp_path, registrar)
    component.append(kamailio.version())
    (tmp_path / "cfg.xml").write_text(CFG)
    words = ("--interface", "eth0", "--config", str(tmp_path / "cfg.xml"))
    started = RunningPhone(tmp_path / "state", wire[0], *words)
    kamailio.until(lambda: "1001" in kamailio.contacts())
    yield started
    started.stop()
    kamailio.close()


def invite(count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((OTHER[4], 0))
        for _ in range(count):
            sender.sendto(INVITE, (PHONE[4], SIP))


def challenged(count: int) -> int:
    """Invite from the registrar's address, and return how often the phone asked for a digest."""
    answers = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((STRANGER[4], 0))
        sender.settimeout(10)
        for _ in range(count):
            sender.sendto(INVITE, (PHONE[4], SIP))
            answers += sender.recv(4096).startswith(b"SIP/2.0 401 ")
    return answers


def test_the_registrar_of_a_line_is_heard_through_a_flood(
    registered: RunningPhone, wire: Wire
) -> None:
    peers = wire[0].run("nft", "list", "set", "inet", "ringfence", "peers4").stdout
    assert f"elements = {{ {STRANGER[4]} }}" in peers
    wire[1].address("eth0", "10.99.0.10/24")
    wire[1].call(invite, 5000)
    assert wire[1].call(challenged, 500) == 500
    status = registered.status()["features"]
    assert dict(status["line"]["rows"])["Ext 1"].startswith("Registered over UDP")
    dropped = int(dict(status["firewall"]["rows"])["Packets of Floods Dropped"])
    assert dropped >= 5000 - MOST_HEARD


LINES = f"""<flat-profile>
<Connection_Type>Static IP</Connection_Type><Static_IP>{PHONE[4]}</Static_IP>
<NetMask>255.255.255.0</NetMask><Primary_DNS>{DNS}</Primary_DNS>
<Proxy_1_>{DOMAIN}</Proxy_1_><User_ID_1_>1001</User_ID_1_><Password_1_>pw1001</Password_1_>
<SIP_Transport_1_>TCP</SIP_Transport_1_>
<Proxy_2_>{THIRD}</Proxy_2_><User_ID_2_>1002</User_ID_2_><Password_2_>pw1002</Password_2_>
</flat-profile>"""


@pytest.fixture
def lines(wire: Wire, provider: Provider, tmp_path: Path) -> Iterator[RunningPhone]:
    """Return a whole phone with a line at a name and another one at an address."""
    provider.zone(f"host-record={DOMAIN},{FIRST}")
    first, third = provider.registrar(FIRST), provider.registrar(THIRD)
    (tmp_path / "cfg.xml").write_text(LINES)
    words = ("--interface", "eth0", "--config", str(tmp_path / "cfg.xml"))
    started = RunningPhone(tmp_path / "state", wire[0], *words)
    first.until(lambda: "1001" in first.contacts())
    third.until(lambda: "1002" in third.contacts())
    yield started
    started.stop()


def never_limited(space: Namespace) -> set[str]:
    """Return whom the kernel never takes for a stranger."""
    shown = space.run("nft", "-j", "list", "set", "inet", "ringfence", "peers4").stdout
    (found,) = [entry["set"] for entry in json.loads(shown)["nftables"] if "set" in entry]
    return set(found.get("elem", ()))


def test_who_is_never_a_stranger_follows_dns_and_the_lines_there_are(
    lines: RunningPhone, wire: Wire, provider: Provider
) -> None:
    def told(*servers: str) -> None:
        words = ", ".join(servers) or "nobody yet"
        lines.until(
            lambda status: (
                ["Heard Through a Flood", words] in status["features"]["firewall"]["rows"]
            )
        )
        assert never_limited(wire[0]) == set(servers)

    told(FIRST, THIRD)
    provider.zone(f"host-record={DOMAIN},{SECOND}")
    second = provider.registrar(SECOND)
    provider.registrars[0].stop()
    second.until(lambda: "1001" in second.contacts())
    told(SECOND, THIRD)
    for change, servers in (("Line_Enable_1_=No", [THIRD]), ("Proxy_2_=", [])):
        assert ringfence("phone", "set", "--state", str(lines.state), change).returncode == 0
        told(*servers)
