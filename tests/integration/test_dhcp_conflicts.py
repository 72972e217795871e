"""Addresses that somebody else has, and leases that are given back."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from ringfence.lab.namespaces import Namespace, link
from tests.support.dhcp_fixtures import STATIC, Start, Wire, dnsmasq, get_lease, state, wire
from tests.support.lease import (
    RANGE,
    Dnsmasq,
    addressed,
    kernel_addresses,
    starting,
)

__all__ = ["dnsmasq", "state", "wire"]


class Shared(NamedTuple):
    phone: Namespace
    server: Namespace
    other: Namespace
    """Somebody else on the phone's wire, without an address yet."""


@pytest.fixture
def shared(namespaces: Callable[[str], Namespace]) -> Shared:
    """Return a phone, a server at 10.99.1.1 and somebody else at one switch."""
    made = Shared(namespaces("phone"), namespaces("server"), namespaces("other"))
    link(made.phone, "eth0", made.server, "p0")
    link(made.other, "eth0", made.server, "p1")
    made.server.run("ip", "link", "add", "eth0", "type", "bridge", "mcast_snooping", "0")
    for port in ("p0", "p1"):
        made.server.run("ip", "link", "set", port, "master", "eth0")
    made.server.run("ip", "link", "set", "eth0", "up")
    made.server.address("eth0", "10.99.1.1/24")
    return made


@pytest.fixture
def lender(shared: Shared, tmp_path: Path, component: list[str]) -> Iterator[Start]:
    out = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True, check=True)
    component.append("dnsmasq " + out.stdout.split()[2])
    with starting(lambda *lines: Dnsmasq(shared.server, tmp_path, *lines)) as start:
        yield start


def test_an_address_that_somebody_has_is_declined_at_the_server(
    shared: Shared, lender: Start, state: Path
) -> None:
    server = lender(RANGE)
    taken = get_lease(shared.phone, state).address  # what this server lends to this phone
    shared.phone.run("ip", "addr", "flush", "dev", "eth0")
    (state / "address.json").unlink()
    shared.other.address("eth0", f"{taken}/24")

    async def scenario() -> tuple[str, ...]:
        async with addressed(state) as phone:
            first = await phone.bound()
            await phone.until(phone.logged("dhcp.lost: "))
            return first.address, *phone.log

    address, *log = shared.phone.call(scenario)
    assert address == taken
    (lost,) = [line for line in log if "dhcp.lost" in line]
    hardware = json.loads(shared.other.run("ip", "-json", "link", "show", "eth0").stdout)
    assert lost == f"dhcp.lost: {hardware[0]['address']} has the address"
    server.wait_for("DHCPDECLINE")
    assert kernel_addresses(shared.phone) == []


def test_a_static_address_that_somebody_has_is_kept_and_told(shared: Shared, state: Path) -> None:
    shared.other.address("eth0", "10.99.1.77/24")

    async def scenario() -> list[str]:
        async with addressed(state, known=None, **STATIC) as phone:
            await phone.until(phone.logged("dhcp.contested"))
            return [text for label, text in phone.status().rows if label == "Address Conflict"]

    hardware = json.loads(shared.other.run("ip", "-json", "link", "show", "eth0").stdout)
    said = f"{hardware[0]['address']} uses 10.99.1.77, too"
    assert shared.phone.call(scenario) == [said]
    assert kernel_addresses(shared.phone) == ["10.99.1.77/24"]


def test_a_phone_that_moves_to_its_voice_vlan_gives_the_lease_back(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    link(wire.phone, "voice0", wire.server, "eth1")
    server = dnsmasq(RANGE)

    async def scenario() -> str:
        async with addressed(state) as phone:
            lease = await phone.bound()
            phone.facts = replace(phone.facts, voice_interface="voice0")
            await phone.start()
            await phone.until(phone.logged("dhcp.sent: Selecting"))
            return lease.address

    address = wire.phone.call(scenario)
    assert f"DHCPRELEASE(eth0) {address}" in server.wait_for("DHCPRELEASE")
    assert kernel_addresses(wire.phone) == []
    assert address not in server.leases.read_text()


@pytest.mark.parametrize("texts", [{"IP_Mode": "IPv6 Only"}, STATIC])
def test_a_phone_that_has_no_use_for_its_lease_gives_it_back(
    wire: Wire, dnsmasq: Start, state: Path, texts: dict[str, str]
) -> None:
    server = dnsmasq(RANGE)

    async def scenario() -> str:
        async with addressed(state) as phone:
            lease = await phone.bound()
            wire.phone.run("ip", "neigh", "flush", "dev", "eth0")  # the server must be found first
            await phone.change(**texts)
            return lease.address

    address = wire.phone.call(scenario)
    assert f"DHCPRELEASE(eth0) {address}" in server.wait_for("DHCPRELEASE")
    assert kernel_addresses(wire.phone) == (
        [f"{STATIC['Static_IP']}/24"] if texts == STATIC else []
    )


@pytest.mark.parametrize("leaving", [True, False])
def test_only_a_phone_that_stops_for_good_gives_its_lease_back(
    wire: Wire, dnsmasq: Start, state: Path, leaving: bool
) -> None:
    server = dnsmasq(RANGE)

    async def scenario() -> str:
        async with addressed(state) as phone:
            phone.leaves = leaving
            return (await phone.bound()).address

    address = wire.phone.call(scenario)
    if leaving:
        server.wait_for("DHCPRELEASE")
        assert kernel_addresses(wire.phone) == []
    else:
        assert kernel_addresses(wire.phone) == [f"{address}/24"]
        server.stop()
        assert not server.logged("DHCPRELEASE")
