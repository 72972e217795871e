"""Where a line registers: what DNS says, what is configured, and what is alive."""

from collections.abc import Iterator

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import leaf
from tests.support.line_phone import LinePhone
from tests.support.sip_net import (
    DOMAIN,
    FIRST,
    FIRST_V6,
    LINE,
    PHONE,
    ROOT,
    SECOND,
    SECOND_V6,
    THIRD,
    Provider,
    naptr,
    provider,
    srv,
)

__all__ = ["provider"]

DNS_V6 = "fd99::8"
Wire = tuple[Namespace, Namespace]
AUTO = {**LINE, "SIP_Transport_1_": "Auto"}
ADDRESSES = (
    f"host-record=one.test,{FIRST},{FIRST_V6}",
    f"host-record=two.test,{SECOND},{SECOND_V6}",
    f"host-record=three.test,{THIRD}",
)
EVERY_SRV = (
    srv("_sips._tcp", "one.test", 5061),
    srv("_sip._tcp", "one.test", 5060),
    srv("_sip._udp", "one.test", 5060),
)
RETURNS = {"Proxy_Fallback_Intvl_1_": "1", "Auto_Register_When_Failover_1_": "No"}
QUICK = {"SIP_Timer_F": "1", "SIP_T1": "0.1", "Reg_Retry_Intvl": "1"}


@pytest.fixture
def phone(pair: Wire, provider: Provider) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {})
    started.trust(ROOT.pem)
    yield started
    started.stop()


@pytest.mark.proves("SIP-03", "SIP-04")
@pytest.mark.parametrize(
    ("zone", "transport"),
    [
        ((naptr(20, "SIP+D2U"), naptr(10, "SIPS+D2T"), naptr(30, "SIP+D2T"), *EVERY_SRV), "TLS"),
        ((naptr(10, "SIP+D2U"), naptr(20, "SIPS+D2T"), naptr(30, "SIP+D2T"), *EVERY_SRV), "UDP"),
        ((naptr(10, "SIP+D2T", 20), naptr(10, "SIPS+D2T", 30), *EVERY_SRV), "TCP"),
        (EVERY_SRV[1:], "TCP"),
        ((f"host-record={DOMAIN},{FIRST}",), "UDP"),
    ],
)
def test_auto_takes_the_transport_that_dns_prefers(
    phone: LinePhone, provider: Provider, zone: tuple[str, ...], transport: str
) -> None:
    kamailio = provider.registrar()
    provider.zone(*zone, *ADDRESSES)
    phone.set(**AUTO)
    assert phone.wait(registered=True)["transport"] == transport
    kamailio.until(lambda: f"saved 1001 over {transport.lower()}" in kamailio.said().lower())


@pytest.mark.proves("SIP-04", "SIP-09")
def test_auto_falls_back_to_the_next_transport_and_returns_to_the_preferred_one(
    phone: LinePhone, provider: Provider
) -> None:
    secure, clear = provider.registrar(FIRST), provider.registrar(SECOND)
    provider.zone(
        naptr(10, "SIPS+D2T"),
        naptr(20, "SIP+D2U"),
        srv("_sips._tcp", "one.test", 5061),
        srv("_sip._udp", "two.test", 5060),
        *ADDRESSES,
    )
    secure.stop()
    phone.set(**AUTO, **RETURNS)
    line = phone.wait(registered=True)
    assert (line["transport"], line["server"]) == ("UDP", f"two.test ({SECOND}:5060)")
    assert "1001" in clear.contacts()
    secure.start()
    line = phone.wait(registered=True, transport="TLS")
    assert line["server"] == f"one.test ({FIRST}:5061)"
    assert "1001" in secure.contacts()


@pytest.mark.proves("SIP-04", "SIP-07")
def test_where_naptr_lists_tls_alone_a_refused_certificate_leads_to_no_clear_text(
    phone: LinePhone, provider: Provider
) -> None:
    kamailio = provider.registrar(FIRST, leaf(ROOT, dns=["one.test"]))
    dns = provider.zone(
        naptr(10, "SIPS+D2T"), *EVERY_SRV, f"host-record={DOMAIN},{FIRST}", *ADDRESSES
    )
    phone.set(**AUTO)
    phone.wait(registered=False, reason=f"wanted {DOMAIN}; the certificate has DNS:one.test")
    assert "REGISTER" not in kamailio.said()
    assert dns.logged("query[SRV] _sip._udp") == 0
    assert dns.logged(f"query[A] {DOMAIN}") == 0


