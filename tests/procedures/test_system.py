"""The chapter's procedures under Voice > System, each from its first step to its effect."""

import re

import pytest

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office


def _nft(office: Office) -> str:
    return office.at("phone", "nft", "list", "ruleset").stdout


def _ping(office: Office) -> bool:
    return office.at("stranger", "ping", "-c", "1", "-W", "1", office.address).returncode == 0


def turn_the_firewall(page: Administrator, value: str) -> None:
    page.select("Voice > System")
    page.set("Security Settings", "Firewall", value)
    page.click_submit_all_changes()


def test_enable_the_firewall(office: Office) -> None:
    judged(office, "nft")
    office.follow(turn_the_firewall, "Disabled")
    office.until(lambda: "policy drop" not in _nft(office))
    office.follow(turn_the_firewall, "Enabled")
    office.until(lambda: "policy drop" in _nft(office))
    assert "5062" in _nft(office)


def add_options(page: Administrator, words: str) -> None:
    page.select("Voice > System")
    page.set("Security Settings", "Firewall", "Enabled")
    page.set("Security Settings", "Firewall Options", words)
    page.click_submit_all_changes()


def test_configure_your_firewall_with_additional_options(office: Office) -> None:
    judged(office, "nft")
    assert _ping(office)
    office.follow(add_options, "NO_ICMP_PING, TCP:9000:9002")
    office.until(lambda: "9000-9002" in _nft(office))
    assert not _ping(office)
    office.follow(add_options, "")
    office.until(lambda: "9000-9002" not in _nft(office))
    assert _ping(office)


def list_ciphers(page: Administrator, words: str) -> None:
    page.select("Voice > System")
    page.set("Security Settings", "TLS Cipher List", words)
    page.click_submit_all_changes()


def test_configure_the_cipher_list(office: Office) -> None:
    judged(office, "kamailio")
    suite = "ECDHE-RSA-AES128-GCM-SHA256"
    office.follow(list_ciphers, suite)
    saved = rf"SAVED 1001 over tls TLSv1\.2 {suite}"
    office.until(lambda: re.search(saved, office.log("kamailio")))
    office.follow(list_ciphers, "")
    office.until(lambda: office.line(1)["suite"].startswith("TLS_"))


def restrict(page: Administrator, domains: str) -> None:
    page.select("Voice > System")
    page.set("System Configuration", "Restricted Access Domains", domains)
    page.click_submit_all_changes()


def test_configure_restricted_access_domains(office: Office) -> None:
    judged(office, "kamailio")
    office.follow(restrict, "voiceip.com, voiceip1.com")
    office.until(lambda: "Blocked by restricted domains" in office.line(1)["reason"])
    office.until(lambda: not office.line(2)["registered"])
    assert "domain not allowed: pv.telco.test" in office.lab.run("phone", "resync").stdout
    before = office.log("kamailio").count("SAVED 1001")
    office.follow(restrict, "telco.test")
    office.until(lambda: office.log("kamailio").count("SAVED 1001") > before)


def order(page: Administrator, options: str) -> str:
    page.select("Voice > Provisioning")
    page.set("Configuration Profile", "DHCP Option To Use", options)
    page.click_submit_all_changes()
    page.select("Info > Status")
    return page.read("IPv4 Status")["Profile Source"]


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ("159,160", "DHCP option 159: pv.telco.test"),
        ("66,160,159,150,60,43,125", "DHCP option 160: https://pv.telco.test/$MA.xml"),
    ],
)
def test_configure_the_dhcp_options(office: Office, options: str, source: str) -> None:
    judged(office, "dnsmasq")
    assert office.follow(order, options) == source
