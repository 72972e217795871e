"""Hosts and ports, read and written; and what counts of two families."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.policy.acs import acs_source
from ringfence.policy.network import (
    host_and_port,
    known_time,
    own_address,
    resolvers,
    waiting,
    written,
)
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcpv6 import Lease6

FOUR = Lease("10.99.1.100", 24, "10.99.1.1", resolvers=("10.99.1.2",), ntp=("10.99.1.3",))
ACS6 = b"\x00\x00\x0d\xe9\x00\x01\x00\x0ahttp://a/x"
SIX = Lease6("fd00::7", resolvers=("fd00::2",), ntp=("fd00::3",), options={17: (ACS6,)})
BARE = Lease("10.99.1.100", 24, "10.99.1.1")
NO_ADDRESS = "the phone has no address yet"


def parameters(**texts: str) -> Settings:
    settings, errors = decode(texts, Settings())
    assert not errors
    return settings


@pytest.mark.parametrize(
    ("texts", "lease", "servers"),
    [
        ({}, FOUR, ("10.99.1.2",)),
        ({}, BARE, ("fd00::2",)),
        ({}, None, ("fd00::2",)),
        ({"IPv6_Primary_DNS": "fd00::9"}, FOUR, ("fd00::9", "10.99.1.2")),
        ({"IPv6_Primary_DNS": "fd00::9", "IP_Mode": "IPv4 Only"}, FOUR, ("10.99.1.2",)),
        (
            {"IPv6_Secondary_DNS": "fd00::9", "DNS_Server_Order": "DHCP,Manual"},
            None,
            ("fd00::2", "fd00::9"),
        ),
        ({"Primary_DNS": "10.0.0.1", "DNS_Server_Order": "Manual"}, None, ("10.0.0.1",)),
    ],
)
def test_dns_servers_of_ipv6_count_while_ipv4_brings_none(
    texts: dict[str, str], lease: Lease | None, servers: tuple[str, ...]
) -> None:
    assert resolvers(parameters(**texts), lease, SIX) == servers


@pytest.mark.parametrize(
    ("texts", "lease", "lease6", "address", "lacks"),
    [
        ({}, FOUR, SIX, "10.99.1.100", ""),
        ({}, FOUR, None, "10.99.1.100", ""),
        ({}, None, SIX, "fd00::7", NO_ADDRESS),
        ({}, None, None, "", NO_ADDRESS),
        ({"IP_Mode": "IPv6 Only"}, None, SIX, "fd00::7", ""),
        ({"IP_Mode": "IPv6 Only"}, None, Lease6(), "", NO_ADDRESS),
        ({"IP_Mode": "IPv6 Only", "Connection_Type": "Static IP"}, None, SIX, "fd00::7", ""),
    ],
)
def test_the_address_that_the_phone_goes_by(
    texts: dict[str, str], lease: Lease | None, lease6: Lease6 | None, address: str, lacks: str
) -> None:
    settings = parameters(**texts)
    assert own_address(settings, lease, lease6) == address
    assert waiting(settings, lease, lease6) == lacks


@pytest.mark.parametrize(
    ("texts", "lease6", "lacks"),
    [
        ({}, SIX, ""),
        ({}, None, NO_ADDRESS),
        ({}, Lease6("fd00::7"), NO_ADDRESS),
        ({"IPv6_Primary_DNS": "fd00::2"}, Lease6("fd00::7"), ""),
        ({"IP_Mode": "IPv4 Only"}, None, NO_ADDRESS),
    ],
)
def test_where_nobody_answers_dhcp_ipv6_does_alone_if_it_brings_dns(
    texts: dict[str, str], lease6: Lease6 | None, lacks: str
) -> None:
    assert waiting(parameters(**texts), None, lease6, silent=True) == lacks


@pytest.mark.parametrize(
    ("texts", "lease", "lease6", "servers", "named_by"),
    [
        ({"Secondary_NTP_Server": "n.test"}, FOUR, SIX, ("n.test",), "parameters"),
        ({}, FOUR, SIX, ("10.99.1.3",), "DHCP option 42"),
        ({}, BARE, SIX, ("fd00::3",), "DHCPv6 option 56"),
        ({}, None, None, (), ""),
    ],
)
def test_time_servers_come_from_parameters_then_dhcp_then_dhcpv6(
    texts: dict[str, str],
    lease: Lease | None,
    lease6: Lease6 | None,
    servers: tuple[str, ...],
    named_by: str,
) -> None:
    known = known_time(parameters(**texts), lease, lease6)
    assert (known.servers, known.named_by) == (servers, named_by)


@pytest.mark.parametrize(
    ("texts", "url", "named_by"),
    [
        ({}, "http://a/x", "DHCPv6 option 17"),
        ({"DHCPv6_Option_To_Use": "160"}, "", ""),
        ({"ACS_URL": "https://b/"}, "https://b/", "ACS_URL"),
    ],
)
def test_dhcpv6_may_name_the_acs(texts: dict[str, str], url: str, named_by: str) -> None:
    found = acs_source(parameters(**texts), FOUR, SIX)
    assert (found.acs.url, found.named_by) == (url, named_by)


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("sip.telco.test", 5070, "sip.telco.test:5070"),
        ("sip.telco.test", 0, "sip.telco.test"),
        ("sip.telco.test", 5060, "sip.telco.test"),
        ("192.0.2.1", 65535, "192.0.2.1:65535"),
        ("2001:db8::1", 5061, "[2001:db8::1]:5061"),
        ("2001:db8::1", 0, "[2001:db8::1]"),
    ],
)
def test_what_is_written_reads_as_what_it_was(host: str, port: int, text: str) -> None:
    assert written(host, port, 5060) == text
    assert host_and_port(text, 0) == (host, 0 if port == 5060 else port)


@pytest.mark.parametrize("text", ["a:0", "a:65536", "a:x", "a:-1", "[::1]:99999", "a:\u00b2"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not between 1 and 65535"):
        host_and_port(text, 5060)
