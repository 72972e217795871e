"""The ACS and the time servers that DHCP names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dhcp import Lease
from tests.support.dhcp_fixtures import EVERY_SOURCE, Start, Wire, dnsmasq, kea, state, wire
from tests.support.lease import (
    RANGE,
    Kea,
    addressed,
)

__all__ = ["dnsmasq", "kea", "state", "wire"]


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
