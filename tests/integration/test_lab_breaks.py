"""`ringfence lab break`: what it shows of a phone in a real network, and that it tidies up."""

import json

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command
from tests.support.lab_breaks import (
    because,
    before,
    healthy,
    lab,
    refused,
    show,
    template,
)

__all__ = ["before", "healthy", "lab"]

SQUID = next(f"Squid {version(c.version)}" for c in COMPONENTS if c.name == "squid")


NAMES = (
    *(
        "server-name",
        "wrong-ca",
        "expired-certificate",
        "dead-address",
        "dns-lies",
        "foreign-domain",
    ),
    *("redirect-away", "encrypted-wrong-key", "unsigned-image", "rollback"),
    *("weak-cipher", "flood", "flushed-firewall", "killed-phone"),
    *("vpn-password", "vpn-restart"),
    *("ldap-starttls-stripped", "ldap-wrong-name", "ldap-password"),
    *("radius-ca", "fast-password", "dhcp-rogue-pc"),
    *("wpad-hijack", "proxy-407", "pac-endless"),
)


def test_the_list_has_one_line_for_each(lab: Command) -> None:
    listed = lab.run("break").stdout
    assert listed == lab.run("break", "--list").stdout
    assert [line.split()[0] for line in listed.partition("\n\n")[0].splitlines()] == [*NAMES]
    assert list(json.loads(lab.run("break", "--list", "--json").stdout)) == [*NAMES]


def test_the_beginning_of_a_name_is_enough_where_only_one_begins_so(lab: Command) -> None:
    named = lab.run("break", "expired", "--name", "none")
    assert (named.returncode, "none does not run" in named.stderr) == (3, True), named.stderr
    unclear = lab.run("break", "f")
    assert (unclear.returncode, unclear.stdout) == (2, "")
    assert unclear.stderr.startswith("ringfence: no break 'f'; ")


@pytest.mark.proves("PRV-20")
def test_a_certificate_for_another_name_gets_no_request(healthy: Command) -> None:
    told, parts = show(healthy, "server-name")
    assert (told["withstood"], told["restored"], told["failures"]) == (True, True, [])
    refused(parts, "the certificate has DNS:pv.elsewhere.test")
    assert "closed after 0 bytes" in parts["phone"][0]["server_log"]
    (why,) = parts["why"]
    lines = template(healthy).read_text().splitlines()
    assert lines[why["line"] - 1].strip().startswith("<Profile_Rule ")


@pytest.mark.proves("PRV-02", "PRV-24")
def test_a_certificate_of_a_foreign_ca_gets_no_request(healthy: Command) -> None:
    _, parts = show(healthy, "wrong-ca")
    refused(parts, "not issued under a root that the phone trusts")
    assert "unknown ca" in parts["phone"][0]["server_log"]


def test_an_expired_certificate_gets_no_request(healthy: Command) -> None:
    _, parts = show(healthy, "expired-certificate")
    refused(parts, "expired")
    assert "certificate expired" in parts["phone"][0]["server_log"]


@pytest.mark.proves("PRV-18", "PRV-19")
def test_dead_addresses_are_passed_until_none_is_left(healthy: Command) -> None:
    _, parts = show(healthy, "dead-address")
    walk, end = parts["phone"]
    assert (walk["tried"], walk["result"]) == (
        ["10.99.1.11", "10.99.1.13", "10.99.1.12"],
        "success",
    )
    assert end["result"] == "failure"
    because(parts, "Redundant Provisioning Servers", "Profile_Rule", "Connection refused")
    syslog = parts["field"][0]["syslog"]
    assert "Resync failed: 10.99.1.11: " in syslog
    assert "; 10.99.1.13: " in syslog


@pytest.mark.proves("PRV-05")
def test_a_thief_with_the_servers_key_gets_no_request(healthy: Command) -> None:
    _, parts = show(healthy, "dns-lies")
    refused(parts, "10.99.1.66 is not in DNS: pv.telco.test has 10.99.1.11, 10.99.1.12")


@pytest.mark.proves("RAD-03")
def test_a_foreign_server_is_not_even_looked_up(healthy: Command) -> None:
    _, parts = show(healthy, "foreign-domain")
    assert [(p["dns_queries"], p["connections"]) for p in parts["phone"]] == [(0, 0)]
    section = "Configure Restricted Access Domains"
    because(parts, section, "Restricted_Access_Domains", "domain not allowed: cfg.elsewhere.test")
    assert "domain not allowed: cfg.elsewhere.test" in parts["field"][0]["syslog"]


@pytest.mark.proves("RAD-07", "RSY-05")
def test_a_redirect_outside_the_domains_is_not_even_looked_up(healthy: Command) -> None:
    _, parts = show(healthy, "redirect-away")
    assert [(p["dns_queries"], p["connections"]) for p in parts["phone"]] == [(0, 0)]
    section = "Configure Restricted Access Domains"
    because(parts, section, "Restricted_Access_Domains", "domain not allowed: cfg.elsewhere.test")
    assert "domain not allowed: cfg.elsewhere.test" in parts["field"][0]["syslog"]


@pytest.mark.proves("RSY-06")
def test_a_profile_of_another_key_changes_nothing(healthy: Command) -> None:
    _, parts = show(healthy, "encrypted-wrong-key")
    (seen,) = parts["phone"]
    assert (seen["result"], seen["applied"]) == ("failure", False)
    because(parts, "HTTPS Provisioning", "Profile_Rule_B", "another key than the rule's --key")
    assert "another key than the rule's --key" in parts["field"][0]["syslog"]
    assert "the-key-of-this-lab" not in json.dumps(parts)


