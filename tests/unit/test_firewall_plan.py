"""Which ports are open. Expected values: chapter, Tables 3, 4 and 5."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.settings import decode, virgin
from ringfence.features.firewall.plan import FirewallPlan, describe, plan
from ringfence.runtime.state import Facts, Planned

DEFAULT_UDP = ((68, 68), (546, 546), (5060, 5060), (16384, 16483), (53240, 53245))
DEFAULT_TCP = ((80, 80),)


def decided(texts: Mapping[str, str], facts: Facts | None = None) -> Planned[FirewallPlan]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, facts or Facts())


def planned(facts: Facts | None = None, **texts: str) -> FirewallPlan:
    return decided(texts, facts).plans[""]


def test_a_virgin_phone_opens_the_default_ports_of_tables_3_and_4() -> None:
    assert planned() == FirewallPlan(
        enabled=True,
        broadcast_echo=False,
        udp=DEFAULT_UDP,
        tcp=DEFAULT_TCP,
        ping=True,
        unreachable=True,
        tftp=True,
        rtp=(16384, 16483),
        udp_services=(5060,),
        tcp_services=(80,),
    )


def test_strangers_have_a_budget_for_what_the_phone_answers_and_for_no_other_open_port() -> None:
    texts = {f"SIP_Transport_{n}_": "TLS" for n in range(1, 17)}
    texts |= {"SIP_Transport_2_": "Auto", "SIP_Port_2_": "5071", "Web_Server_Port": "8080"}
    made = decided(texts | {"Firewall_Config": "UDP:9000,TCP:12000"}).plans[""]
    assert (made.udp_services, made.tcp_services) == ((5071,), (8080,))
    assert planned(Enable_Web_Server="No").tcp_services == ()


def test_the_servers_of_the_lines_are_no_strangers() -> None:
    peers = {
        "line 2": frozenset({"10.0.0.9", "fd00::9"}),
        "line 1": frozenset({"10.0.0.10", "10.0.0.9", "fe80::1%eth0"}),
    }
    wanted = ("10.0.0.9", "10.0.0.10", "fd00::9", "fe80::1")
    assert planned(Facts(peers=peers)).peers == wanted


def test_a_disabled_firewall_plans_nothing_but_multicast_ping_and_warns() -> None:
    off = decided({"Firewall": "Disabled", "Firewall_Config": "NO_ICMP_PING,UDP:9"})
    assert off.plans[""] == FirewallPlan(enabled=False, broadcast_echo=False)
    assert [f.rule for f in off.findings] == ["firewall-disabled"]
    off = decided({"Firewall": "Disabled", "Firewall_Config": "UDP:0"})
    assert [f.rule for f in off.findings] == ["firewall-disabled", "firewall-bad-port"]
    assert planned(Firewall="Disabled", Broadcast_Echo="Enabled").broadcast_echo


@pytest.mark.parametrize(
    ("enabled", "transport", "is_open"),
    [
        ("Yes", "UDP", True),
        ("Yes", "Auto", True),
        ("Yes", "TCP", False),
        ("Yes", "TLS", False),
        ("No", "UDP", False),
        ("No", "Auto", False),
    ],
)
def test_sip_port_is_open_while_the_line_listens_on_udp(
    enabled: str, transport: str, is_open: bool
) -> None:
    opened = planned(Line_Enable_3_=enabled, SIP_Transport_3_=transport, SIP_Port_3_="5093").udp
    assert ((5093, 5093) in opened) == is_open


def test_rtp_ends_one_port_above_rtp_port_max() -> None:
    assert (20000, 20010) in planned(RTP_Port_Min="20000", RTP_Port_Max="20009").udp


def test_rtp_never_passes_the_last_port() -> None:
    assert planned(RTP_Port_Min="65530", RTP_Port_Max="65535").rtp == (65530, 65535)


def test_a_reversed_rtp_range_opens_nothing_and_is_reported() -> None:
    made = decided({"RTP_Port_Min": "20001", "RTP_Port_Max": "20000"})
    assert made.plans[""].rtp is None
    assert made.plans[""].udp == ((68, 68), (546, 546), (5060, 5060), (53240, 53245))
    assert [f.rule for f in made.findings] == ["firewall-no-rtp-range"]


@pytest.mark.parametrize(
    ("upgrade", "sharing", "is_open"),
    [("Yes", "Yes", True), ("Yes", "No", False), ("No", "Yes", False), ("No", "No", False)],
)
def test_peer_firmware_sharing_opens_its_ports_when_both_are_yes(
    upgrade: str, sharing: str, is_open: bool
) -> None:
    made = planned(Upgrade_Enable=upgrade, Peer_Firmware_Sharing=sharing)
    assert ((4051, 4051) in made.udp) == is_open
    assert made.tcp == (((80, 80), (4051, 4051), (6970, 6970)) if is_open else DEFAULT_TCP)


def test_tr_069_opens_the_stun_port() -> None:
    assert (7999, 7999) in decided({"Enable_TR-069": "Yes"}).plans[""].udp
    assert planned().udp == DEFAULT_UDP


def test_tr_069_opens_the_port_that_the_phone_drew_for_connection_requests() -> None:
    facts = Facts(connection_request_port=8123)
    made = decided({"Enable_TR-069": "Yes"}, facts)
    assert made.plans[""].tcp == ((80, 80), (8123, 8123))
    assert made.findings == ()
    assert planned(facts).tcp == DEFAULT_TCP


def test_a_port_that_no_phone_has_drawn_yet_is_announced() -> None:
    made = decided({"Enable_TR-069": "Yes"})
    assert made.plans[""].tcp == DEFAULT_TCP
    assert [(f.rule, f.tag) for f in made.findings] == [
        ("firewall-port-to-be-drawn", "Enable_TR-069")
    ]
    assert "8000 to 9999" in made.findings[0].message
    assert decided({}).findings == ()


def test_the_web_port_is_open_while_the_web_server_runs() -> None:
    assert planned(Web_Server_Port="8443").tcp == ((8443, 8443),)
    assert planned(Enable_Web_Server="No").tcp == ()


def test_no_cisco_tftp_shuts_the_range() -> None:
    made = planned(Firewall_Config="NO_CISCO_TFTP")
    assert made.udp == DEFAULT_UDP[:-1]
    assert not made.tftp


@pytest.mark.parametrize(
    ("options", "ping", "unreachable"),
    [
        ("", True, True),
        ("NO_ICMP_PING", False, True),
        ("NO_ICMP_UNREACHABLE", True, False),
        ("NO_ICMP_UNREACHABLE,NO_ICMP_PING", False, False),
    ],
)
def test_the_icmp_words_turn_one_thing_off_each(
    options: str, ping: bool, unreachable: bool
) -> None:
    made = planned(Firewall_Config=options)
    assert (made.ping, made.unreachable) == (ping, unreachable)


def test_what_is_still_bound_stays_open() -> None:
    facts = Facts(
        bound={
            "line": frozenset({("udp", 5099), ("tcp", 5099)}),
            "cwmp": frozenset({("tcp", 8123), ("sctp", 9)}),
        }
    )
    made = planned(facts)
    assert made.udp == ((68, 68), (546, 546), (5060, 5060), (5099, 5099), *DEFAULT_UDP[3:])
    assert made.tcp == ((80, 80), (5099, 5099), (8123, 8123))
    assert planned(facts, Firewall="Disabled").udp == ()


def test_ports_that_touch_become_one_range() -> None:
    assert planned(Firewall_Config="UDP:5061:5070,UDP:5065:5080").udp[2] == (5060, 5080)


def test_a_plan_is_described_in_json_values() -> None:
    assert describe(planned(Firewall_Config="NO_ICMP_PING,NO_CISCO_TFTP")) == {
        "enabled": True,
        "udp": [[68, 68], [546, 546], [5060, 5060], [16384, 16483]],
        "tcp": [[80, 80]],
        "ping": False,
        "unreachable": True,
        "broadcast_echo": False,
    }


def ports(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {port for first, last in ranges for port in range(first, last + 1)}


WORDS = st.sampled_from(
    ["NO_ICMP_PING", "NO_ICMP_UNREACHABLE", "UDP:9000:8000", "UDP:1", "TCP:70000", "nonsense", "::"]
)


@given(st.one_of(st.lists(WORDS).map(",".join), st.text(st.characters(categories=["L", "P"]))))
def test_no_option_string_shuts_a_default_port_but_no_cisco_tftp(text: str) -> None:
    made = planned(Firewall_Config=text)
    assert ports(DEFAULT_UDP) - ports(made.udp) <= set(range(53240, 53246))
    assert ports(DEFAULT_TCP) <= ports(made.tcp)
    assert made.enabled
