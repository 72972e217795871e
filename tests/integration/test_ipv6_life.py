"""What becomes of an IPv6 address: declined, renewed, moved, restarted, given back."""

import os
import random
import signal
import socket
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from ringfence.features.ipv6 import FEATURE
from ringfence.features.ipv6.plan import Ipv6Plan
from ringfence.protocols.dhcpv6 import Lease6, lease
from tests.support.ipv6_fixtures import (
    BRIDGE,
    FORMED,
    MAC,
    PORT,
    RAPID,
    Wire,
    get,
    informed,
    kea,
    radvd,
    state,
    wire,
)
from tests.support.lease import addressed
from tests.support.lease6 import SERVER, Kea6, Radvd, addresses6

__all__ = ["kea", "radvd", "state", "wire"]


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