@pytest.mark.proves("RSY-09")
def test_an_image_that_the_provider_did_not_sign_is_not_even_fetched(healthy: Command) -> None:
    _, parts = show(healthy, "unsigned-image")
    (seen,) = parts["phone"]
    assert (seen["result"], seen["fetched"]) == ("failure", 0)
    section = "Configure Restricted Access Domains"
    because(parts, section, "Upgrade_Rule", "not signed by the provider")
    assert "Upgrade failed: not signed by the provider" in parts["field"][0]["syslog"]


@pytest.mark.proves("RSY-09", "LOG-01")
def test_an_image_that_dies_gives_way_and_the_firewall_never_goes(healthy: Command) -> None:
    _, parts = show(healthy, "rollback")
    (seen,) = parts["phone"]
    assert (seen["answered"], seen["last"], seen["starts"]) == (0, "silent", 3)
    assert seen["tried"] > 50
    section = "Configure Restricted Access Domains"
    because(parts, section, "Upgrade_Rule", "it did not come up in 3 starts")
    assert "was taken back: it did not come up in 3 starts" in parts["field"][0]["syslog"]


def test_weak_suites_are_never_offered(healthy: Command) -> None:
    _, parts = show(healthy, "weak-cipher")
    (seen,) = parts["phone"]
    assert seen["weak"] == []
    assert {"c030", "c02f", "009d"} <= {*seen["offered"]}
    assert not {"0005", "000a", "003b", "0034"} & {*seen["offered"]}
    because(parts, "Configure the Cipher List", "TLS_Cipher_List", "the list selects nothing")
    assert parts["why"][0]["value"] == "RC4-SHA:DES-CBC3-SHA:NULL-SHA256:ADH-AES128-SHA"


def test_a_flooded_line_still_answers_its_registrar(healthy: Command) -> None:
    _, parts = show(healthy, "flood")
    seen, counted = parts["phone"]
    assert seen["sent"] > 5000
    assert {*seen["answers"]} <= {"401"}
    assert seen["options"]["answered"] == seen["options"]["sent"] > 0
    before, after = seen["memory_kib"]
    assert after - before <= 4096
    assert counted["counters"]
    because(parts, "Configure the Challenge for SIP INVITE Messages", "Auth_INVITE_2_")


def test_a_firewall_that_was_flushed_is_back_at_once(healthy: Command) -> None:
    _, parts = show(healthy, "flushed-firewall")
    (seen,) = parts["phone"]
    assert seen["last"] == "silent"
    assert seen["answered"] < seen["tried"] / 2
    assert seen["gap_ms"] < 1000
    because(parts, "Enable the Firewall", "Firewall", "firewall.put_right")
    assert "firewall.put_right" in parts["field"][0]["syslog"]


def test_a_killed_phone_comes_back_and_its_firewall_never_went(healthy: Command) -> None:
    _, parts = show(healthy, "killed-phone")
    (seen,) = parts["phone"]
    assert (seen["answered"], seen["last"]) == (0, "silent")
    assert seen["tried"] > 50
    assert "Crash (signal 9)" in parts["field"][0]["reboot_reason"]


def test_a_computer_that_lends_addresses_is_not_heard(healthy: Command) -> None:
    _, parts = show(healthy, "dhcp-rogue-pc")
    (seen,) = parts["phone"]
    assert (seen["server"], seen["address"]) == ("10.99.1.10", "10.99.1.125")
    assert seen["dhcp"] >= 4  # three of them invented, the others dnsmasq's
    assert seen["router"] >= 2
    because(parts, "802.1X Authentication", "PC_PORT_Enable")


@pytest.mark.proves("PXY-02")
def test_whoever_answers_wpad_reads_nothing(healthy: Command) -> None:
    _, parts = show(healthy, "wpad-hijack")
    (seen,) = parts["phone"]
    assert (seen["request_bytes"], seen["login"]) == (0, False)
    said = "not issued under a root that the phone trusts"
    because(parts, "Set Up a Proxy Server", "Use_Auto_Discovery__WPAD_", said)
    assert "CONNECT pv.telco.test:443" in seen["text"]


@pytest.mark.proves("PXY-05")
def test_a_proxy_that_asks_for_a_password_is_not_gone_round(
    healthy: Command, component: list[str]
) -> None:
    component.append(SQUID)
    _, parts = show(healthy, "proxy-407")
    (seen,) = parts["phone"]
    assert (seen["answers"], seen["result"]) == (["407"], "failure")
    said = "the proxy asks who the phone is (407)"
    because(parts, "Set Up a Proxy Server", "Proxy_Server_Requires_Authentication", said)
    assert "Resync failed" in parts["field"][0]["syslog"]


def test_an_endless_pac_file_holds_nothing_up(healthy: Command, component: list[str]) -> None:
    component.append(SQUID)
    _, parts = show(healthy, "pac-endless")
    (seen,) = parts["phone"]
    assert seen["result"] == "failure"
    assert seen["milliseconds"] < 5000
    assert seen["longest_wait_ms"] < 1000
    because(parts, "Set Up a Proxy Server", "PAC_URL", "PAC file: ")
