"""The chapter's procedures for the directory, from the page, and searches by page and screen."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

LAB = ("--ldap",)
SERVER = "ldap.telco.test"
DIRECTORY = "Applications,wait:Applications,Up,wait:>6 Lab directory,Select,wait:1 Last name,"


def connections(office: Office) -> list[str]:
    """Return what slapd logged of each connection, from its first line on."""
    found: dict[str, list[str]] = {}
    for line in office.log("slapd").splitlines():
        if one := re.search(r"conn=(\d+) ", line):
            found.setdefault(one[1], []).append(line)
    return ["\n".join(lines) for lines in found.values()]


def search(office: Office, word: str) -> dict[str, Any]:
    """Have the phone search; return its answer, once slapd has seen the end of it."""
    before = len(connections(office))
    told = dict(json.loads(office.lab.run("phone", "directory", word).stdout))
    office.until(lambda: _over(connections(office)[before:]))
    return told


def _over(seen: list[str]) -> bool:
    """Return whether a connection is over; who accepted it may log that last."""
    return bool(seen) and " closed" in seen[0] and " ACCEPT " in seen[0]


def configure_ldap_over_tls(page: Administrator) -> None:
    page.select("Voice > Phone")
    page.set("LDAP", "Server", f"ldaps://{SERVER}")
    page.click_submit_all_changes()


def configure_starttls(page: Administrator) -> None:
    page.select("Voice > Phone")
    page.set("LDAP", "Server", f"ldap://{SERVER}")
    page.set("LDAP", "StartTLS Enable", "Yes")
    page.click_submit_all_changes()


def look(page: Administrator) -> dict[str, str]:
    page.select("Info > Status")
    return page.read("LDAP Directory")


@pytest.mark.proves("LDP-01", "LDP-03", "LDP-05")
def test_configure_ldap_over_tls(office: Office) -> None:
    judged(office, "slapd")
    office.follow(configure_ldap_over_tls)
    told = search(office, "love")
    assert [one["name"] for one in told["entries"]] == ["Ada Lovelace"]
    seen = connections(office)[-1]
    assert ":636)" in seen
    assert "TLS established" in seen
    assert "STARTTLS" not in seen
    assert "1 entry" in office.follow(look)["Last Search"]


@pytest.mark.proves("LDP-04")
def test_configure_starttls(office: Office) -> None:
    judged(office, "slapd")
    office.follow(configure_starttls)
    told = search(office, "love")
    assert [one["name"] for one in told["entries"]] == ["Ada Lovelace"]
    seen = connections(office)[-1]
    assert ":389)" in seen
    assert seen.index("STARTTLS") < seen.index("TLS established") < seen.index(" BIND ")
    rows = office.follow(look)
    assert rows["Last Connection"].startswith("StartTLS: TLSv1.3")


def _screen(office: Office, keys: str) -> str:
    ran = office.lab.run("phone", "screen", "--once", "--keys", keys)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _asked(office: Office, words: str) -> None:
    """Return once slapd has logged what it was asked."""
    office.until(lambda: words in office.log("slapd"))


def _hang_up(office: Office) -> None:
    for call in office.lab.status()["phone"]["calls"]:
        office.lab.run("phone", "hangup", str(call["call"]))
    office.until(lambda: not office.lab.status()["phone"]["calls"])


@pytest.mark.proves("APP-01")
def test_somebody_is_found_and_called_from_the_screen(office: Office) -> None:
    judged(office, "slapd", "kamailio")
    office.phone("set", "Auth_INVITE_2_=No")
    found = _screen(office, f"{DIRECTORY}Select,wait:[Search],text:hop,Search,wait:Grace Hopper")
    assert re.search(r"Grace Hopper +1002", found)
    assert "[Call]" in found
    _asked(office, 'filter="(sn=hop*)"')
    _screen(office, "Call,wait:incoming call")
    peers = {call["peer"] for call in office.lab.status()["phone"]["calls"]}
    assert any("1002" in peer for peer in peers)
    _hang_up(office)
    nobody = _screen(office, f"{DIRECTORY}Select,text:zz(*,Search,wait:Nobody was found")
    assert "[Call]" not in nobody
    _asked(office, r'filter="(sn=zz\28\2A*)"')


def find_and_call(page: Administrator) -> list[str]:
    page.select("Directory > Lab directory")
    page.page.get_by_label("Begins with").fill("gra")
    page.page.get_by_label("Search by").select_option("First name")
    page.page.get_by_role("button", name="Search the directory").click()
    results = page.page.get_by_role("region", name="Results")
    names: list[str] = results.locator("b").all_inner_texts()
    results.get_by_role("button", name="Call 1002").click()
    expect(page.page.get_by_role("status").first).to_contain_text("The phone calls 1002")
    return names


@pytest.mark.proves("APP-01")
def test_somebody_is_found_and_called_from_the_page(office: Office) -> None:
    judged(office, "slapd", "kamailio")
    office.phone("set", "Auth_INVITE_2_=No")
    assert office.follow(find_and_call) == ["Grace Hopper"]
    _asked(office, 'filter="(givenName=gra*)"')
    office.until(lambda: office.lab.status()["phone"]["calls"])
    _hang_up(office)


@pytest.mark.parametrize("name", ["ldap-starttls-stripped", "ldap-wrong-name", "ldap-password"])
@pytest.mark.proves("LDP-06", "LDP-07")
def test_the_phone_withstands(office: Office, name: str) -> None:
    judged(office, "slapd")
    ran = office.lab.run("break", "--json", name)
    told = json.loads(ran.stdout)
    assert ran.returncode == 0, told
    assert (told["withstood"], told["restored"]) == (True, True)
