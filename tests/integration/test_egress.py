"""Egress against real servers: every certificate shape, lying DNS, and not one byte too early."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.policy.applications import PROVISIONING, SIP, Application, NameCheck
from tests.support.certificates import CLIENT, Pair, authority, leaf
from tests.support.egress_bench import (
    HOST,
    OTHER,
    REQUEST,
    SERVER,
    Ask,
    Bench,
    bench,
    dns,
    resolve,
)
from tests.support.hello import SCSV, offered
from tests.support.tls_servers import Dnsmasq

__all__ = ["bench", "dns"]


Shape = Callable[[Pair], Pair]


def shape(**fields: Any) -> Shape:
    return lambda root: leaf(root, **fields)


A_LABEL, U_LABEL = "xn--bcher-kva.telco.test", "bücher.telco.test"


PRV_03, SIP_06 = pytest.mark.proves("PRV-03"), pytest.mark.proves("SIP-06")


SIP_07 = pytest.mark.proves("SIP-07")


UNTRUSTED = pytest.mark.proves("PRV-02", "PRV-24")


@pytest.mark.parametrize(
    ("made", "host", "application", "matched"),
    [
        pytest.param(shape(cn=HOST), HOST, PROVISIONING, HOST, marks=PRV_03),
        pytest.param(
            shape(cn="sprov.callme.com"),
            "sprov.callme.com",
            PROVISIONING,
            "sprov.callme.com",
            marks=PRV_03,
        ),
        pytest.param(
            shape(cn="pv.telco.net/mailto:admin@telco.net"),
            "pv.telco.net",
            PROVISIONING,
            "pv.telco.net",
            marks=PRV_03,
        ),
        pytest.param(
            shape(cn="prof.voice.com/info@voice.com"),
            "prof.voice.com",
            PROVISIONING,
            "prof.voice.com",
            marks=PRV_03,
        ),
        (shape(dns=["x.test", HOST]), HOST, PROVISIONING, HOST),
        pytest.param(shape(cn="x.test", dns=[HOST]), HOST, SIP, HOST, marks=SIP_06),
        pytest.param(shape(cn=HOST), HOST, SIP, HOST, marks=SIP_06),
        pytest.param(shape(dns=["*.telco.test"]), HOST, SIP, "*.telco.test", marks=SIP_06),
        pytest.param(shape(ips=[SERVER]), SERVER, SIP, SERVER, marks=SIP_06),
        pytest.param(shape(dns=[HOST], usage=None), HOST, SIP, HOST, marks=SIP_06),
        pytest.param(shape(dns=[A_LABEL]), U_LABEL, SIP, A_LABEL, marks=SIP_06),
        pytest.param(shape(cn=A_LABEL), U_LABEL.upper(), PROVISIONING, A_LABEL, marks=PRV_03),
        pytest.param(shape(dns=[HOST]), f"{HOST}.", PROVISIONING, HOST, marks=PRV_03),
    ],
    ids=[
        *("CN", "CN of the chapter", "CN with mailto", "CN with info", "second SAN"),
        *("SAN before CN", "CN for SIP", "wildcard for SIP", "address for SIP", "any use"),
        *("IDN for SIP", "IDN in a CN", "dot configured"),
    ],
)
def test_a_certificate_that_names_the_server_is_accepted(
    bench: Bench,
    dns: Dnsmasq,
    made: Shape,
    host: str,
    application: Application,
    matched: str,
) -> None:
    server = bench.serve(made(bench.root))
    answer = bench.ask(Ask(host=host, application=application))
    assert answer[:2] == ("accepted", matched), answer
    assert server.received() == REQUEST


@pytest.mark.parametrize(
    "application", [PROVISIONING, pytest.param(SIP, marks=SIP_07)], ids=lambda row: row.name
)
@pytest.mark.parametrize(
    ("made", "rule", "words"),
    [
        (shape(dns=["other.telco.test"]), "tls-name", "DNS:other.telco.test"),
        (shape(cn="other.telco.test"), "tls-name", "CN=other.telco.test"),
        (shape(cn=HOST, dns=["other.telco.test"]), "tls-name", "DNS:other.telco.test"),
        (shape(cn=f"{HOST}\0.evil.test"), "tls-name", HOST),
        (shape(dns=[f"{HOST}\0.evil.test"]), "tls-name", HOST),
        (shape(dns=[f"{HOST}."]), "tls-name", "none of them is that name"),
        (shape(dns=[""], cn=HOST), "tls-name", "the CN does not count"),
        (shape(ips=[SERVER], cn=HOST), "tls-name", "the CN does not count"),
        (shape(dns=["*.test"]), "tls-name", "two labels behind it"),
        (shape(cn="bücher.telco.test"), "tls-name", "that is another name"),
        (shape(cn="*.telco.test"), "tls-name", "wildcard"),
        (shape(cn=None), "tls-name", "no name at all"),
        (shape(dns=[HOST], days=(-9, -1)), "tls-chain", "expired"),
        (shape(dns=[HOST], days=(1, 9)), "tls-chain", "not valid yet"),
        (shape(dns=[HOST], usage=CLIENT), "tls-chain", "not meant for a server"),
        pytest.param(
            lambda _: leaf(authority("Foreign"), dns=[HOST]),
            "tls-chain",
            "not issued under",
            marks=UNTRUSTED,
        ),
        pytest.param(
            lambda root: leaf(authority(), dns=[HOST]),
            "tls-chain",
            "not by the root",
            marks=UNTRUSTED,
        ),
        pytest.param(lambda _: authority(HOST), "tls-chain", "self-signed", marks=UNTRUSTED),
    ],
    ids=[
        *("SAN", "CN", "CN beside SAN", "NUL", "NUL in SAN", "dot", "empty", "address", "*.test"),
        *("U-label", "wildcard CN", "no name", "expired", "too early"),
        *("client use", "foreign root", "root of the same name", "self-signed"),
    ],
)
def test_a_wrong_certificate_gets_not_one_byte(
    bench: Bench, dns: Dnsmasq, made: Shape, application: Application, rule: str, words: str
) -> None:
    server = bench.serve(made(bench.root))
    outcome, got, reason = bench.ask(Ask(application=application))
    assert (outcome, got) == ("refused", rule), reason
    assert words in reason
    assert HOST in reason
    assert SERVER in reason
    assert server.received() == b""


@pytest.mark.proves("PRV-02", "PRV-24")
def test_without_an_installed_root_nobody_is_trusted(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, dns=[HOST]))
    outcome, rule, _ = bench.ask(Ask(roots=(authority("Other").pem,)))
    assert (outcome, rule) == ("refused", "tls-chain")
    assert server.received() == b""


@pytest.mark.proves("PRV-04")
def test_provisioning_refuses_a_wildcard_that_sip_accepts(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, dns=["*.telco.test"]))
    outcome, rule, reason = bench.ask(Ask())
    assert (outcome, rule) == ("refused", "tls-name")
    assert "wildcards are not accepted for provisioning" in reason
    assert server.received() == b""


@pytest.mark.proves("SIP-05")
def test_a_line_without_name_check_still_verifies_the_chain(bench: Bench, dns: Dnsmasq) -> None:
    skipped = Ask(application=SIP, names=NameCheck.SKIPPED)
    server = bench.serve(leaf(bench.root, dns=["other.telco.test"]))
    assert bench.ask(skipped)[0] == "accepted"
    assert server.received() == REQUEST
    for wrong in (leaf(authority(), dns=[HOST]), leaf(bench.root, dns=[HOST], days=(-9, -1))):
        server = bench.serve(wrong)
        assert bench.ask(skipped)[:2] == ("refused", "tls-chain")
        assert server.received() == b""


@pytest.mark.proves("PRV-05")
def test_an_address_that_dns_does_not_know_gets_not_one_byte(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, dns=["liar.telco.test"]))
    outcome, rule, reason = bench.ask(Ask(host="liar.telco.test"))
    assert (outcome, rule) == ("refused", "tls-address")
    assert f"{SERVER} is not in DNS: liar.telco.test has {OTHER}" in reason
    assert server.received() == b""


@pytest.mark.proves("PRV-05")
def test_a_name_that_dns_does_not_have_gets_not_one_byte(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, dns=["none.telco.test"]))
    outcome, rule, reason = bench.ask(Ask(host="none.telco.test"))
    assert (outcome, rule) == ("refused", "tls-address")
    assert "none.telco.test has no address" in reason
    assert server.received() == b""


@pytest.mark.proves("PRV-05")
def test_a_dns_server_that_is_gone_confirms_nothing(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, dns=[HOST]))
    outcome, _, reason = bench.ask(Ask(resolvers=()))
    assert outcome == "failed"
    assert "no DNS server is known" in reason
    assert server.received() == b""


@pytest.mark.proves("PRV-22")
def test_a_server_given_by_address_is_confirmed_by_dns(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, cn=f"{HOST}/mailto:admin@telco.test"))
    assert bench.ask(Ask(host=SERVER))[:2] == ("accepted", HOST)
    assert server.received() == REQUEST
    for names in (["liar.telco.test"], ["none.telco.test"]):
        server = bench.serve(leaf(bench.root, dns=names))
        assert bench.ask(Ask(host=SERVER))[:2] == ("refused", "tls-address")
        assert server.received() == b""
    server = bench.serve(leaf(bench.root, ips=[SERVER]))
    assert bench.ask(Ask(host=SERVER))[:2] == ("refused", "tls-name")
    assert server.received() == b""


def test_ipv6_servers_are_confirmed_by_aaaa(bench: Bench, dns: Dnsmasq) -> None:
    server = bench.serve(leaf(bench.root, dns=["six.telco.test"]), "-6")
    answer = bench.ask(Ask(host="six.telco.test", address="fd99::9"))
    assert answer[:2] == ("accepted", "six.telco.test")
    assert server.received() == REQUEST


@pytest.mark.parametrize(
    ("words", "tags", "outcome"),
    [
        (["-tls1_2"], (), "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"),
        (["-tls1_3"], (), "TLSv1.3 TLS_AES_256_GCM_SHA384"),
        (
            ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
            (("TLS_Client_Min_Version", "TLS 1.0"), ("TLS_Cipher_List", "AES:@SECLEVEL=0")),
            "TLSv1 ECDHE-ECDSA-AES256-SHA",
        ),
        (["-tls1_3"], (("TLS_Cipher_List", "AES"),), "alert"),
        (["-tls1_2"], (("TLS_Client_Min_Version", "TLS 1.3"),), "alert"),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], (), "alert"),
        (
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
            (("TLS_Cipher_List", "AESGCM"),),
            "alert",
        ),
    ],
)
def test_versions_and_suites_are_those_of_the_policy(
    bench: Bench,
    dns: Dnsmasq,
    words: list[str],
    tags: tuple[tuple[str, str], ...],
    outcome: str,
) -> None:
    server = bench.serve(leaf(bench.root, dns=[HOST]), *words)
    answer = bench.ask(Ask(tags=tags))
    assert outcome in answer[2]
    assert server.received() == (b"" if outcome == "alert" else REQUEST)


@pytest.mark.proves("PRV-02")
def test_an_anonymous_server_is_refused_although_the_list_allows_it(
    bench: Bench, dns: Dnsmasq
) -> None:
    anonymous = ["-nocert", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"]
    server = bench.serve(leaf(bench.root, dns=[HOST]), *anonymous)
    asked = Ask(
        application=SIP,
        names=NameCheck.SKIPPED,
        tags=(("TLS_Cipher_List", "aNULL:@SECLEVEL=0"),),
    )
    assert bench.ask(asked)[:2] == ("refused", "tls-no-certificate")
    assert server.received() == b""


@pytest.mark.proves("TLS-05")
@pytest.mark.parametrize("application", [PROVISIONING, SIP], ids=lambda row: row.name)
def test_the_wire_carries_the_chapters_default_suites(
    bench: Bench, dns: Dnsmasq, application: Application
) -> None:
    server = bench.serve(leaf(bench.root, dns=[HOST]), "-msg")
    bench.ask(Ask(application=application, tags=(("TLS_Cipher_List", "DEFAULT"),)))
    dump = server.received().decode()
    hello = re.search(r"ClientHello\n((?:    [0-9a-f ]+\n)+)", dump)
    assert hello, dump
    message = bytes.fromhex(hello[1].replace("\n", " "))
    assert offered(b"\x16\x03\x01\0\0" + message) == [
        *(0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC02B, 0xC02F, 0x009E),
        *(0xC024, 0xC028, 0x006B, 0xC023, 0xC027, 0x0067, 0xC00A, 0xC014, 0x0039),
        *(0xC009, 0xC013, 0x0033, 0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F),
        SCSV,
    ]


@pytest.mark.parametrize("protocol", ["-tls1_2", "-tls1_3"])
def test_a_server_that_demands_a_certificate_refuses_the_phone_without(
    bench: Bench, dns: Dnsmasq, protocol: str
) -> None:
    devices = authority("Devices")
    devices.save(bench.folder, "devices")
    demand = ["-Verify", "1", "-verify_return_error", "-CAfile", str(bench.folder / "devices.crt")]
    certificate = leaf(bench.root, dns=[HOST])
    bench.serve(certificate, protocol, *demand)
    outcome, _, reason = bench.ask(Ask())
    assert outcome == "failed"
    assert "TLS refused by the peer" in reason
    own = leaf(devices, cn="phone", usage=CLIENT).save(bench.folder, "phone")
    server = bench.serve(certificate, protocol, *demand)
    assert bench.ask(Ask(client=own))[0] == "accepted"
    assert server.received() == REQUEST
    foreign = leaf(authority("Foreign"), cn="phone", usage=CLIENT).save(bench.folder, "phone")
    bench.serve(certificate, protocol, *demand)
    assert bench.ask(Ask(client=foreign))[0] == "failed"


@pytest.mark.proves("RAD-01", "RAD-07")
@pytest.mark.parametrize("application", [PROVISIONING, SIP], ids=lambda row: row.name)
def test_a_forbidden_domain_costs_neither_dns_nor_connection(
    bench: Bench, dns: Dnsmasq, application: Application
) -> None:
    server = bench.serve(leaf(bench.root, dns=[HOST]))
    forbidden = Ask(application=application, domains="voiceip.com, voiceipl.com")
    assert bench.ask(forbidden) == (
        "refused",
        "domain-not-allowed",
        f"domain not allowed: {HOST}",
    )
    refused = bench.phone.call(resolve, replace(forbidden, roots=(bench.root.pem,)))
    assert refused == ("refused", f"domain not allowed: {HOST}")
    allowed = replace(forbidden, domains="voiceip.com, telco.test")
    assert bench.ask(allowed)[0] == "accepted"
    assert server.received() == REQUEST
    asked = dns.queries()
    assert asked == (["A pv.telco.test"] if application is PROVISIONING else [])
