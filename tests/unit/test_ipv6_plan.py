"""What the IPv6 feature plans, tells the kernel, remembers and shows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import ConfigError
from ringfence.features.ipv6 import FEATURE, commands, memory
from ringfence.features.ipv6.memory import Remembered6
from ringfence.features.ipv6.plan import Ipv6Plan, plan, show
from ringfence.features.ipv6.report import ipv6_data, ipv6_rows
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.rtnetlink import Held, Link6
from ringfence.runtime.state import Facts, Identity, Planned

FACTS = Facts(identity=Identity(mac="02000000aa01", interface="eth0"))
LEASE = Lease6(
    "fd00:99:1::100",
    server=b"\x00\x03\x00\x01\x02\x00\x00\x00\x00\x01",
    preferred=3000.0,
    valid=4000.0,
    options={1: (b"x",), 160: (b"[--key hunter2] https://h/$MA.xml",), 224: (b"\x01\xff", b"\x02")},
)


def planned(**texts: str) -> Planned[Ipv6Plan]:
    settings, errors = decode(texts, Settings())
    assert not errors
    return plan(settings, FACTS)


def static(**texts: str) -> Planned[Ipv6Plan]:
    given = {"IPv6_Static_IP": "fd00:99:1::7", "Prefix_Length": "64", "IPv6_Gateway": "fe80::1"}
    return planned(IPv6_Connection_Type="Static IP", **{**given, **texts})


def test_by_default_addresses_are_formed_and_servers_asked_as_routers_say() -> None:
    assert planned().plans == {"": Ipv6Plan("eth0", "CP-8841-3PCC", forms=True, second=True)}
    assert planned(Auto_Config="Disabled").plans[""].forms is False


def test_where_ip_mode_has_no_ipv6_the_kernel_shall_speak_none() -> None:
    unused = Ipv6Plan("eth0", "CP-8841-3PCC", forms=False, used=False)
    assert planned(IP_Mode="IPv4 Only").plans == {"": unused}
    assert show(unused) == "no IPv6 on eth0\n"


def test_ipv6_goes_second_where_ipv4_is_in_use_too() -> None:
    assert planned(IP_Mode="IPv6 Only").plans[""].second is False
    assert planned(IP_Mode="Dual Mode").plans[""].second is True


def test_a_static_address_is_a_lease_without_server_and_end() -> None:
    expected = Lease6("fd00:99:1::7", 64, routers=("fe80::1",))
    assert static().plans[""].static == expected
    assert math.isinf(expected.valid)
    assert static(IPv6_Gateway="").plans[""].static == replace(expected, routers=())


@pytest.mark.parametrize(
    ("texts", "parameter"),
    [
        ({"IPv6_Static_IP": ""}, "IPv6_Static_IP"),
        ({"IPv6_Static_IP": "fe80::7"}, "IPv6_Static_IP"),
        ({"IPv6_Static_IP": "ff02::7"}, "IPv6_Static_IP"),
        ({"IPv6_Static_IP": "::1"}, "IPv6_Static_IP"),
        ({"IPv6_Static_IP": "::ffff:10.0.0.1"}, "IPv6_Static_IP"),
        ({"IPv6_Static_IP": "fd00::1%lo"}, "IPv6_Static_IP"),
        ({"Prefix_Length": "1"}, "Prefix_Length"),
        ({"IPv6_Gateway": "::"}, "IPv6_Gateway"),
        ({"IPv6_Gateway": "fe80::1%eth0"}, "IPv6_Gateway"),
    ],
)
def test_a_static_address_that_cannot_be_is_refused_by_its_parameter(
    texts: dict[str, str], parameter: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        static(**texts)
    assert caught.value.parameter == parameter
    assert caught.value.remedy


def test_the_interface_of_the_voice_vlan_carries_the_addresses() -> None:
    decided = plan(Settings(), replace(FACTS, voice_interface="voice0")).plans[""]
    assert decided.interface == "voice0"


def test_unknown_words_of_the_option_list_are_found() -> None:
    (finding,) = planned(DHCPv6_Option_To_Use="17,66").findings
    assert (finding.rule, finding.tag) == ("dhcp-option-unknown", "DHCPv6_Option_To_Use")


def test_what_the_plan_reads_its_own_driver_never_changes() -> None:
    assert plan(Settings(), replace(FACTS, lease6=LEASE)) == plan(Settings(), FACTS)


def test_show_says_what_is_taken_and_who_is_asked() -> None:
    assert show(planned().plans[""]) == (
        "addresses on eth0 formed from router advertisements\nDHCPv6 where a router says so\n"
    )
    assert show(planned(Auto_Config="Disabled").plans[""]) == (
        "addresses on eth0 never formed\nDHCPv6 always\n"
    )
    assert show(static().plans[""]) == (
        "address fd00:99:1::7/64 on eth0\nrouter fe80::1\n"
        "other addresses formed from router advertisements\n"
    )
    assert FEATURE.show is show


def test_the_kernel_gets_the_address_with_the_life_that_is_left() -> None:
    assert commands.hold("eth0", LEASE, 0.1) == (
        "addr replace fd00:99:1::100/128 dev eth0 valid_lft 3999 preferred_lft 2999\n"
    )
    assert "valid_lft 900 preferred_lft 0\n" in commands.hold("eth0", LEASE, 3100)
    held = commands.hold("eth0", Lease6("fd00::7", 64, routers=("fe80::1",)), 0)
    assert held == (
        "addr replace fd00::7/64 dev eth0 valid_lft forever preferred_lft forever\n"
        "route replace default via fe80::1 dev eth0 proto static metric 512\n"
    )


def test_what_was_remembered_is_recalled() -> None:
    held = Remembered6("eth0", "fd00:99:1::100", 128, 1700000000.5, b"\x07\x01")
    assert memory.decode(memory.encode(held)) == held


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"interface":"eth0","address":"fd00::1","prefix":64,"asked_at":"x","message":""}',
        b'{"interface":"eth0","address":"fd00::1","prefix":64,"asked_at":NaN,"message":""}',
        b'{"interface":"eth0","address":"fd00::1","prefix":0,"asked_at":1,"message":""}',
        b'{"interface":"eth0","address":"fd00::1","prefix":129,"asked_at":1,"message":""}',
        b'{"interface":"eth0","address":"fd00::1 dev lo","prefix":64,"asked_at":1,"message":""}',
        b'{"interface":"eth0","address":"fd00::1","prefix":64,"asked_at":1,"message":"zz"}',
        b"[" * 9000,
        b" " * 20000,
    ],
)
def test_a_spoilt_file_is_no_inheritance(data: bytes) -> None:
    assert memory.decode(data) is None


def test_a_zone_in_the_file_is_cut_off() -> None:
    data = b'{"interface":"e","address":"fd00::1%x y","prefix":64,"asked_at":1,"message":""}'
    held = memory.decode(data)
    assert held
    assert held.address == "fd00::1"


def test_rows_hold_every_option_raw_and_read_and_who_won() -> None:
    link = Link6(
        7,
        heard=True,
        managed=True,
        addresses={LEASE.address: Held(128, 0, 0), "fd00:99:1::5": Held(64, 0, 0x80)},
        duplicates=frozenset({"fd00:99:1::5"}),
    )
    rows = ipv6_rows(Settings(), replace(FACTS, lease6=LEASE), link)
    assert ("Current IP", "fd00:99:1::100/128") in rows
    assert ("Other Addresses", "fd00:99:1::5/64 (somebody else has it)") in rows
    assert ("Router Advertisement", "DHCPv6 for addresses") in rows
    assert ("DHCPv6 Server", "00:03:00:01:02:00:00:00:00:01") in rows
    assert ("DHCPv6 Option 224", "01:ff") in rows
    assert ("DHCPv6 Option 224", "02") in rows
    assert ("Profile Source", "DHCPv6 option 160: [--key ***] https://h/$MA.xml") in rows
    assert "hunter2" not in repr((rows, ipv6_data(Settings(), replace(FACTS, lease6=LEASE), link)))


def test_nothing_is_known_before_anybody_says_anything() -> None:
    assert ipv6_data(Settings(), FACTS, None) == {"lease": None}
    assert dict(ipv6_rows(Settings(), FACTS, None))["Current IP"] == "none"


@given(
    st.dictionaries(st.integers(0, 300), st.lists(st.binary(max_size=80), max_size=3), max_size=6)
)
def test_whatever_was_offered_can_be_shown(options: dict[int, list[bytes]]) -> None:
    lease = replace(LEASE, options={code: tuple(each) for code, each in options.items()})
    facts = replace(FACTS, lease6=lease)
    for label, text in ipv6_rows(Settings(), facts, None):
        assert label.isprintable()
        assert text.isprintable()
