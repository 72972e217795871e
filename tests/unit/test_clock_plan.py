"""Whom the phone asks for the time, and when."""

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.features.clock.plan import ClockPlan, TimeServer, plan, show
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.runtime.state import Facts

LEASE = Lease("10.99.1.100", 24, "10.99.1.1", resolvers=("10.99.1.2",), ntp=("10.99.1.3",))
FACTS = Facts(lease=replace(LEASE, time_offset=-18000))


def planned(facts: Facts = FACTS, **texts: str) -> ClockPlan:
    settings, errors = decode(texts, Settings())
    assert not errors
    return plan(settings, facts).plans[""]


def test_the_parameters_name_the_servers_else_dhcp_does() -> None:
    own = planned(Primary_NTP_Server="ntp.tele.test:1123", Secondary_NTP_Server="fd00::7")
    assert own.servers == (TimeServer("ntp.tele.test", 1123), TimeServer("fd00::7", 123))
    assert own.named_by == "parameters"
    assert planned().servers == (TimeServer("10.99.1.3", 123),)
    assert planned().named_by == "DHCP option 42"


def test_dhcpv6_names_them_where_nobody_else_does() -> None:
    lease6 = Lease6("fd00::9", resolvers=("fd00::1",), ntp=("fd00::5",))
    found = planned(Facts(lease6=lease6), IP_Mode="IPv6 Only")
    assert found.servers == (TimeServer("fd00::5"),)
    assert (found.named_by, found.records) == ("DHCPv6 option 56", ("AAAA",))


def test_nobody_is_asked_before_the_network_is_there() -> None:
    assert planned(Facts(), Primary_NTP_Server="ntp.tele.test").servers == ()


def test_the_offset_of_dhcp_counts_only_where_it_is_not_ignored() -> None:
    assert planned().zone is None
    assert planned(Ignore_DHCP_Time_Offset="No").zone == -18000
    assert planned(Facts(lease=LEASE), Ignore_DHCP_Time_Offset="No").zone is None


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ({}, "time servers 10.99.1.3 (DHCP option 42)\nlocal time as the machine has it\n"),
        (
            {"Primary_NTP_Server": "a", "Ignore_DHCP_Time_Offset": "No"},
            "time servers a (parameters)\nlocal time UTC -18000 s\n",
        ),
    ],
)
def test_show_says_whom_and_which_zone(texts: dict[str, str], shown: str) -> None:
    assert show(planned(FACTS, **texts)) == shown


def test_without_anybody_named_there_is_still_a_clock() -> None:
    assert show(planned(Facts())) == "time servers none\nlocal time as the machine has it\n"
