"""The IPv6 feature against Kea and radvd, dnsmasq, and beside servers that lie."""

import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ringfence.features.ipv6 import FEATURE, driver
from ringfence.features.ipv6.plan import Ipv6Plan
from ringfence.lab.namespaces import Namespace, link
from ringfence.protocols.dhcpv6 import Lease6, lease
from ringfence.runtime.egress_dns import lookup
from tests.support.lease import Addressed, Server, addressed, starting
from tests.support.lease6 import SERVER, Kea6, Radvd, addresses6, vendor_options

MAC = "02:00:00:00:aa:01"
PORT, BRIDGE = "eth0", "br0"
FORMED = "fd00:99:1:0:0:ff:fe00:aa01"
"""What that hardware forms. Source: RFC 4291 appendix A."""
RAPID = {"rapid-commit": True}
URL = "https://prov6.tele.test/$MA.xml"


class Wire(NamedTuple):
    phone: Namespace
    server: Namespace
    interface: str


@pytest.fixture
def wire(
    namespaces: Callable[[str], Namespace],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Wire:
    """Return a phone without a global address and a server at fd00:99:1::1, on one wire.

    With `br0` as its parameter a computer hangs behind the phone, and keeps its bridge awake.
    """
    interface = getattr(request, "param", PORT)
    bridged = interface == BRIDGE
    monkeypatch.setattr(driver, "HEAD_START", 0.0)  # here is no IPv4 that could go first
    made = Wire(namespaces("phone"), namespaces("server"), interface)
    for space in made[:2]:  # a second less for each test; one of them looks for duplicates
        space.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0")
    link(made.phone, "net" if bridged else PORT, made.server, PORT)
    if bridged:
        made.phone.run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        link(made.phone, "pcp", namespaces("pc"), PORT)
        for port in ("net", "pcp"):
            made.phone.run("ip", "link", "set", port, "master", BRIDGE)
    made.phone.run("ip", "link", "set", interface, "down", "address", MAC)
    made.phone.run("ip", "link", "set", interface, "up")
    made.server.address("eth0", f"{SERVER}/64")
    return made


@pytest.fixture
def radvd(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Radvd]]:
    out = subprocess.run(["radvd", "-v"], capture_output=True, text=True, check=False)
    component.append("radvd " + (out.stdout + out.stderr).split()[1])
    with starting(lambda **flags: Radvd(wire.server, tmp_path, **flags)) as start:
        yield start


@pytest.fixture
def kea(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Kea6]]:
    out = subprocess.run(["kea-dhcp6", "-v"], capture_output=True, text=True, check=True)
    component.append("Kea " + out.stdout.strip())
    with starting(
        lambda *options, **subnet: Kea6(wire.server, tmp_path, list(options), **subnet)
    ) as start:
        yield start


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


async def informed(phone: Addressed) -> Lease6:
    """Return what the phone knows once a server answered and it has an address."""
    await phone.until(
        lambda: phone.facts.lease6 and phone.facts.lease6.address and phone.facts.lease6.server
    )
    assert phone.facts.lease6
    return phone.facts.lease6


class Seen(NamedTuple):
    lease: Lease6
    rows: dict[str, str]
    data: dict[str, Any]
    log: list[str]


def get(space: Namespace, state: Path, **texts: str) -> Seen:
    """Return what a phone with these parameters knows and shows."""

    async def scenario() -> Seen:
        async with addressed(state, FEATURE, known=None, **texts) as phone:
            told = await informed(phone)
            status = phone.status()
            data: Any = status.data["lease"]
            return Seen(told, dict(status.rows), data, phone.log)

    seen: Seen = space.call(scenario)
    return seen


OFFERED = (
    *vendor_options(9, IPv6Address("fd00:99:1::9").packed * 2),
    {"code": 160, "data": URL},
    {"code": 159, "data": "prov159.tele.test"},
)


