"""What a break tells, as people read it, and what the witness reads off the wire."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.breaks.stage import about
from ringfence.lab.breaks.table import BREAKS
from ringfence.lab.breaks.telling import ending, overview, part
from ringfence.lab.output import Output
from ringfence.lab.proofs import StepError, shut
from ringfence.lab.witness import payload, suites
from tests.support.hello import client_hello

END: Mapping[str, Any] = {
    "withstood": True,
    "failures": [],
    "error": "",
    "interrupted": False,
    "restored": True,
    "seconds": 1.25,
}


def test_the_breaks_are_those_of_the_field() -> None:
    assert list(BREAKS) == [
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
    ]


def test_the_overview_fits_a_line_each() -> None:
    lines = overview({name: entry.title for name, entry in BREAKS.items()}, "ringfence")
    assert lines[0].startswith("server-name             the provisioning server shows a")
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "Each is shown and put back: ringfence lab break NAME"


def test_a_reason_names_parameter_line_phone_and_chapter() -> None:
    told = {
        "part": "why",
        "text": "The certificate must name it.",
        "tag": "Profile_Rule",
        "value": "https://pv.telco.test/$MA.xml",
        "line": 2,
        "default": False,
        "section": "HTTPS Provisioning",
        "said": "wanted pv.telco.test; the certificate has DNS:pv.elsewhere.test",
    }
    assert part(told) == [
        "  why       Profile_Rule = https://pv.telco.test/$MA.xml, line 2 of the cfg.xml in force.",
        "            The certificate must name it.",
        "            The phone: \N{LEFT DOUBLE QUOTATION MARK}wanted pv.telco.test; the certificate"
        " has DNS:pv.elsewhere.test\N{RIGHT DOUBLE QUOTATION MARK}",
        "            Chapter: HTTPS Provisioning.",
    ]


def test_a_parameter_that_no_file_sets_is_the_default_or_was_set_at_the_phone() -> None:
    told = {"part": "why", "text": "Why.", "tag": "Firewall", "value": "Enabled", "line": None}
    told |= {"section": "Enable the Firewall", "said": ""}
    lines = part({**told, "default": True})
    assert lines[0] == "  why       Firewall = Enabled, the default."
    assert len(lines) == 3
    changed = part({**told, "value": "Disabled", "default": False})
    assert changed[0] == "  why       Firewall = Disabled, set at the phone."


def test_a_phone_whose_every_port_is_open_has_none_that_could_be_shown_shut() -> None:
    assert shut([[80, 81], [83, 65535]]) == 82
    with pytest.raises(StepError, match="every TCP port open"):
        shut([[1, 65535]])


def test_long_words_stay_whole_and_lines_short() -> None:
    lines = part({"part": "broke", "text": "word " * 40 + "x" * 60})
    assert lines[0].startswith("  broke     word word")
    assert all(line.startswith(" " * 12) for line in lines[1:])
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "The phone withstood.  (1.2 s)"),
        (
            {"withstood": False, "failures": ["it asked", "it sent"]},
            "The phone did NOT withstand: it asked; it sent.  (1.2 s)",
        ),
        (
            {"withstood": False, "error": "not shown: provider ended"},
            "It could not be shown: provider ended.  (1.2 s)",
        ),
        ({"withstood": False, "interrupted": True}, "Interrupted.  (1.2 s)"),
        (
            {"restored": False},
            "The phone withstood. Not everything is put back; ringfence lab status tries again."
            "  (1.2 s)",
        ),
    ],
)
def test_the_verdict_says_how_it_came_out(changes: Mapping[str, Any], verdict: str) -> None:
    assert ending({**END, **changes}) == ["", verdict]


def test_the_phones_words_are_those_about_the_server_that_was_broken() -> None:
    reason = "10.99.1.11: refused; 10.99.1.12: wanted a; it has b"
    assert about(reason, "10.99.1.12") == "wanted a; it has b"
    assert about("domain not allowed: x", "10.99.1.12") == "domain not allowed: x"


def packet(body: bytes, port: int = 443, options: bytes = b"") -> bytes:
    """Return an IPv4 packet with a TCP segment (RFC 791, RFC 9293), checksums left out."""
    offset = (20 + len(options)) // 4 << 4
    tcp = bytes.fromhex("c0de") + port.to_bytes(2) + bytes(8) + bytes([offset, 0x18]) + bytes(6)
    segment = tcp + options + body
    head = bytes([0x45, 0]) + (20 + len(segment)).to_bytes(2) + bytes(5) + bytes([6]) + bytes(2)
    return head + socket.inet_aton("10.99.1.125") + socket.inet_aton("10.99.1.12") + segment


def test_the_witness_reads_the_suites_of_a_client_hello() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA")
    whole = packet(client_hello(context), options=bytes(12)) + bytes(6)  # Ethernet pads
    assert suites(payload(whole, "10.99.1.12", 443)) == ["c030", "002f", "00ff"]


@pytest.mark.parametrize(
    "whole",
    [
        b"",
        bytes(60),
        packet(b""),
        packet(b"\x17\x03\x03\x00\x05hello" + bytes(60)),
        packet(b"\x16\x03\x03" + bytes(60), port=80),
        packet(b"\x16\x03\x01\x02\x00\x01")[:-2],
    ],
)
def test_the_witness_passes_over_everything_else(whole: bytes) -> None:
    assert suites(payload(whole, "10.99.1.12", 443)) is None


def test_a_mark_separates_what_was_said_before(tmp_path: Path) -> None:
    output = Output("kamailio", tmp_path / "log")
    output.add("SAVED 1001")
    mark = output.count
    output.add("SAVED 1002")
    assert [match[0] for match in output.find(r"SAVED \d+")] == ["SAVED 1001", "SAVED 1002"]
    assert [match[0] for match in output.find(r"SAVED \d+", mark)] == ["SAVED 1002"]


def test_a_mark_holds_when_old_lines_were_forgotten(tmp_path: Path) -> None:
    output = Output("phone", tmp_path / "log")
    for n in range(5000):
        output.add(f"line {n}")
    mark = output.count
    output.add("after")
    assert output.find("line", mark) == []
    assert asyncio.run(output.wait("after", mark))[0] == "after"
