"""The address feature against dnsmasq and Kea, and beside servers that lie."""

import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from ringfence.features.dhcp import commands
from ringfence.lab.namespaces import Namespace, link
from ringfence.protocols.dhcp import Lease, ask, client
from ringfence.runtime import host_address
from ringfence.runtime.state import Health
from tests.support.lease import (
    RANGE,
    Dnsmasq,
    Kea,
    Liar,
    addressed,
    kernel_addresses,
    kernel_routes,
)

Start = Callable[..., Dnsmasq]

LONG_URL = "https://prov.tele.test/" + "long/" * 41 + "$MA.xml"
EVERY_SOURCE = (
    'dhcp-option-force=66,"tftp.tele.test"',
    'dhcp-option-force=160,"https://prov.tele.test/$MA.xml"',
    'dhcp-option-force=159,"prov159.tele.test"',
    "dhcp-option-force=150,10.99.1.10,10.99.1.11",
    'dhcp-option-force=encap:43,1,"http://acs43.tele.test:7547/acs"',
    'dhcp-option-force=vi-encap:3561,1,"http://acs125.tele.test:7547/acs"',
)

STATIC = {"Connection_Type": "Static IP", "Static_IP": "10.99.1.77", "NetMask": "255.255.255.0"}


class Wire(NamedTuple):
    phone: Namespace
    server: Namespace


@pytest.fixture
def wire(namespaces: Callable[[str], Namespace]) -> Wire:
    """Return a phone without an address and a server at 10.99.1.1, on one wire."""
    made = Wire(namespaces("phone"), namespaces("server"))
    link(made.phone, "eth0", made.server, "eth0")
    made.server.address("eth0", "10.99.1.1/24")
    return made


@pytest.fixture
def dnsmasq(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Start]:
    out = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True, check=True)
    component.append("dnsmasq " + out.stdout.split()[2])
    started: list[Dnsmasq] = []

    def start(*lines: str) -> Dnsmasq:
        started.append(Dnsmasq(wire.server, tmp_path, *lines))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def kea(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Kea]]:
    out = subprocess.run(["kea-dhcp4", "-v"], capture_output=True, text=True, check=True)
    component.append("Kea " + out.stdout.strip())
    started: list[Kea] = []

    def start(options: list[dict[str, Any]], **subnet: Any) -> Kea:
        started.append(Kea(wire.server, tmp_path, options, **subnet))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def liar(wire: Wire, tmp_path: Path) -> Iterator[Callable[..., Liar]]:
    started: list[Liar] = []

    def start(*offers: str) -> Liar:
        started.append(Liar(wire.server, tmp_path, *offers))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def get_lease(space: Namespace, state: Path, **texts: str) -> Lease:
    """Return the lease that a phone with these parameters publishes."""

    async def scenario() -> Lease:
        async with addressed(state, known=None, **texts) as phone:
            return await phone.bound()

    lease: Lease = space.call(scenario)
    return lease


