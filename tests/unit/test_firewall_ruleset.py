"""The ruleset as text: golden listings."""

import pytest

from ringfence.features.firewall import FEATURE
from ringfence.features.firewall.plan import FirewallPlan
from ringfence.features.firewall.ruleset import ruleset
from tests.support.firewall_example import PLAN, RULESET


@pytest.mark.proves("FW-20")
def test_the_worked_example_has_this_ruleset() -> None:
    assert ruleset(PLAN) == RULESET


def rules(plan: FirewallPlan, chain: str) -> list[str]:
    block = ruleset(plan).partition(f"\tchain {chain} {{\n")[2].partition("\t}\n")[0]
    return [line.strip() for line in block.splitlines()]


def test_a_firewall_that_is_off_lets_everything_pass_but_multicast_ping() -> None:
    assert rules(FirewallPlan(False, False), "input") == [
        "type filter hook input priority filter; policy accept;",
        'ip6 daddr ff00::/8 icmpv6 type echo-request counter name "multicast_ping" drop',
        "ct state established,related accept",
    ]
    assert rules(FirewallPlan(False, True), "input")[1] == (
        "ip6 daddr ff00::/8 icmpv6 type echo-request accept"
    )
    assert len(rules(FirewallPlan(False, False), "output")) == 1


def test_unreachable_is_still_said_of_rtp_ports() -> None:
    plan = FirewallPlan(True, False, unreachable=False, rtp=(16384, 16483))
    four = "icmp type destination-unreachable icmp code port-unreachable"
    six = "icmpv6 type destination-unreachable icmpv6 code port-unreachable"
    assert rules(plan, "output")[1:] == [
        'oif "lo" accept',
        f"{four} @th,64,8 0x45 @th,240,16 0x4000-0x4063 accept",
        f'{four} counter name "withheld" drop',
        f"{six} @th,112,8 0x11 @th,400,16 0x4000-0x4063 accept",
        f'{six} counter name "withheld" drop',
    ]
    assert not any("reject" in rule for rule in rules(plan, "input"))


def test_the_tftp_helper_comes_with_no_cisco_tftp() -> None:
    plan = FirewallPlan(True, False, tftp=False)
    assert "ct helper tftp {" in ruleset(plan)
    assert rules(plan, "output")[1:] == ['udp dport 69 ct helper set "tftp"']


def test_a_set_without_ports_has_no_elements() -> None:
    empty = FirewallPlan(True, False)
    assert "\tset udp_open {\n\t\ttype inet_service\n\t\tflags interval\n\t}\n" in ruleset(empty)


def test_the_safe_plan_has_the_default_ports() -> None:
    assert FEATURE.safe[""].udp == (
        (68, 68),
        (546, 546),
        (5060, 5060),
        (16384, 16483),
        (53240, 53245),
    )
    assert FEATURE.safe[""].tcp == ((80, 80),)
    assert FEATURE.show(FEATURE.safe[""]).startswith("table inet ringfence {")