@pytest.mark.proves("DHC-02")
@pytest.mark.parametrize(
    ("removed", "order", "winner", "text"),
    [
        (0, "17,160,159", "DHCPv6 option 17", "[fd00:99:1::9]"),
        (2, "17,160,159", "DHCPv6 option 160", URL),
        (3, "17,160,159", "DHCPv6 option 159", "prov159.tele.test"),
        (0, "159,17", "DHCPv6 option 159", "prov159.tele.test"),
    ],
)
def test_the_first_option_of_the_order_that_kea_offers_names_the_source(
    wire: Wire,
    radvd: Callable[..., Radvd],
    kea: Callable[..., Kea6],
    state: Path,
    removed: int,
    order: str,
    winner: str,
    text: str,
) -> None:
    radvd(managed=True)
    server = kea(*OFFERED[removed:], **RAPID)
    texts = {} if order == "17,160,159" else {"DHCPv6_Option_To_Use": order}
    seen = get(wire.phone, state, **texts)
    source = seen.data["profile_source"]
    assert (source["named_by"], source["text"]) == (winner, text)
    assert seen.rows["Profile Source"] == f"{winner}: {text}"
    assert list(addresses6(wire.phone)) == [f"{seen.lease.address}/128"]
    assert seen.lease.address in server.wait_for("DHCP6_LEASE_ALLOC")