class Watch:
    """Every change of an IPv4 address, as ip(8) prints them."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._process = space.popen("ip", "-4", "monitor", "address", stdout=subprocess.PIPE)
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._out = self._process.stdout
        self._seen = b""
        while not select.select([self._out], [], [], 0.05)[0]:
            self._touch()

    def _touch(self) -> None:
        self._space.run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
        self._space.run("ip", "addr", "del", "192.0.2.1/32", "dev", "lo")

    def until(self, text: bytes) -> bytes:
        """Return what was printed until `text`."""
        while text not in self._seen:
            assert select.select([self._out], [], [], 15)[0], self._seen
            self._seen += self._out.read()
        return self._seen

    def of_eth0(self) -> bytes:
        """Return every line about eth0 so far."""
        self._space.run("ip", "addr", "add", "192.0.2.2/32", "dev", "lo")
        lines = self.until(b"192.0.2.2").splitlines()
        return b"\n".join(line for line in lines if b"eth0" in line)

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def watch(wire: Wire) -> Iterator[Callable[[], Watch]]:
    started: list[Watch] = []

    def start() -> Watch:
        started.append(Watch(wire.phone))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def get_source(space: Namespace, state: Path, **texts: str) -> dict[str, Any]:
    """Return what the phone shows as the source of its profile."""

    async def scenario() -> Any:
        async with addressed(state, known=None, **texts) as phone:
            await phone.bound()
            return phone.status().data["lease"]

    lease: dict[str, dict[str, Any]] = space.call(scenario)
    return lease["profile_source"]


@pytest.mark.proves("DHC-03")
def test_mask_router_dns_and_domain_of_the_lease_are_in_force(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    server = dnsmasq(
        RANGE, "dhcp-option=3,10.99.1.1", "dhcp-option=6,10.99.1.2,10.99.1.3", "domain=tele.test"
    )
    lease = get_lease(wire.phone, state)
    assert (lease.prefix, lease.routers) == (24, ("10.99.1.1",))
    assert (lease.resolvers, lease.domain) == (("10.99.1.2", "10.99.1.3"), "tele.test")
    assert kernel_addresses(wire.phone) == [f"{lease.address}/24"]
    assert kernel_routes(wire.phone) == [("default", "10.99.1.1")]
    assert lease.address in server.leases.read_text()


@pytest.mark.proves("DHC-01")
@pytest.mark.parametrize(
    ("removed", "winner", "text"),
    [
        (0, 66, "tftp.tele.test"),
        (1, 160, "https://prov.tele.test/$MA.xml"),
        (2, 159, "prov159.tele.test"),
        (3, 150, "10.99.1.10"),
        (4, None, ""),
    ],
)
def test_the_first_option_of_the_default_order_that_dnsmasq_offers_names_the_source(
    wire: Wire, dnsmasq: Start, state: Path, removed: int, winner: int | None, text: str
) -> None:
    dnsmasq(RANGE, *EVERY_SOURCE[removed:])
    source = get_source(wire.phone, state)
    assert (source["option"], source["text"]) == (winner, text)
    offered = [66, 160, 159, 150, 43, 125][removed:]
    assert [one["option"] for one in source["considered"]] == offered


@pytest.mark.proves("DHC-01")
@pytest.mark.parametrize(("removed", "winner"), [(0, 66), (1, 160), (2, 150), (3, None)])
def test_the_first_option_of_the_default_order_that_kea_offers_names_the_source(
    wire: Wire, kea: Callable[..., Kea], state: Path, removed: int, winner: int | None
) -> None:
    offered = [
        {"code": 66, "data": "tftp.tele.test"},
        {"code": 160, "data": "https://prov.tele.test/$MA.xml"},
        {"code": 150, "csv-format": False, "data": "0A63010A0A63010B"},
        {"code": 60, "data": "CP-8841-3PCC"},
    ]
    kea(offered[removed:])
    source = get_source(wire.phone, state)
    assert source["option"] == winner
    assert source["considered"][-1]["option"] == 60


@pytest.mark.proves("DHC-01")
def test_another_order_lets_another_option_win(wire: Wire, dnsmasq: Start, state: Path) -> None:
    dnsmasq(RANGE, *EVERY_SOURCE)
    source = get_source(wire.phone, state, DHCP_Option_To_Use="125,43,159,66")
    assert (source["option"], source["text"]) == (159, "prov159.tele.test")


def test_kea_splits_a_long_url_over_two_options_and_the_phone_joins_it(
    wire: Wire, kea: Callable[..., Kea], state: Path
) -> None:
    url = "https://prov.tele.test/" + "x" * 380 + "/$MA.xml"
    kea([{"code": 160, "data": url}])
    assert get_source(wire.phone, state)["text"] == url


@pytest.mark.proves("DHC-05")
def test_the_lease_time_is_that_of_option_51_and_41_means_nothing(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    dnsmasq(
        "dhcp-range=10.99.1.100,10.99.1.150,255.255.255.0,20m",
        "dhcp-option-force=41,0.0.0.9",
    )
    lease = get_lease(wire.phone, state)
    assert lease.options[41] == bytes((0, 0, 0, 9))
    assert lease.options[51] == (1200).to_bytes(4, "big")
    assert lease.lease_time == 1200
    out = wire.phone.run("ip", "-json", "-4", "addr", "show", "dev", "eth0").stdout
    (held,) = json.loads(out)[0]["addr_info"]
    assert 1190 <= held["valid_life_time"] <= 1200


@pytest.mark.proves("DHC-07")
def test_the_vendor_class_names_the_model_and_is_no_source_when_it_comes_back(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    server = dnsmasq(RANGE, 'dhcp-option-force=60,"http://not.a.source/x.xml"')
    source = get_source(wire.phone, state)
    assert "vendor class: CP-8841-3PCC\n" in server.wait_for("DHCPACK")
    assert source["option"] is None
    assert [one["option"] for one in source["considered"]] == [60]


@pytest.mark.proves("DHC-10")
@pytest.mark.parametrize(
    ("order", "kind", "text"),
    [("159", "server", "prov.tele.test"), ("160", "rule", LONG_URL)],
)
def test_option_159_is_the_server_and_160_the_whole_url(
    wire: Wire, dnsmasq: Start, state: Path, order: str, kind: str, text: str
) -> None:
    dnsmasq(RANGE, 'dhcp-option=159,"prov.tele.test"', f'dhcp-option=160,"{LONG_URL}"')
    source = get_source(wire.phone, state, DHCP_Option_To_Use=order)
    assert (source["kind"], source["text"]) == (kind, text)


@pytest.mark.proves("DHC-10")
def test_option_159_may_be_four_bytes_of_an_address(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    dnsmasq(RANGE, "dhcp-option=159,10.99.1.10")
    source = get_source(wire.phone, state)
    assert source["considered"][0]["raw"] == "0a:63:01:0a"
    assert (source["kind"], source["text"]) == ("server", "10.99.1.10")


def test_a_long_url_arrives_among_all_other_options(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    others = [line for line in EVERY_SOURCE if "=160," not in line]
    dnsmasq(RANGE, *others, f'dhcp-option=160,"{LONG_URL}"', 'dhcp-option=252,"http://wpad/w"')
    lease = get_lease(wire.phone, state)
    assert lease.options[160] == LONG_URL.encode()
    assert lease.options[252] == b"http://wpad/w"
    assert {66, 159, 150, 43, 125} < set(lease.options)


def test_options_that_overflow_into_file_and_sname_are_read(
    wire: Wire, dnsmasq: Start, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only a server that may not send large messages uses the two fields.
    monkeypatch.setattr(ask, "MESSAGE_LIMIT", 576)
    server = dnsmasq(
        RANGE,
        f'dhcp-option=66,"{"a" * 55}"',
        f'dhcp-option=160,"https://{"b" * 110}"',
        f'dhcp-option=159,"{"c" * 112}"',
        f'dhcp-option=252,"http://{"d" * 100}"',
    )
    lease = get_lease(wire.phone, state)
    assert "option-overload  03" in server.wait_for("option-overload", 2)
    assert lease.options[66].rstrip(b"\0") == b"a" * 55
    assert lease.options[160] == b"https://" + b"b" * 110
    assert lease.options[159] == b"c" * 112
    assert lease.options[252] == b"http://" + b"d" * 100


def test_routes_of_option_121_are_not_obeyed(wire: Wire, dnsmasq: Start, state: Path) -> None:
    dnsmasq(RANGE, "dhcp-option-force=121,0.0.0.0/1,10.99.1.66,128.0.0.0/1,10.99.1.66")
    lease = get_lease(wire.phone, state)
    assert 121 in lease.options
    assert kernel_routes(wire.phone) == [("default", "10.99.1.1")]


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


ACS = {
    "url": "http://acs.tele.test:7547/acs",
    "provisioning_code": "north.7",
    "retry_wait": 30,
    "retry_multiplier": 2000,
}


def sub_option(code: int, text: str, space: str) -> dict[str, Any]:
    return {
        "code": code,
        "space": space,
        "csv-format": False,
        "data": text.encode().hex(),
        "always-send": True,
    }


def get_acs(space: Namespace, state: Path, **texts: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ACS that the phone knows, and the source of its profile."""

    async def scenario() -> Any:
        async with addressed(state, known=None, **texts) as phone:
            await phone.bound()
            rows = dict(phone.status().rows)
            lease = phone.status().data["lease"]
            assert isinstance(lease, dict)
            named, url = lease["acs"]["named_by"], lease["acs"]["url"]
            assert rows["ACS"].startswith(f"{named}: ACS {url}" if named else "none")
            return lease["acs"], lease["profile_source"]

    found: tuple[dict[str, Any], dict[str, Any]] = space.call(scenario)
    return found


