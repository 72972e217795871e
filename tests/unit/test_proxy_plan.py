"""Where the PAC file may be, in which order, and that nothing goes round a broken setting."""

from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.config.catalog.values import ProxyMode
from ringfence.config.settings import Settings, decode
from ringfence.features.proxy import FEATURE, show
from ringfence.features.proxy.plan import ProxyPlan, plan
from ringfence.policy.applications import PROXY
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.runtime.state import Facts

LEASE = Lease("10.0.0.5", 24, "10.0.0.1", resolvers=("10.0.0.1",), domain="lan.telco.test")
OPTION = b"http://10.0.0.1/proxy.pac\0"


def facts(lease: Lease | None = LEASE, option: bytes | None = None, **more: Any) -> Facts:
    if lease and option is not None:
        lease = replace(lease, options={252: option})
    return Facts(lease=lease, **more)


def planned(known: Facts | None = None, /, **texts: str) -> ProxyPlan | None:
    settings, errors = decode(texts, Settings())
    assert not errors
    return plan(settings, known or facts()).plans.get("")


def sources(known: Facts, /, **texts: str) -> list[tuple[str, str]]:
    made = planned(known, Proxy_Mode="Auto", **texts)
    assert made
    return [(source.named_by, str(source.url)) for source in made.sources]


DNS = ("WPAD by DNS", "http://wpad.lan.telco.test:80/wpad.dat")
DHCP = ("DHCP option 252", "http://10.0.0.1:80/proxy.pac")


@pytest.mark.proves("PXY-01")
def test_there_is_no_plan_while_the_mode_is_off() -> None:
    assert planned() is None
    assert planned(facts(option=OPTION), PAC_URL="http://a/b", Proxy_Host="p") is None


@pytest.mark.proves("PXY-02")
def test_wpad_looks_at_dhcp_first_and_then_at_the_domain() -> None:
    assert sources(facts(option=OPTION)) == [DHCP, DNS]
    assert sources(facts()) == [DNS]
    assert sources(facts(replace(LEASE, domain=""), OPTION)) == [DHCP]
    assert sources(facts(replace(LEASE, domain=""))) == []


@pytest.mark.proves("PXY-02")
def test_the_domain_that_was_configured_counts_and_none_above_it() -> None:
    assert sources(facts(), Domain="sub.own.test") == [
        ("WPAD by DNS", "http://wpad.sub.own.test:80/wpad.dat")
    ]


@pytest.mark.proves("PXY-02")
def test_a_domain_of_ipv6_does_where_ipv4_has_none() -> None:
    known = facts(None, lease6=Lease6(domain="six.telco.test"))
    assert sources(known) == [("WPAD by DNS", "http://wpad.six.telco.test:80/wpad.dat")]


@pytest.mark.proves("PXY-02", "PXY-03")
def test_without_wpad_the_url_counts_alone() -> None:
    texts = {"Use_Auto_Discovery__WPAD_": "No", "PAC_URL": "tftp://pac.telco.test/a.pac"}
    assert sources(facts(option=OPTION), **texts) == [("PAC_URL", "tftp://pac.telco.test:69/a.pac")]
    assert sources(facts(option=OPTION), PAC_URL="http://a/b") == [DHCP, DNS]


@pytest.mark.parametrize(
    "option",
    [b"", b"\0", b"wpad", b"ftp://a/b", b"http://a/\nb", b"\xff\xfe", b"http://a/" + b"x" * 600],
)
def test_an_option_that_is_no_url_is_told_and_dns_is_asked(option: bytes) -> None:
    made = planned(facts(option=option), Proxy_Mode="Auto")
    assert made
    assert [source.named_by for source in made.sources] == ["WPAD by DNS"]
    assert made.unusable[0].startswith("DHCP option 252: ")
    assert made.unusable[0].isprintable()


@pytest.mark.proves("PXY-02")
def test_a_domain_where_strangers_register_is_told_and_not_asked() -> None:
    made = planned(facts(replace(LEASE, domain="co.uk")), Proxy_Mode="Auto")
    assert made
    assert made.sources == ()
    assert "wpad.co.uk is not asked for" in made.unusable[0]


def test_a_broken_setting_is_a_finding_and_a_plan_that_refuses() -> None:
    settings, _ = decode({"Proxy_Mode": "Manual", "Proxy_Host": "-a.b"}, Settings())
    decided = plan(settings, facts())
    assert [one.rule for one in decided.findings] == ["proxy-unusable"]
    assert decided.plans[""].routing.problem.startswith("Proxy_Host: ")
    texts = {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "No", "PAC_URL": "http://a..b/c"}
    settings, _ = decode(texts, Settings())
    decided = plan(settings, facts())
    assert [one.rule for one in decided.findings] == ["pac-url-unusable"]
    assert decided.plans[""].sources == ()
    assert decided.plans[""].routing.mode is ProxyMode.AUTO


def test_the_pac_file_itself_comes_direct_and_restricted_domains_do_not_bind_it() -> None:
    made = planned(facts(), Proxy_Mode="Auto", Restricted_Access_Domains="else.test")
    assert made
    assert made.reach.routing.mode is ProxyMode.OFF
    assert made.reach.tls.application is PROXY
    assert not PROXY.restricted


def test_another_network_is_another_plan_and_a_renewed_lease_is_not() -> None:
    first = planned(facts(option=OPTION), Proxy_Mode="Auto")
    assert first == planned(facts(replace(LEASE, lease_time=9.0), OPTION), Proxy_Mode="Auto")
    moved = replace(LEASE, address="10.0.1.5")
    assert first != planned(facts(moved, OPTION), Proxy_Mode="Auto")
    assert first != planned(facts(option=b"http://10.0.0.2/p"), Proxy_Mode="Auto")


def test_people_see_the_way_and_never_the_password() -> None:
    texts = {"Proxy_Server_Requires_Authentication": "Yes", "Proxy_Username": "bob"}
    made = planned(Proxy_Mode="Manual", Proxy_Host="p.test", Proxy_Password="hush", **texts)
    assert made
    assert FEATURE.show(made) == "PROXY p.test:3128, as bob"
    assert "hush" not in repr(made)
    auto = planned(facts(option=b"x"), Proxy_Mode="Auto")
    assert auto
    assert show(auto).splitlines()[:2] == [
        "as the PAC file says",
        "PAC file: http://wpad.lan.telco.test:80/wpad.dat, by WPAD by DNS",
    ]