@pytest.mark.proves("DHC-02", "DHC-04")
def test_an_address_a_domain_dns_and_time_servers_come_from_kea(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(managed=True)
    address_and_name = b"\x00\x01\x00\x10" + IPv6Address("fd00:99:1::4").packed
    address_and_name += b"\x00\x03\x00\x0f\x03ntp\x04tele\x04test\x00"
    server = kea(
        {"name": "dns-servers", "data": "fd00:99:1::2, fd00:99:1::3"},
        {"name": "domain-search", "data": "tele.test"},
        {"code": 56, "csv-format": False, "data": address_and_name.hex()},
    )
    seen = get(wire.phone, state)
    assert "DHCP6_PACKET_RECEIVED" in server.wait_for("REQUEST")
    assert seen.lease.resolvers == ("fd00:99:1::2", "fd00:99:1::3")
    assert seen.lease.domain == "tele.test"
    assert seen.lease.ntp == ("fd00:99:1::4", "ntp.tele.test")
    assert seen.rows["NTP Servers"] == "fd00:99:1::4, ntp.tele.test (DHCPv6 option 56)"
    assert seen.rows["Router Advertisement"] == "DHCPv6 for addresses"
    assert seen.rows["Current Gateway"].startswith("fe80::")
    assert seen.rows["State"] == "Bound"
    (held,) = addresses6(wire.phone).values()
    assert 7000 < held["valid_life_time"] <= 7200


@pytest.mark.proves("DHC-02")
def test_where_addresses_are_formed_kea_only_tells_the_rest(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(other=True, formed=True)
    server = kea({"code": 160, "data": URL})
    seen = get(wire.phone, state)
    assert seen.lease.address == str(IPv6Address(FORMED))
    assert (seen.lease.prefix, seen.rows["State"]) == (64, "Informed")
    assert seen.data["profile_source"]["text"] == URL
    log = server.wait_for("INFORMATION_REQUEST")
    assert "DHCP6_LEASE_ALLOC" not in log


@pytest.mark.proves("DHC-02")
def test_kea_knows_the_phone_by_its_model_and_names_its_acs(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(managed=True)
    acs = (b"http://acs6.tele.test:7547/acs", b"north.6", b"30", b"2000")
    kea(*vendor_options(3561, *acs), **RAPID, **{"client-class": "VENDOR_CLASS_CP-8841-3PCC"})
    seen = get(wire.phone, state)
    assert seen.data["acs"] == {
        "url": "http://acs6.tele.test:7547/acs",
        "named_by": "DHCPv6 option 17",
        "provisioning_code": "north.6",
        "retry_wait": 30,
        "retry_multiplier": 2000,
    }
    assert seen.data["profile_source"]["option"] is None


def test_a_wire_without_a_router_is_asked_nothing_and_costs_nothing(
    wire: Wire, kea: Callable[..., Kea6], state: Path
) -> None:
    server = kea({"code": 160, "data": URL})

    async def scenario() -> tuple[Lease6 | None, str]:
        async with addressed(state, FEATURE) as phone:
            await phone.until(lambda: phone.driver.status().rows)
            wire.phone.run("ip", "addr", "add", "fd00:99:1::7/64", "dev", "eth0", "nodad")
            await phone.until(
                lambda: "fd00:99:1::7" in dict(phone.status().rows).get("Other Addresses", "")
            )
            return phone.facts.lease6, dict(phone.status().rows).get("State", "")

    assert wire.phone.call(scenario) == (None, "")
    assert server.logged("SOLICIT") == 0


def test_dns_servers_of_a_router_are_taken_as_the_kernel_tells_them(
    wire: Wire, radvd: Callable[..., Radvd], state: Path
) -> None:
    radvd(formed=True, more="RDNSS fd00:99:1::53 fe80::53 { AdvRDNSSLifetime 60; };")

    async def scenario() -> Lease6 | None:
        async with addressed(state, FEATURE) as phone:
            await phone.until(lambda: phone.facts.lease6 and phone.facts.lease6.resolvers)
            await phone.until(lambda: phone.facts.lease6 and phone.facts.lease6.address)
            return phone.facts.lease6

    told = wire.phone.call(scenario)
    index = wire.phone.run("ip", "-o", "link", "show", "eth0").stdout.split(":")[0]
    assert told.address == str(IPv6Address(FORMED))
    assert told.resolvers == ("fd00:99:1::53", f"fe80::53%{index}")


def test_without_auto_config_no_address_is_formed_and_kea_lends_one_all_the_same(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(formed=True)
    kea({"code": 160, "data": URL}, **RAPID)
    seen = get(wire.phone, state, Auto_Config="Disabled")
    assert list(addresses6(wire.phone)) == [f"{seen.lease.address}/128"]
    autoconf = wire.phone.run("sysctl", "-n", "net.ipv6.conf.eth0.autoconf").stdout.strip()
    assert autoconf == "0"


def test_an_address_that_somebody_has_is_declined_and_another_one_taken(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    wire.phone.run("sysctl", "-q", "-w", "net.ipv6.conf.eth0.accept_dad=1")
    wire.server.address("eth0", "fd00:99:1::100/64")
    radvd(managed=True)
    own = {"duid": "00:03:00:01:" + MAC, "ip-addresses": ["fd00:99:1::100"]}
    server = kea(reservations=[own], pools=[{"pool": "fd00:99:1::101/128"}], **RAPID)
    seen = get(wire.phone, state)
    assert seen.lease.address == "fd00:99:1::101"
    assert "ipv6.lost: somebody else has the address" in seen.log
    assert "fd00:99:1::100" in server.wait_for("DHCP6_DECLINE_LEASE")


def test_renewal_at_t1_goes_on_with_the_same_address(
    wire: Wire,
    radvd: Callable[..., Radvd],
    kea: Callable[..., Kea6],
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "SHORTEST_RENEWAL", 1.0)
    radvd(managed=True)
    times = {"renew-timer": 1, "rebind-timer": 60, "preferred-lifetime": 90, "valid-lifetime": 120}
    server = kea(**RAPID, **times)

    async def scenario() -> None:
        async with addressed(state, FEATURE) as phone:
            await informed(phone)
            await phone.until(lambda: sum("ipv6.bound" in line for line in phone.log) == 2)

    wire.phone.call(scenario)
    server.wait_for("RENEW (type 5) received")
    assert server.logged("DHCP6_LEASE_ALLOC") == 1
    assert len(addresses6(wire.phone)) == 1


@pytest.mark.parametrize("wire", [PORT, BRIDGE], indirect=True)
def test_a_phone_that_is_plugged_into_another_network_gets_an_address_there(
    wire: Wire,
    radvd: Callable[..., Radvd],
    kea: Callable[..., Kea6],
    state: Path,
    tmp_path: Path,
) -> None:
    router, first = radvd(managed=True), kea(**RAPID)

    def move() -> None:
        wire.server.run("ip", "link", "set", "eth0", "down")
        for server in (first, router):
            os.kill(server.process.pid, signal.SIGKILL)
        (tmp_path / "kea6.kea-dhcp6.pid").unlink()
        wire.server.run("ip", "link", "set", "eth0", "up")
        wire.server.run("ip", "addr", "flush", "dev", "eth0", "scope", "global")
        wire.server.address("eth0", "fd00:99:7::1/64")
        kea(subnet="fd00:99:7::/64", pools=[{"pool": "fd00:99:7::100/120"}], **RAPID)

    async def scenario() -> str:
        async with addressed(state, FEATURE) as phone:
            before = await informed(phone)
            move()
            await phone.until(phone.logged("ipv6.lost: it is not of this link"))
            await phone.until(
                lambda: (
                    phone.facts.lease6 and phone.facts.lease6.address not in ("", before.address)
                )
            )
            return (await informed(phone)).address

    address = wire.phone.call(scenario)
    assert IPv6Address(address) in IPv6Network("fd00:99:7::/64")
    assert list(addresses6(wire.phone, wire.interface)) == [f"{address}/128"]


def test_noise_at_the_clients_port_changes_nothing(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    index = wire.server.run("ip", "-o", "link", "show", "eth0").stdout.split(":")[0]

    def throw() -> None:
        dice = random.Random(546)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as noisy:
            for size in range(1400):
                kind = bytes((dice.choice((2, 7, dice.randrange(256))),))
                target = ("fe80::ff:fe00:aa01", 546, 0, int(index))
                noisy.sendto(kind + dice.randbytes(size), target)

    radvd(managed=True)

    async def scenario() -> tuple[str, str]:
        async with addressed(state, FEATURE) as phone:
            await phone.until(phone.logged("ipv6.sent: Soliciting"))
            wire.server.call(throw)
            kea(**RAPID)
            told = await informed(phone)
            return told.address, phone.status().health.value

    address, health = wire.phone.call(scenario)
    assert address in ("fd00:99:1::100", *(f"fd00:99:1::{n:x}" for n in range(0x100, 0x200)))
    assert health == "Running"


def test_a_restarted_phone_keeps_its_address_and_asks_whether_it_holds(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(managed=True)
    server = kea(**RAPID)
    first = get(wire.phone, state).lease

    async def scenario() -> tuple[Lease6, list[str]]:
        async with addressed(state, FEATURE) as phone:
            told = await informed(phone)
            await phone.until(lambda: dict(phone.status().rows)["State"] == "Bound")
            return told, phone.log

    second, log = wire.phone.call(scenario)
    assert second.address == first.address
    assert f"ipv6.adopted: {first.address}" in log
    server.wait_for("CONFIRM")
    assert server.logged("DHCP6_LEASE_ALLOC") == 1


def test_a_static_address_and_its_router_are_in_force_without_a_server(
    wire: Wire, state: Path, component: list[str]
) -> None:
    component.append("iproute2")
    static = {"IPv6_Connection_Type": "Static IP", "IPv6_Static_IP": "fd00:99:1::7"}
    more = {"Prefix_Length": "64", "IPv6_Gateway": SERVER}

    async def scenario(**texts: str) -> str:
        async with addressed(state, FEATURE, known=None, **texts) as phone:
            await phone.until(lambda: phone.facts.lease6 and phone.facts.lease6.address)
            assert phone.facts.lease6
            return phone.facts.lease6.address

    def boot(**texts: str) -> str:
        async def run() -> str:
            return await scenario(**texts)

        address: str = wire.phone.call(run)
        return address

    assert boot(**static, **more) == "fd00:99:1::7"
    assert list(addresses6(wire.phone)) == ["fd00:99:1::7/64"]
    routes = wire.phone.run("ip", "-6", "route", "show", "default").stdout
    assert f"via {SERVER} dev eth0" in routes
    assert boot(**{**static, **more, "IPv6_Static_IP": "fd00:99:1::8"}) == "fd00:99:1::8"
    assert list(addresses6(wire.phone)) == ["fd00:99:1::8/64"]


@pytest.mark.parametrize("static", [False, True])
def test_an_interface_that_falls_comes_back_with_its_address(
    wire: Wire,
    radvd: Callable[..., Radvd],
    kea: Callable[..., Kea6],
    state: Path,
    static: bool,
) -> None:
    radvd(managed=True)
    kea(**RAPID)
    texts = {"IPv6_Connection_Type": "Static IP", "IPv6_Static_IP": "fd00:99:1::7"}
    texts |= {"Prefix_Length": "64", "IPv6_Gateway": SERVER}

    async def scenario() -> tuple[str, str]:
        async with addressed(state, FEATURE, known=None, **(texts if static else {})) as phone:
            await phone.until(lambda: phone.facts.lease6 and phone.facts.lease6.address)
            first = phone.facts.lease6
            wire.phone.run("ip", "link", "set", "eth0", "down")
            await phone.until(lambda: not (phone.facts.lease6 and phone.facts.lease6.address))
            await phone.until(lambda: phone.facts.lease6 and phone.facts.lease6.address)
            assert first
            assert phone.facts.lease6
            return first.address, phone.facts.lease6.address

    first, second = wire.phone.call(scenario)
    assert first == second
    assert list(addresses6(wire.phone)) == [f"{first}/{64 if static else 128}"]


def test_with_ipv4_only_the_interface_has_no_ipv6_and_with_both_it_comes_back(
    wire: Wire, radvd: Callable[..., Radvd], state: Path
) -> None:
    radvd(formed=True)

    def addresses() -> str:
        return wire.phone.run("ip", "-6", "-o", "addr", "show", "dev", "eth0").stdout

    async def without() -> None:
        async with addressed(state, FEATURE, IP_Mode="IPv4 Only") as phone:
            assert "fe80::" in addresses()
            await phone.until(phone.logged("ipv6.unused"))
            assert addresses() == ""
            assert phone.facts.lease6 is None

    async def both() -> str:
        async with addressed(state, FEATURE) as phone:
            await phone.until(lambda: phone.facts.lease6 and phone.facts.lease6.address)
            return phone.facts.lease6.address if phone.facts.lease6 else ""

    wire.phone.call(without)
    assert addresses() == ""
    assert wire.phone.call(both) == str(IPv6Address(FORMED))


def test_a_lease_that_nobody_has_a_use_for_is_given_back(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(managed=True)
    server = kea(**RAPID)

    async def scenario() -> str:
        async with addressed(state, FEATURE) as phone:
            told = await informed(phone)
            await phone.driver.apply("", Ipv6Plan("eth0", "CP-8841-3PCC", forms=False, used=False))
            await phone.until(phone.logged("ipv6.unused"))
            assert phone.facts.lease6 is None
            return told.address

    address = wire.phone.call(scenario)
    assert address in server.wait_for("DHCP6_RELEASE_NA ")
    assert addresses6(wire.phone) == {}


def test_a_phone_that_stops_for_good_gives_its_address_back(
    wire: Wire, radvd: Callable[..., Radvd], kea: Callable[..., Kea6], state: Path
) -> None:
    radvd(managed=True)
    server = kea(**RAPID)

    async def scenario() -> str:
        async with addressed(state, FEATURE) as phone:
            phone.leaves = True
            return (await informed(phone)).address

    address = wire.phone.call(scenario)
    assert address in server.wait_for("DHCP6_RELEASE_NA ")
    assert address not in addresses6(wire.phone)


def test_a_dns_server_of_the_link_alone_is_asked(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    out = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True, check=True)
    component.append("dnsmasq " + out.stdout.split()[2])
    words = (
        "-d",
        "-C",
        "/dev/null",
        "--no-resolv",
        "--user=root",
        "--pid-file=",
        "--log-facility=-",
    )
    server = Server(wire.server, tmp_path, "dnsmasq", *words, "--host-record=pv.test,192.0.2.7")
    shown = wire.server.run("ip", "-6", "-o", "addr", "show", "eth0", "scope", "link").stdout
    local = shown.split()[3].partition("/")[0]

    async def scenario() -> tuple[str, ...]:
        zone = socket.if_nametoindex("eth0")
        return await lookup("pv.test", (f"{local}%{zone}",), ("A",))

    try:
        server.wait_for("started")
        assert wire.phone.call(scenario) == ("192.0.2.7",)
    finally:
        server.stop()