@pytest.mark.proves("DHC-06")
def test_option_43_of_kea_carries_the_acs_with_code_and_retries(
    wire: Wire, kea: Callable[..., Kea], state: Path
) -> None:
    inside = "vendor-encapsulated-options-space"
    parts = [sub_option(code, str(value), inside) for code, value in enumerate(ACS.values(), 1)]
    kea([{"name": "vendor-encapsulated-options"}, *parts])
    acs, source = get_acs(wire.phone, state)
    assert acs == {**ACS, "named_by": "DHCP option 43"}
    assert source["option"] is None
    assert source["considered"][0]["reason"] == "names an ACS, which is never a profile"


@pytest.mark.proves("DHC-06")
def test_option_43_may_be_nothing_but_the_url_of_the_acs(
    wire: Wire, dnsmasq: Start, state: Path
) -> None:
    dnsmasq(RANGE, f"dhcp-option-force=43,{ACS['url']}")
    acs, _ = get_acs(wire.phone, state)
    assert (acs["url"], acs["named_by"]) == (ACS["url"], "DHCP option 43")
    assert acs["provisioning_code"] == ""


@pytest.mark.proves("DHC-09")
def test_option_125_of_kea_carries_the_acs_with_code_and_retries(
    wire: Wire, kea: Callable[..., Kea], state: Path
) -> None:
    inside = "vendor-3561"
    parts = [sub_option(code, str(value), inside) for code, value in enumerate(ACS.values(), 11)]
    kea([{"name": "vivso-suboptions", "data": "3561"}, *parts])
    acs, source = get_acs(wire.phone, state)
    assert acs == {**ACS, "named_by": "DHCP option 125"}
    assert source["option"] is None


