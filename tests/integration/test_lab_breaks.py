"""`ringfence lab break`: what it shows of a phone in a real network, and that it tidies up."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.door import Call
from ringfence.lab.machine import COMPONENTS, version
from ringfence.runtime.control import ask
from tests.support.lab import Command

DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "nft")
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
    *("vpn-password", "vpn-restart", "radius-ca", "fast-password", "dhcp-rogue-pc"),
    *("wpad-hijack", "proxy-407", "pac-endless"),
)
Parts = Mapping[str, list[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Return a running lab."""
    made = Command(tmp_path_factory.mktemp("lab"))
    made.up()
    yield made
    assert made.run("down").returncode == 0


@pytest.fixture(scope="module")
def before(lab: Command) -> Mapping[str, object]:
    """Return what the lab was before anything was broken."""
    return held(lab)


@pytest.fixture
def healthy(lab: Command, before: Mapping[str, object], component: list[str]) -> Iterator[Command]:
    """Name what takes part, and hold the lab in the end against what it was before."""
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]
    yield lab
    assert held(lab) == before


LOOK = """
ip netns exec pc getent ahostsv4 pv.telco.test
ip netns exec servers openssl s_client -connect 10.99.1.12:443 </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint
ip netns exec servers kamcmd -s unix:/run/lab/ctl.sock ul.dump brief | grep AoR: | sort
ip netns exec phone nft -s list chain inet ringfence input
ip netns exec stranger nft list ruleset
ip netns exec stranger ss -Hltn
"""
"""What a break may touch, asked of whoever has it."""


def held(lab: Command) -> Mapping[str, object]:
    """Return what the lab is now."""
    status = lab.status()
    return {
        "seen": lab.shell("switch", "sh", "-c", LOOK).stdout,
        "registered": [line["n"] for line in status["phone"]["lines"] if line["registered"]],
        "template": template(lab).read_text(),
        "values": [get(lab, tag) for tag in ("TLS_Cipher_List", "Profile_Rule_B")],
        "ports": status["phone"]["ports"],
        "broken": (status["break"], status["mended"], status["broken"]),
    }


def template(lab: Command) -> Path:
    return folder(lab) / "provider" / "templates" / "default.xml"


def folder(lab: Command) -> Path:
    return lab.home / "ringfence" / "lab" / "default"