@pytest.mark.proves("SIP-06")
def test_the_certificate_must_name_the_domain_and_not_the_target_of_an_srv_record(
    phone: LinePhone, provider: Provider
) -> None:
    target = provider.registrar(FIRST, leaf(ROOT, dns=["one.test"]))
    domain = provider.registrar(SECOND, leaf(ROOT, dns=[DOMAIN]))
    provider.zone(
        srv("_sips._tcp", "one.test", 5061, 1), srv("_sips._tcp", "two.test", 5061, 2), *ADDRESSES
    )
    phone.set(**LINE, SIP_Transport_1_="TLS", Use_DNS_SRV_1_="Yes", DNS_SRV_Auto_Prefix_1_="Yes")
    assert phone.wait(registered=True)["server"] == f"two.test ({SECOND}:5061)"
    assert "REGISTER" not in target.said()
    assert "1001" in domain.contacts()


@pytest.mark.proves("SIP-09")
def test_srv_records_are_tried_by_priority_and_a_dead_one_is_passed(
    phone: LinePhone, provider: Provider
) -> None:
    second, third = provider.registrar(SECOND), provider.registrar(THIRD)
    provider.zone(
        srv("_sip._tcp", "three.test", 5060, 30),
        srv("_sip._tcp", "one.test", 5060, 10),
        srv("_sip._tcp", "two.test", 5060, 20),
        *ADDRESSES,
    )
    phone.set(**LINE, SIP_Transport_1_="TCP", Use_DNS_SRV_1_="Yes", DNS_SRV_Auto_Prefix_1_="Yes")
    assert phone.wait(registered=True)["server"] == f"two.test ({SECOND}:5060)"
    assert (list(second.contacts()), third.contacts()) == (["1001"], {})


@pytest.mark.proves("SIP-09")
def test_a_registrar_that_dies_is_left_at_the_refresh_and_taken_back_when_it_lives(
    phone: LinePhone, provider: Provider
) -> None:
    first, second = provider.registrar(FIRST), provider.registrar(SECOND)
    provider.zone(
        srv("_sip._udp", "one.test", 5060, 1), srv("_sip._udp", "two.test", 5060, 2), *ADDRESSES
    )
    texts = {"Use_DNS_SRV_1_": "Yes", "DNS_SRV_Auto_Prefix_1_": "Yes", "Register_Expires_1_": "2"}
    phone.set(**LINE, **texts, **QUICK, Proxy_Fallback_Intvl_1_="1")
    assert phone.wait(registered=True)["server"] == f"one.test ({FIRST}:5060)"
    first.stop()
    phone.wait(registered=True, server=f"two.test ({SECOND}:5060)")
    assert "1001" in second.contacts()
    first.start()
    phone.wait(registered=True, server=f"one.test ({FIRST}:5060)")
    assert "1001" in first.contacts()


@pytest.mark.proves("SIP-09")
def test_a_return_over_a_connection_takes_the_old_contact_back(
    phone: LinePhone, provider: Provider
) -> None:
    first, second = provider.registrar(FIRST), provider.registrar(SECOND)
    provider.zone(*ADDRESSES)
    first.stop()
    phone.set(**{**LINE, "Proxy_1_": "one.test|two.test"}, SIP_Transport_1_="TCP", **RETURNS)
    assert phone.wait(registered=True)["server"] == f"two.test ({SECOND}:5060)"
    first.start()
    phone.wait(registered=True, server=f"one.test ({FIRST}:5060)")
    second.until(lambda: second.contacts() == {})
    assert "1001" in first.contacts()


@pytest.mark.proves("SIP-06", "SIP-09")
def test_a_static_record_is_dialled_without_dns_and_proven_by_its_own_name(
    phone: LinePhone, provider: Provider
) -> None:
    provider.registrar(FIRST, leaf(ROOT, dns=[DOMAIN]))
    provider.registrar(SECOND, leaf(ROOT, dns=["survive.test"]))
    dns = provider.zone()
    proxy = f"{DOMAIN}:p=1:A={THIRD}|survive.test:5061:p=2:10:A={SECOND}"
    phone.set(**{**LINE, "Proxy_1_": proxy}, SIP_Transport_1_="TLS")
    assert phone.wait(registered=True)["server"] == f"survive.test ({SECOND}:5061)"
    assert dns.logged("query[") == 0
    wrong = f"{DOMAIN}:p=1:A={THIRD}|other.test:p=2:A={SECOND}"
    phone.set(**{**LINE, "Proxy_1_": wrong}, SIP_Transport_1_="TLS")
    phone.wait(registered=False, reason="wanted other.test; the certificate has DNS:survive.test")


@pytest.mark.proves("SIP-09")
def test_the_alternate_proxy_takes_over_under_its_own_name(
    phone: LinePhone, provider: Provider
) -> None:
    backup = provider.registrar(SECOND, domain="two.test")
    dns = provider.zone(*ADDRESSES)
    texts = {**LINE, "Proxy_1_": "one.test", "Alternate_Proxy_1_": "two.test"}
    phone.set(**texts, SIP_Transport_1_="TCP")
    assert phone.wait(registered=True)["server"] == f"two.test ({SECOND}:5060)"
    assert "1001" in backup.contacts()
    assert dns.logged("query[A] one.test") == 1