@pytest.mark.proves("DHC-09")
@pytest.mark.parametrize(
    ("texts", "named_by", "url"),
    [
        ({}, "DHCP option 43", "http://acs43.tele.test:7547/acs"),
        (
            {"DHCP_Option_To_Use": "125,43"},
            "DHCP option 125",
            "http://acs125.tele.test:7547/acs",
        ),
        ({"DHCP_Option_To_Use": "66"}, "", ""),
        ({"ACS_URL": "https://acs.tele.test/"}, "ACS_URL", "https://acs.tele.test/"),
    ],
)
def test_a_configured_acs_comes_first_and_then_the_order_of_the_options(
    wire: Wire, dnsmasq: Start, state: Path, texts: dict[str, str], named_by: str, url: str
) -> None:
    dnsmasq(RANGE, *EVERY_SOURCE)
    acs, _ = get_acs(wire.phone, state, **texts)
    assert (acs["named_by"], acs["url"]) == (named_by, url)


@pytest.mark.proves("DHC-04")
@pytest.mark.parametrize(
    ("texts", "servers", "offset"),
    [
        (
            {},
            "10.99.1.2, 10.99.1.3 (DHCP option 42)",
            "-18000 s (DHCP option 2, ignored: Ignore_DHCP_Time_Offset is Yes)",
        ),
        (
            {"Primary_NTP_Server": "ntp.tele.test", "Ignore_DHCP_Time_Offset": "No"},
            "ntp.tele.test (parameters)",
            "-18000 s (DHCP option 2)",
        ),
    ],
)
def test_time_offset_and_time_servers_are_shown_with_who_named_them(
    wire: Wire, dnsmasq: Start, state: Path, texts: dict[str, str], servers: str, offset: str
) -> None:
    dnsmasq(RANGE, "dhcp-option=42,10.99.1.2,10.99.1.3", "dhcp-option=2,ff:ff:b9:b0")

    async def scenario() -> tuple[Lease, dict[str, str]]:
        async with addressed(state, known=None, **texts) as phone:
            return await phone.bound(), dict(phone.status().rows)

    lease, rows = wire.phone.call(scenario)
    assert (lease.time_offset, lease.ntp) == (-18000, ("10.99.1.2", "10.99.1.3"))
    assert (rows["NTP Servers"], rows["Time Offset"]) == (servers, offset)


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
    started: list[Dnsmasq] = []

    def start(*lines: str) -> Dnsmasq:
        started.append(Dnsmasq(shared.server, tmp_path, *lines))
        return started[-1]

    yield start
    for server in started:
        server.stop()


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