def phone(lab: Command, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `ringfence phone` from outside, as the owner of the lab."""
    verb, *rest = words
    argv = [*lab.python, "-m", "ringfence", "phone", verb, "--state", str(folder(lab) / "phone")]
    return subprocess.run(
        [*argv, *rest], capture_output=True, check=False, timeout=60, **lab.options()
    )


def get(lab: Command, tag: str) -> str:
    return str((ask(folder(lab) / "phone", {"verb": "get", "tag": tag}) or {})["text"])


def show(lab: Command, name: str, code: int = 0) -> tuple[Mapping[str, Any], Parts]:
    """Break something; return what was said, whole and by the kind of its parts."""
    ran = lab.run("break", "--json", name)
    assert ran.returncode == code, ran.stdout[-3000:] + ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for part in told["parts"]:
        parts.setdefault(part["part"], []).append(part)
    return told, parts


def because(parts: Parts, section: str, tag: str, said: str = "") -> None:
    """Check that it was explained: by the chapter, the parameter in its file, and the phone."""
    (why,) = parts["why"]
    assert (why["section"], why["tag"]) == (section, tag)
    assert said in why["said"]


def refused(parts: Parts, said: str) -> None:
    """Check that a server got nothing, and that syslog and phone say why."""
    assert [part["request_bytes"] for part in parts["phone"]] == [0]
    because(parts, "HTTPS Provisioning", "Profile_Rule", said)
    assert parts["why"][0]["line"] > 0
    assert "<131>" in parts["field"][0]["syslog"]
    assert "Resync failed" in parts["field"][0]["syslog"]
    assert said in parts["field"][0]["syslog"]


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


def test_people_read_what_was_broken_done_and_put_back(healthy: Command) -> None:
    ran = healthy.run("break", "foreign-domain")
    assert ran.returncode == 0
    labels = [line[2:10].strip() for line in ran.stdout.splitlines() if line[:3].strip()]
    assert [
        label for label in labels if label in ("broke", "phone", "why", "shows as", "back")
    ] == [*("broke", "phone", "why", "shows as", "back")]
    assert "The phone withstood." in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 100


def until(lab: Command, good: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """Return the lab's status as soon as it is good."""
    while not good(status := lab.status()):
        continue
    return status


def test_what_the_phone_was_told_to_leave_open_is_no_break(healthy: Command) -> None:
    changed = healthy.run("phone", "set", "Firewall=Disabled")
    assert changed.returncode == 0
    try:
        told, _ = show(healthy, "killed-phone", code=1)
    finally:
        assert healthy.run("phone", "set", "Firewall=Enabled").returncode == 0
    assert told["error"] == "not shown: the phone's firewall is off, so no port is shut"
    assert told["restored"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_break_is_put_back(healthy: Command, number: signal.Signals) -> None:
    with healthy.popen("break", "server-name") as process:
        assert process.stdout
        for line in process.stdout:
            if "broke" in line:
                break
        process.send_signal(number)
        said = process.stdout.read()
        process.wait(60)
    if number is signal.SIGKILL:
        put_back = until(healthy, lambda status: not status["break"])
        assert put_back["mended"] == []  # it was done before anyone looked
    else:
        assert process.returncode == 130
        assert "The provider's certificate is back; resync good" in said
        assert "Interrupted." in said
    assert phone(healthy, "resync").returncode == 0


def test_what_could_not_be_put_back_is_put_back_at_the_next_look(healthy: Command) -> None:
    key = folder(healthy) / "provider" / "pv.telco.test.key"
    away = key.with_suffix(".away")
    with healthy.popen("break", "server-name") as process:
        assert process.stdout
        for line in process.stdout:
            if "broke" in line:
                break
        key.rename(away)
        said = process.stdout.read()
        process.wait(60)
    assert process.returncode == 1
    assert "NOT put back: provider ended" in said
    status = healthy.status()
    assert (status["broken"], status["reason"]) == (
        ["the provider's certificate is back"],
        "provider ended",
    )
    assert healthy.run("break", "flood").returncode == 3
    away.rename(key)
    assert "mended    the provider's certificate is back" in healthy.run("status").stdout


def test_one_break_at_a_time(healthy: Command) -> None:
    told = Call(folder(healthy), {"verb": "break", "name": "flood"}).heard()
    assert next(told)["part"] == "broke"
    (second,) = Call(folder(healthy), {"verb": "break", "name": "server-name"}).heard()
    assert second["refused"] == "the break flood is under way; wait for its end"
    (status,) = Call(folder(healthy), {"verb": "status"}).heard()
    assert status["break"] == "flood"
    *_, end = told
    assert end["withstood"], end


def test_hanging_up_while_it_is_put_back_changes_nothing(healthy: Command) -> None:
    call = Call(folder(healthy), {"verb": "break", "name": "wrong-ca"})
    for part in call.heard():
        if part["part"] == "field":  # what follows is the way back
            call.hang_up()
    assert (part["withstood"], part["interrupted"], part["restored"]) == (True, False, True)


def test_a_break_that_is_stopped_at_its_very_start_says_so(healthy: Command) -> None:
    call = Call(folder(healthy), {"verb": "break", "name": "server-name"})
    call.hang_up()
    *_, end = call.heard()
    assert end.get("interrupted") or end["refused"] == "interrupted; nothing was broken"


def test_a_phone_that_does_not_withstand_is_called_so(healthy: Command) -> None:
    file = template(healthy)
    text = file.read_text()
    (line,) = [one for one in text.splitlines() if "<Restricted_Access_Domains" in one]
    file.write_text(text.replace(line, '<Restricted_Access_Domains>""</Restricted_Access_Domains>'))
    try:
        told, parts = show(healthy, "foreign-domain", code=1)
    finally:
        file.write_text(text)
        assert phone(healthy, "resync").returncode == 0
    assert (told["withstood"], told["restored"]) == (False, True), parts["back"]
    assert "the phone asked DNS for the foreign name" in told["failures"]
    assert parts["phone"][0]["dns_queries"] > 0


def test_an_unregistered_phone_is_not_broken_any_further(healthy: Command) -> None:
    assert phone(healthy, "set", "Line_Enable_1_=No", "Line_Enable_2_=No").returncode == 0
    until(healthy, lambda status: not any(one["registered"] for one in status["phone"]["lines"]))
    ran = healthy.run("break", "server-name")
    assert ran.returncode == 3
    assert ran.stderr.startswith("ringfence: lab: the phone is not registered; ")
    assert phone(healthy, "set", "Line_Enable_1_=Yes", "Line_Enable_2_=Yes").returncode == 0
    until(
        healthy,
        lambda status: len([one for one in status["phone"]["lines"] if one["registered"]]) == 2,
    )


def test_wrong_words_are_told_in_one_line(lab: Command, tmp_path: Path) -> None:
    unknown = lab.run("break", "servername")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "ringfence: no break 'servername'; did you mean server-name?\n"
    nowhere = Command(tmp_path).run("break", "flood")
    assert (nowhere.returncode, nowhere.stdout) == (3, "")
    assert nowhere.stderr == "ringfence: lab: default does not run; ringfence lab up starts it\n"
    assert list(tmp_path.iterdir()) == []
