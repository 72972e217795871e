"""The life of an address: wire, renewal, restarts, servers that lie, static addresses."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ringfence.features.dhcp import commands
from ringfence.protocols.dhcp import Lease, client
from ringfence.runtime import host_address
from ringfence.runtime.state import Health
from tests.support.dhcp_fixtures import (
    Start,
    Watch,
    Wire,
    dnsmasq,
    get_lease,
    liar,
    state,
    watch,
    wire,
)
from tests.support.lease import (
    RANGE,
    Liar,
    addressed,
    kernel_addresses,
    kernel_routes,
)

__all__ = ["dnsmasq", "liar", "state", "watch", "wire"]


def test_an_interface_that_is_down_is_brought_up(wire: Wire, dnsmasq: Start, state: Path) -> None:
    dnsmasq(RANGE)
    wire.phone.run("ip", "link", "set", "eth0", "down")
    lease = get_lease(wire.phone, state)
    assert kernel_addresses(wire.phone) == [f"{lease.address}/24"]


def test_an_interface_that_falls_later_comes_back_with_its_route(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    dnsmasq(RANGE)

    async def scenario() -> None:
        async with addressed(state) as phone:
            await phone.bound()
            wire.phone.run("ip", "link", "set", "eth0", "down")
            await phone.until(lambda: sum("dhcp.bound" in line for line in phone.log) == 2)

    wire.phone.call(scenario)
    assert kernel_routes(wire.phone) == [("default", "10.99.1.1")]


def test_a_wire_that_is_plugged_in_late_is_asked_at_once(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    dnsmasq(RANGE)
    wire.server.run("ip", "link", "set", "eth0", "down")

    async def scenario() -> bool:
        async with addressed(state) as phone:
            await phone.until(phone.logged("dhcp.sent: Selecting"))
            wire.server.run("ip", "link", "set", "eth0", "up")
            await phone.bound()
            return phone.logged("dhcp.unanswered")()

    assert wire.phone.call(scenario) is False


def test_a_phone_that_is_plugged_into_another_network_gets_an_address_there(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    first = dnsmasq(RANGE)

    async def scenario() -> tuple[Lease, Lease]:
        async with addressed(state) as phone:
            here = await phone.bound()
            move_server()
            await phone.until(lambda: phone.lease and phone.lease != here)
            return here, await phone.bound()

    def move_server() -> None:
        wire.server.run("ip", "link", "set", "eth0", "down")
        os.kill(first.process.pid, signal.SIGKILL)
        first.leases.unlink()
        wire.server.run("ip", "addr", "flush", "dev", "eth0")
        wire.server.address("eth0", "10.99.7.1/24")
        dnsmasq("dhcp-range=10.99.7.100,10.99.7.150,255.255.255.0,2m", "dhcp-authoritative")

    here, there = wire.phone.call(scenario)
    assert (here.server, there.server) == ("10.99.1.1", "10.99.7.1")
    assert kernel_addresses(wire.phone) == [f"{there.address}/24"]
    assert kernel_routes(wire.phone) == [("default", "10.99.7.1")]


def test_renewal_at_t1_is_unicast_and_brings_changed_options(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    server = dnsmasq(RANGE, "dhcp-option=option:T1,3")
    server.offer('66,"first.test"')

    async def scenario() -> list[bytes]:
        async with addressed(state) as phone:
            first = await phone.bound()
            server.offer('66,"second.test"')
            await phone.until(lambda: phone.lease != first)
            second = await phone.bound()
        return [lease.options[66] for lease in (first, second)]

    assert wire.phone.call(scenario) == [b"first.test\0", b"second.test\0"]
    log = server.wait_for("DHCPACK", 2)
    assert log.count("DHCPDISCOVER") == 1
    assert len(kernel_addresses(wire.phone)) == 1


def test_a_restarted_phone_keeps_its_address_even_without_a_server(
    wire: Wire, dnsmasq: Start, watch: Callable[[], Watch], state: Path
) -> None:
    server = dnsmasq(RANGE)
    first = get_lease(wire.phone, state)
    server.stop()

    async def scenario() -> tuple[Lease, Health, bool]:
        async with addressed(state) as phone:
            lease = await phone.bound()
            return lease, phone.status().health, phone.logged("dhcp.adopted")()

    changes = watch()
    assert wire.phone.call(scenario) == (first, Health.RUNNING, True)
    assert changes.of_eth0() == b""


def test_a_restarted_phone_asks_its_server_at_once_and_learns_what_changed(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    server = dnsmasq(RANGE)
    server.offer('66,"first.test"')
    first = get_lease(wire.phone, state)
    server.offer('66,"second.test"')

    async def scenario() -> Lease:
        async with addressed(state) as phone:
            await phone.until(phone.logged("dhcp.bound"))
            return await phone.bound()

    second = wire.phone.call(scenario)
    assert second.address == first.address
    assert second.options[66] == b"second.test\0"
    assert server.wait_for("DHCPACK", 2).count("DHCPDISCOVER") == 1


def test_a_refused_renewal_ends_the_lease_and_a_new_one_replaces_it(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    before = dnsmasq(RANGE)
    first = get_lease(wire.phone, state)
    before.stop()
    before.leases.unlink()
    dnsmasq("dhcp-range=10.99.1.200,10.99.1.210,255.255.255.0,2m", "dhcp-authoritative")

    async def scenario() -> tuple[Lease, bool]:
        async with addressed(state) as phone:
            await phone.until(phone.logged("dhcp.bound"))
            return await phone.bound(), phone.logged("refused to renew")()

    second, refused = wire.phone.call(scenario)
    assert refused
    assert second.address != first.address
    assert kernel_addresses(wire.phone) == [f"{second.address}/24"]


REFUSALS = {
    "overrun": "option 160 claims 255 bytes, 11 are left",
    "cut": "option 66 is cut off",
    "overload": "option 52 is neither 1, 2 nor 3",
    "no-cookie": "no DHCP message",
    "no-server": "no option 54",
    "no-lease": "a lease of 0 s",
    "no-mask": "no option 1",
    "odd-mask": "option 1: 255.0.255.0 is not a subnet mask",
    "wide-mask": "option 1: a network of the size of 0.0.0.0",
    "multicast": "224.0.0.1/24 is not the address of a host",
}


def test_malformed_offers_are_refused_with_a_reason_and_the_good_server_wins(
    wire: Wire, dnsmasq: Start, liar: Callable[..., Liar], state: Path
) -> None:
    dnsmasq(RANGE, "dhcp-reply-delay=1")
    silent = ("other-transaction", "other-phone", "bad-sum", "fragment")
    liar(",".join((*REFUSALS, *silent)))

    async def scenario() -> tuple[Lease, list[str]]:
        async with addressed(state) as phone:
            lease = await phone.bound()
            return lease, [line for line in phone.log if "dhcp.refused" in line]

    lease, refused = wire.phone.call(scenario)
    assert lease.server == "10.99.1.1"
    assert refused == [f"dhcp.refused: {why} (from 10.99.1.66)" for why in REFUSALS.values()]


def test_a_server_that_takes_its_offer_back_loses_to_the_good_one(
    wire: Wire, dnsmasq: Start, liar: Callable[..., Liar], state: Path
) -> None:
    dnsmasq(RANGE, "dhcp-reply-delay=1")
    liar("good", "nak")
    assert get_lease(wire.phone, state).server == "10.99.1.1"


def test_an_expired_lease_leaves_interface_and_facts(
    wire: Wire, liar: Callable[..., Liar], state: Path, component: list[str]
) -> None:
    component.append("own-peer")
    server = liar("good", "short")

    async def scenario() -> list[str]:
        async with addressed(state) as phone:
            await phone.bound()
            server.process.kill()
            await phone.until(lambda: phone.lease is None)
            await phone.until(lambda: not kernel_addresses(wire.phone))
            return [line for line in phone.log if "dhcp.lost" in line]

    assert wire.phone.call(scenario) == ["dhcp.lost: it expired"]
    assert kernel_routes(wire.phone) == []


def test_the_kernel_ends_a_lease_that_nobody_is_left_to_renew(
    wire: Wire,
    liar: Callable[..., Liar],
    watch: Callable[[], Watch],
    state: Path,
    component: list[str],
) -> None:
    component.append("own-peer")
    liar("good", "short")
    changes = watch()
    get_lease(wire.phone, state)
    changes.until(b"valid_lft 0sec")
    assert b"Deleted" in changes.of_eth0().splitlines()[-1]
    assert kernel_addresses(wire.phone) == []
    assert kernel_routes(wire.phone) == []


def test_a_phone_that_boots_before_its_server_gets_its_lease_when_it_comes(
    wire: Wire, dnsmasq: Start, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY", 1.1)

    async def scenario() -> tuple[Lease, Health]:
        async with addressed(state) as phone:
            await phone.until(phone.logged("dhcp.unanswered"))
            health = phone.status().health
            dnsmasq(RANGE)
            return await phone.bound(), health

    lease, health = wire.phone.call(scenario)
    assert lease.server == "10.99.1.1"
    assert health is Health.PENDING


def test_a_static_address_and_its_router_are_in_force_without_a_server(
    wire: Wire, state: Path, component: list[str]
) -> None:
    component.append("iproute2")
    lease = get_lease(
        wire.phone,
        state,
        Connection_Type="Static IP",
        Static_IP="10.99.1.7",
        NetMask="255.255.255.0",
        Gateway="10.99.1.1",
    )
    assert (lease.address, lease.prefix, lease.routers) == ("10.99.1.7", 24, ("10.99.1.1",))
    assert kernel_addresses(wire.phone) == ["10.99.1.7/24"]
    assert kernel_routes(wire.phone) == [("default", "10.99.1.1")]


def test_a_static_address_makes_way_for_a_lease(wire: Wire, dnsmasq: Start, state: Path) -> None:
    dnsmasq(RANGE)
    get_lease(
        wire.phone,
        state,
        Connection_Type="Static IP",
        Static_IP="10.99.1.7",
        NetMask="255.255.255.0",
    )
    lease = get_lease(wire.phone, state)
    assert kernel_addresses(wire.phone) == [f"{lease.address}/24"]


@pytest.mark.parametrize("promote", ["0", "1"])
def test_a_changed_address_of_the_same_network_replaces_the_old_one(
    wire: Wire, promote: str, component: list[str]
) -> None:
    component.append("iproute2")
    phone = wire.phone
    phone.run("sysctl", "-w", f"net.ipv4.conf.eth0.promote_secondaries={promote}")
    old = Lease("10.99.1.100", 24, "10.99.1.1", routers=("10.99.1.1",))
    new = Lease("10.99.1.101", 24, "10.99.1.1", routers=("10.99.1.1",))
    phone.call(host_address.change, "eth0", commands.hold(old, 60))
    phone.call(host_address.change, "eth0", commands.hold(new, 60, old.address))
    assert kernel_addresses(phone) == ["10.99.1.101/24"]
    assert kernel_routes(phone) == [("default", "10.99.1.1")]
