"""What the kernel holds is what the plan says, whoever meddles with it."""

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.firewall_fixtures import Wire, listing, phone, wire
from tests.support.firewall_phone import FirewallPhone

__all__ = ["phone", "wire"]

TABLE = ("table", "inet", "ringfence")
CONFIGURATIONS = [
    {},
    {"Firewall": "Disabled"},
    {"Firewall": "Disabled", "Broadcast_Echo": "Enabled"},
    {"Firewall_Config": "NO_ICMP_PING,TCP:12000,UDP:8000:8010", "Broadcast_Echo": "Enabled"},
    {"Firewall_Config": "NO_ICMP_UNREACHABLE,NO_CISCO_TFTP", "RTP_Port_Max": "32766"},
    {"Firewall_Config": "UDP:1024:2047,UDP:65535,UDP:1,TCP:1:65535", "Enable_TR-069": "Yes"},
]


def until_it_holds(space: Namespace, wanted: str) -> None:
    """Return when the kernel holds `wanted` again; the test's time limit is the patience."""
    for _ in range(2000):
        if listing(space) == wanted:
            return
    pytest.fail(f"never put right:\n{listing(space)}")


@pytest.mark.proves("FW-01", "FW-20")
@pytest.mark.parametrize("texts", CONFIGURATIONS)
def test_the_ruleset_that_is_shown_is_the_one_that_the_kernel_holds(
    phone: FirewallPhone, wire: Wire, texts: dict[str, str]
) -> None:
    for base in CONFIGURATIONS:
        phone.apply(base)
        shown = phone.apply(texts)["data"]["ruleset"]
        assert listing(wire[0]).split() == shown.split()
    empty = wire[1]
    empty.run("nft", "-f", "-", stdin=shown)
    assert listing(empty) == listing(wire[0])


MEDDLING = [
    "flush table inet ringfence",
    "delete table inet ringfence",
    "flush ruleset",
    "flush set inet ringfence udp_open",
    "add element inet ringfence tcp_open { 22 }",
    "insert rule inet ringfence input accept",
    "add chain inet ringfence input { policy accept; }",
    "add chain inet ringfence backdoor; insert rule inet ringfence input jump backdoor",
    "add map inet ringfence m { type inet_service : verdict; }",
    "delete table inet ringfence; add table inet ringfence;"
    " add chain inet ringfence udp_open; add set inet ringfence input { type ipv4_addr; }",
    "delete table inet ringfence; add table inet ringfence;"
    " add set inet ringfence udp_open { type ipv4_addr; };"
    " add chain inet ringfence input { type filter hook output priority 7; }",
]


@pytest.mark.proves("FW-01")
@pytest.mark.parametrize("commands", MEDDLING)
def test_a_foreign_change_is_put_right(phone: FirewallPhone, wire: Wire, commands: str) -> None:
    phone.set()
    before = listing(wire[0])
    for _ in range(3):
        wire[0].run("nft", commands)
        until_it_holds(wire[0], before)
    assert phone.set()["rows"]["Foreign Changes Put Right"] == "3"


@pytest.mark.proves("FW-01")
def test_a_table_that_is_gone_after_a_live_change_comes_back(
    phone: FirewallPhone, wire: Wire
) -> None:
    phone.set()
    phone.set(Firewall_Config="UDP:8000")
    before = listing(wire[0])
    wire[0].run("nft", "flush ruleset")
    until_it_holds(wire[0], before)


def test_its_own_changes_and_those_of_other_tables_are_left_alone(
    phone: FirewallPhone, wire: Wire
) -> None:
    for port in range(8000, 8020):
        phone.set(Firewall_Config=f"UDP:{port}")
        wire[0].run("nft", f"add table ip other{port}")
    before = listing(wire[0])
    wire[0].run("nft", "flush table inet ringfence")
    until_it_holds(wire[0], before)
    assert phone.set(Firewall_Config="UDP:8019")["rows"]["Foreign Changes Put Right"] == "1"


def test_equal_settings_do_not_touch_the_table(phone: FirewallPhone, wire: Wire) -> None:
    phone.set()
    with_handles = ("nft", "-a", "list", *TABLE)
    before = wire[0].run(*with_handles).stdout
    phone.set(SIP_Port_2_="5060")
    assert wire[0].run(*with_handles).stdout == before


def test_a_table_that_lies_in_the_way_is_replaced(phone: FirewallPhone, wire: Wire) -> None:
    wire[0].run("nft", "add table inet ringfence")
    wire[0].run("nft", "add set inet ringfence udp_open { type ipv4_addr; }")
    wire[0].run("nft", "add chain inet ringfence input { type filter hook output priority 5; }")
    assert listing(wire[0]).split() != phone.set()["data"]["ruleset"].split()
    assert listing(wire[0]).split() == phone.set()["data"]["ruleset"].split()


def test_counters_live_through_changes(phone: FirewallPhone, wire: Wire) -> None:
    phone.set()
    wire[1].run("bash", "-c", "echo > /dev/udp/10.99.0.2/9; echo > /dev/udp/10.99.0.2/5060")
    counted = phone.set(Firewall_Config="NO_ICMP_PING,UDP:9")["rows"]
    assert (counted["Packets to Closed UDP Ports"], counted["Packets to Open UDP Ports"]) == (
        "1",
        "1",
    )


def test_without_the_capability_the_feature_fails_and_says_which_one(wire: Wire) -> None:
    phone = FirewallPhone(wire[0], capable=False)
    try:
        status = phone.set()
        assert status["health"] == "Failed"
        assert "NET_ADMIN" in status["rows"]["Error"]
    finally:
        phone.kill()
