"""What the address feature plans, tells the kernel, remembers and shows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import ConfigError
from ringfence.features.dhcp import FEATURE, commands, memory
from ringfence.features.dhcp.memory import Remembered
from ringfence.features.dhcp.plan import AddressPlan, DhcpPlan, StaticPlan, plan, show
from ringfence.features.dhcp.report import lease_data, lease_rows
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.rtnetlink_change import (
    PutAddress,
    PutRouter,
    TakeAddress,
    TakeRouter,
)
from ringfence.runtime.state import Facts, Identity, Planned

FACTS = Facts(identity=Identity(mac="02000000aa01", interface="eth0"))
LEASE = Lease(
    "10.99.1.100",
    24,
    "10.99.1.1",
    routers=("10.99.1.1",),
    resolvers=("10.99.1.2",),
    lease_time=3600.0,
    renewal_time=1800.0,
    options={
        3: b"\x0a\x63\x01\x01",
        66: b"tftp.tele.test\0",
        160: b"[--key hunter2] https://h/$MA.xml",
        224: b"\x01\xff",
    },
)


def planned(**texts: str) -> Planned[AddressPlan]:
    settings, errors = decode(texts, Settings())
    assert not errors
    return plan(settings, FACTS)


def static(**texts: str) -> Planned[AddressPlan]:
    given = {"Static_IP": "10.99.1.7", "NetMask": "255.255.255.0", "Gateway": "10.99.1.1"}
    return planned(Connection_Type="Static IP", **{**given, **texts})


def test_the_phone_asks_dhcp_by_default_and_names_its_model() -> None:
    assert planned().plans == {"": DhcpPlan("eth0", "CP-8841-3PCC", "SEP02000000AA01")}


def test_host_name_is_told_to_the_server_where_it_is_one() -> None:
    assert planned(Host_Name="desk-7").plans[""] == DhcpPlan("eth0", "CP-8841-3PCC", "desk-7")
    assert planned(Host_Name="desk-7.tele.test").plans[""] == DhcpPlan(
        "eth0", "CP-8841-3PCC", "desk-7.tele.test"
    )


@pytest.mark.parametrize("name", ["not_a_label", "-desk", "desk.", "a..b"])
def test_a_host_name_that_is_none_is_found_and_not_told(name: str) -> None:
    got = planned(Host_Name=name)
    assert got.plans == planned().plans
    assert [finding.rule for finding in got.findings] == ["host-name-unusable"]


def test_a_static_address_is_a_lease_without_server_and_end() -> None:
    expected = Lease("10.99.1.7", 24, "", routers=("10.99.1.1",), lease_time=math.inf)
    assert static().plans == {"": StaticPlan("eth0", expected)}


def test_a_static_address_needs_no_gateway() -> None:
    got = static(Gateway="").plans[""]
    assert isinstance(got, StaticPlan)
    assert got.lease.routers == ()


@pytest.mark.parametrize(
    ("texts", "parameter"),
    [
        ({"Static_IP": ""}, "Static_IP"),
        ({"Static_IP": "10.99.1.255"}, "Static_IP"),
        ({"Static_IP": "127.0.0.1"}, "Static_IP"),
        ({"NetMask": ""}, "NetMask"),
        ({"NetMask": "255.0.255.0"}, "NetMask"),
        ({"Gateway": "224.0.0.1"}, "Gateway"),
    ],
)
def test_a_static_address_that_cannot_be_is_refused_by_its_parameter(
    texts: dict[str, str], parameter: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        static(**texts)
    assert caught.value.parameter == parameter
    assert caught.value.remedy


def test_without_ipv4_there_is_no_plan() -> None:
    assert planned(IP_Mode="IPv6 Only").plans == {}


def test_the_interface_of_the_voice_vlan_carries_the_address() -> None:
    decided = plan(Settings(), replace(FACTS, voice_interface="voice0")).plans[""]
    assert decided.interface == "voice0"


def test_unknown_words_of_the_option_list_are_found() -> None:
    (finding,) = planned(DHCP_Option_To_Use="66,67").findings
    assert finding.rule == "dhcp-option-unknown"


def test_what_the_plan_reads_its_own_driver_never_changes() -> None:
    assert plan(Settings(), replace(FACTS, lease=LEASE)) == plan(Settings(), FACTS)


def test_show_says_what_is_told_and_asked() -> None:
    assert show(planned().plans[""]) == (
        "DHCP on eth0\n"
        "option 60 CP-8841-3PCC\n"
        "option 12 SEP02000000AA01\n"
        "option 55 1,2,3,6,15,42,43,51,54,58,59,60,66,125,150,159,160,252\n"
    )
    assert show(static().plans[""]) == "address 10.99.1.7/24 on eth0\nrouter 10.99.1.1\n"
    assert FEATURE.show is show


PUT, ROUTE = PutAddress("10.99.1.100", 24, 60), PutRouter("10.99.1.1", "10.99.1.100")


def test_the_kernel_gets_address_and_route_with_the_life_that_is_left() -> None:
    assert commands.hold(LEASE, 60) == [PUT, ROUTE]


def test_the_new_address_is_there_before_the_old_one_goes() -> None:
    assert commands.hold(LEASE, 60, "10.99.1.50") == [
        *(PUT, ROUTE, TakeAddress("10.99.1.50")),
        *(PUT, ROUTE),
    ]


def test_a_lease_without_router_takes_an_old_route_away() -> None:
    assert commands.hold(replace(LEASE, routers=()), 60) == [PUT, TakeRouter()]


def test_what_was_remembered_is_recalled() -> None:
    held = Remembered("eth0", "10.99.1.100", 1700000000.5, b"\x02\x01")
    assert memory.decode(memory.encode(held)) == held


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"interface":"eth0","address":"10.0.0.1","asked_at":"x","message":""}',
        b'{"interface":"eth0","address":"10.0.0.1","asked_at":NaN,"message":""}',
        b'{"interface":"eth0","address":"10.0.0.1","asked_at":1,"message":"zz"}',
        b'{"interface":"eth0","address":"10.0.0.1","asked_at":1,"message":7}',
        b'{"interface":"eth0","address":"10.0.0.1 dev lo","asked_at":1,"message":""}',
        b'{"interface":"eth0","address":7,"asked_at":1,"message":""}',
        b"[" * 9000,
        b" " * 20000,
    ],
)
def test_a_spoilt_file_is_no_inheritance(data: bytes) -> None:
    assert memory.decode(data) is None


def test_rows_hold_every_option_raw_and_read_and_who_won() -> None:
    rows = dict(lease_rows(Settings(), LEASE))
    assert rows["Current IP"] == "10.99.1.100"
    assert rows["Current Netmask"] == "255.255.255.0"
    assert rows["Option 3 (routers)"] == "0a:63:01:01 = 10.99.1.1"
    assert rows["Option 66 (TFTP server name)"] == "tftp.tele.test"
    assert rows["Option 224"] == "01:ff"
    assert rows["Profile Source"] == "DHCP option 66: tftp.tele.test"
    assert rows["Option 160 Lost"] == "option 66 comes first"


def test_data_holds_the_lease_for_programs() -> None:
    data = lease_data(Settings(), LEASE)
    assert (data["address"], data["prefix"], data["server"]) == ("10.99.1.100", 24, "10.99.1.1")
    assert (data["routers"], data["resolvers"]) == (["10.99.1.1"], ["10.99.1.2"])
    assert data["options"] == {
        "3": "10.99.1.1",
        "66": "tftp.tele.test",
        "160": "[--key ***] https://h/$MA.xml",
        "224": "01:ff",
    }


@given(st.dictionaries(st.integers(1, 254), st.binary(max_size=100), max_size=8))
def test_whatever_was_offered_can_be_shown(options: dict[int, bytes]) -> None:
    lease = replace(LEASE, options=options)
    rows = lease_rows(Settings(), lease)
    assert all(label.isprintable() and text.isprintable() for label, text in rows)
    lease_data(Settings(), lease)


@pytest.mark.parametrize(
    "value",
    [
        b"[--key hunter2] https://h/x",
        b'[--key "hunter2 hunter2"] https://h/x',
        b"[--uid u --pwd hunter2] https://h/x",
        b"[--key hunter2 bad",
        b"--key hunter2",
        b'[--key "hunter2 ] https://h/x y',
    ],
)
def test_a_key_in_a_rule_is_shown_nowhere(value: bytes) -> None:
    lease = replace(LEASE, options={66: value, 160: value, 159: value, 252: value})
    shown = repr((lease_rows(Settings(), lease), lease_data(Settings(), lease)))
    assert "hunter2" not in shown