@pytest.mark.proves("SIP-09")
@pytest.mark.parametrize(("codes", "server"), [("", ""), ("4??", f"two.test ({SECOND}:5060)")])
def test_try_backup_rsc_decides_whether_a_refusal_leads_to_the_backup(
    phone: LinePhone, provider: Provider, codes: str, server: str
) -> None:
    provider.registrar(FIRST, users={"1002": "pw1002"})
    provider.registrar(SECOND)
    provider.zone(*ADDRESSES)
    texts = {**LINE, "Proxy_1_": "one.test|two.test", "Try_Backup_RSC": codes}
    phone.set(**texts, **QUICK)
    if server:
        assert phone.wait(registered=True)["server"] == server
    else:
        phone.wait(registered=False, reason="wrong user or password")


@pytest.mark.proves("SIP-03")
@pytest.mark.parametrize("transport", ["UDP", "TLS"])
def test_the_preferred_family_is_tried_first(
    phone: LinePhone, provider: Provider, transport: str
) -> None:
    kamailio = provider.registrar(f"[{FIRST_V6}]")
    provider.zone(f"host-record={DOMAIN},{THIRD},{FIRST_V6}")
    phone.set(**{**LINE, "SIP_IP_Preference": "IPv6"}, SIP_Transport_1_=transport)
    port = "5061" if transport == "TLS" else "5060"
    assert phone.wait(registered=True)["server"] == f"{DOMAIN} ([{FIRST_V6}]:{port})"
    assert "sip:1001@[fd99::2]:" in kamailio.contacts()["1001"]


@pytest.mark.proves("SIP-03")
@pytest.mark.parametrize("transport", ["UDP", "TLS"])
def test_a_phone_of_both_families_registers_by_ipv6_alone_until_ipv4_comes(
    pair: Wire, phone: LinePhone, provider: Provider, transport: str
) -> None:
    pair[0].run("ip", "-4", "addr", "flush", "dev", "eth0")
    pair[1].address("eth0", f"{DNS_V6}/64")
    kamailio = provider.registrar(f"[{FIRST_V6}]")
    provider.registrar(SECOND)
    provider.zone(f"host-record={DOMAIN},{SECOND},{FIRST_V6}", f"listen-address={DNS_V6}")
    texts = {**LINE, "Primary_DNS": "", "SIP_Transport_1_": transport}
    phone.alone6("fd99::2", DNS_V6)
    phone.set(**texts)
    assert FIRST_V6 in phone.wait(registered=True)["server"]
    assert "sip:1001@[fd99::2]:" in kamailio.contacts()["1001"]
    pair[0].address("eth0", f"{PHONE}/24")
    phone.lent(PHONE)
    phone.set(**texts)
    phone.wait(registered=True, server=SECOND)
    kamailio.until(lambda: not kamailio.contacts())


@pytest.mark.proves("RAD-02")
def test_a_forbidden_proxy_is_neither_resolved_nor_dialled(
    phone: LinePhone, provider: Provider
) -> None:
    kamailio = provider.registrar(FIRST)
    dns = provider.zone(
        *EVERY_SRV, f"host-record={DOMAIN},{FIRST}", f"host-record=evil.other.test,{FIRST}"
    )
    for proxy in ({"Proxy_1_": "evil.other.test"}, {"Outbound_Proxy_1_": "evil.other.test"}):
        phone.set(**{**AUTO, **proxy}, Restricted_Access_Domains=DOMAIN)
        blocked = "Blocked by restricted domains: evil.other.test"
        phone.wait(registered=False, reason=blocked)
    both = {"Proxy_1_": f"evil.other.test|{DOMAIN}", "Alternate_Proxy_1_": "evil.other.test"}
    phone.set(**{**LINE, **both}, Restricted_Access_Domains=DOMAIN)
    phone.wait(registered=True)
    assert dns.logged("evil.other.test") == 0
    kamailio.until(lambda: kamailio.said().count("SAVED 1001") == 1)


@pytest.mark.proves("RAD-02")
def test_targets_of_srv_records_follow_from_a_name_that_is_allowed(
    phone: LinePhone, provider: Provider
) -> None:
    provider.registrar(FIRST)
    provider.zone(*EVERY_SRV, *ADDRESSES)
    phone.set(**AUTO, Restricted_Access_Domains=DOMAIN)
    assert phone.wait(registered=True)["server"] == f"one.test ({FIRST}:5061)"


@pytest.mark.proves("RAD-02")
def test_a_line_whose_proxy_becomes_forbidden_unregisters(
    phone: LinePhone, provider: Provider
) -> None:
    kamailio = provider.registrar(FIRST)
    provider.zone(*EVERY_SRV, *ADDRESSES)
    phone.set(**AUTO)
    phone.wait(registered=True)
    phone.set(**AUTO, Restricted_Access_Domains="elsewhere.test")
    kamailio.until(lambda: kamailio.contacts() == {})
    phone.wait(registered=False, reason=f"Blocked by restricted domains: {DOMAIN}")
