"""The IPv6 feature against Kea and radvd, dnsmasq, and beside servers that lie."""

import socket
import subprocess
from collections.abc import Callable
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from ringfence.features.ipv6 import FEATURE
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.runtime.egress_dns import lookup
from tests.support.ipv6_fixtures import FORMED, RAPID, URL, Wire, get, kea, radvd, state, wire
from tests.support.lease import Server, addressed
from tests.support.lease6 import SERVER, Kea6, Radvd, addresses6, vendor_options

__all__ = ["kea", "radvd", "state", "wire"]


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
