"""What the phone takes from DHCP, from dnsmasq and Kea."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ringfence.protocols.dhcp import ask
from tests.support.dhcp_fixtures import (
    EVERY_SOURCE,
    LONG_URL,
    Start,
    Wire,
    dnsmasq,
    get_lease,
    get_source,
    kea,
    state,
    wire,
)
from tests.support.lease import (
    RANGE,
    Kea,
    kernel_addresses,
    kernel_routes,
)

__all__ = ["dnsmasq", "kea", "state", "wire"]


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
