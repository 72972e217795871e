"""Whether a boot connects, as whom, and who waits for it; typed from the chapter and rulings 21."""

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import Severity
from ringfence.features.vpn.plan import VpnPlan, plan, show
from ringfence.policy.network import own_address, resolvers
from ringfence.policy.vpn import Tunnel, has_vpn
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.reach import awaited
from ringfence.runtime.state import Facts, Identity
from tests.support.vpn_settings import ALWAYS, COMPLETE, PASSWORD

LEASE = Lease("10.0.0.9", 24, server="10.0.0.1", resolvers=("10.0.0.1",), lease_time=60.0)


def given(texts: dict[str, str]) -> Settings:
    settings, errors = decode(texts, Settings())
    assert not errors
    return settings


def made(texts: dict[str, str], **facts: object) -> VpnPlan:
    known = Facts(identity=Identity(product="CP-8841-3PCC"), lease=LEASE)
    return plan(given(texts), replace(known, **facts)).plans[""]


def test_a_virgin_phone_connects_nowhere_and_connect_on_bootup_is_no() -> None:
    assert Settings().system.connect_on_bootup is False
    assert made({}).login is None
    assert made({}).idle == "VPN Server is empty"
    assert made(COMPLETE).idle == "Connect on Bootup is No"


@pytest.mark.parametrize(
    ("always", "asked", "connects", "once"),
    [
        ("No", "", False, False),
        ("Yes", "", True, False),
        ("No", "on", True, True),
        ("Yes", "on", True, True),
        ("No", "off", False, False),
        ("Yes", "off", False, False),
    ],
)
def test_a_boot_connects_as_it_was_asked_or_as_connect_on_bootup_says(
    always: str, asked: str, connects: bool, once: bool
) -> None:
    found = made({**COMPLETE, "Connect_on_Bootup": always}, vpn_asked=asked)
    assert (found.login is not None, found.once) == (connects, once)


@pytest.mark.parametrize("tag", COMPLETE)
def test_without_server_user_or_password_no_attempt_is_made(tag: str) -> None:
    assert made({**ALWAYS, tag: ""}).login is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("100.101.1.218", "100.101.1.218", 443),
        ("vpn_server.example.com", "vpn_server.example.com", 443),
        ("VPN.Example.com", "vpn.example.com", 443),
        ("vpn.example.com:4443", "vpn.example.com", 4443),
        ("[2001:db8::1]:8443", "2001:db8::1", 8443),
    ],
)
def test_the_server_is_a_name_or_an_address(text: str, host: str, port: int) -> None:
    login = made({**ALWAYS, "VPN_Server": text}).login
    assert login is not None
    assert (login.host, login.port) == (host, port)


@pytest.mark.parametrize("text", ["vpn.example.com:0", "-x", "vpn..example", "a" * 70 + ".net"])
def test_a_server_that_is_none_is_an_error_and_no_attempt(text: str) -> None:
    found = plan(given({**ALWAYS, "VPN_Server": text}), Facts(lease=LEASE))
    assert found.plans[""].login is None
    assert [(one.rule, one.severity) for one in found.findings] == [
        ("vpn-unusable", Severity.ERROR)
    ]


@pytest.mark.proves("VPN-10")
@pytest.mark.parametrize(
    ("product", "has"),
    [
        ("CP-6821-3PCC", False),
        ("CP-7832-3PCC", False),
        ("CP-8832-3PCC", False),
        ("CP-6841-3PCC", True),
        ("CP-7811-3PCC", True),
        ("CP-8861-3PCC", True),
    ],
)
def test_three_models_have_no_vpn(product: str, has: bool) -> None:
    assert has_vpn(product) is has
    found = plan(given({**ALWAYS, "RF_VPN_Only": "Yes"}), Facts(Identity(product=product)))
    assert (found.plans[""].login is not None, found.plans[""].closed) == (has, has)
    assert ([one.rule for one in found.findings] == ["vpn-not-on-this-model"]) is not has


def test_a_closed_phone_without_a_tunnel_is_told_so() -> None:
    found = plan(given({**COMPLETE, "RF_VPN_Only": "Yes"}), Facts(lease=LEASE))
    assert found.plans[""].closed
    assert [one.rule for one in found.findings] == ["vpn-only-without-vpn"]


def test_everyone_waits_for_a_tunnel_that_this_boot_wants_and_no_longer() -> None:
    settings = given(ALWAYS)
    facts = Facts(lease=LEASE)
    assert awaited(settings, facts) == "the VPN is being connected"
    assert awaited(settings, replace(facts, vpn_settled=True)) == ""
    assert awaited(given(COMPLETE), facts) == ""
    assert awaited(given(COMPLETE), replace(facts, vpn_asked="on")) != ""
    assert awaited(settings, Facts()) == "the phone has no address yet"


def test_a_tunnels_address_and_dns_servers_come_before_those_of_the_lease() -> None:
    tunnel = Tunnel("10.88.0.2", ("10.77.0.1",))
    assert own_address(Settings(), LEASE, tunnel=tunnel) == "10.88.0.2"
    assert resolvers(Settings(), LEASE, tunnel=tunnel) == ("10.77.0.1",)
    assert resolvers(Settings(), LEASE, tunnel=Tunnel("10.88.0.2")) == ("10.0.0.1",)
    manual = given({"Primary_DNS": "9.9.9.9"})
    assert resolvers(manual, LEASE, tunnel=tunnel) == ("9.9.9.9", "10.77.0.1")
    static = given({"Connection_Type": "Static IP", "Static_IP": "10.0.0.3"})
    assert own_address(static, LEASE, tunnel=tunnel) == "10.88.0.2"


def test_what_is_shown_of_a_plan_has_no_password() -> None:
    text = show(made({**ALWAYS, "VPN_Tunnel_Group": "phones"}))
    assert PASSWORD not in text
    assert PASSWORD not in repr(made(ALWAYS))
    for words in (
        "--protocol=anyconnect",
        "--no-system-trust",
        "--cafile=vpn-authorities.pem",
        "--user=alice",
        "--passwd-on-stdin",
        "--authgroup=phones",
        "--server=https://vpn.telco.test:443/",
    ):
        assert words in text
    assert "--authgroup" not in show(made(ALWAYS))
    assert show(made({})) == "no tunnel: VPN Server is empty\n"
