"""`ringfence check` as a user and a program meet it."""

import gzip
import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main
from ringfence.config.settings import slots
from tests.support.check_cases import CASES, OF_A_PHONE

CLEAN = """\
<flat-profile>
  <Profile_Rule>https://pv.telco.net/$MA.xml</Profile_Rule>
  <Restricted_Access_Domains>telco.net</Restricted_Access_Domains>
  <Admin_Password>vT9k-Q2mZ4x</Admin_Password>
  <Enable_Protocol>Https</Enable_Protocol>
  <Web_Server_Port>443</Web_Server_Port>
  <Enable_802.1X_Authentication>Yes</Enable_802.1X_Authentication><RF_EAP_Server_Name>radius.telco.net</RF_EAP_Server_Name>
  <Proxy_1_>sip.telco.net</Proxy_1_>
  <SIP_Transport_1_>TLS</SIP_Transport_1_>
  <User_ID_1_>201</User_ID_1_>
  <Password_1_>bN3wL8pR6c</Password_1_>
</flat-profile>
"""
FIREWALL_OFF = CLEAN.replace("</flat-profile>", "  <Firewall>Disabled</Firewall>\n</flat-profile>")
Ran = tuple[int, str, str]
Check = Callable[..., Ran]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Check:
    """Return a function that writes files, checks them, and says exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **files: str | bytes) -> Ran:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            Path(f"{name}.xml").write_bytes(data)
        try:
            code = main(["check", *words])
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_a_clean_file_is_exit_0(check: Check) -> None:
    code, out, err = check("a.xml", a=CLEAN)
    assert (code, err) == (0, "")
    head, note = out.split("\n\n")
    assert head == "a.xml: no findings"
    assert re.fullmatch(r"not shown: \d of less severity: --severity info shows all\n", note)


def test_a_finding_is_exit_1_with_place_rule_and_remedy(check: Check) -> None:
    code, out, err = check("a.xml", a=FIREWALL_OFF)
    assert (code, err) == (1, "")
    assert out.splitlines()[:5] == [
        "a.xml: 1 warning",
        "",
        "WARNINGS",
        "a.xml:12:3: Firewall: the firewall is off: every port of the phone can be reached"
        " [firewall-disabled]",
        "    set Firewall to Enabled and open single ports in Firewall Options",
    ]


def test_the_worst_stands_first(check: Check) -> None:
    text = FIREWALL_OFF.replace("443", "99999")
    out = check("--severity", "info", "a.xml", a=text)[1]
    heads = [line for line in out.splitlines() if line.isupper()]
    assert heads == ["ERRORS", "WARNINGS", "INFOS"]
    assert out.startswith("a.xml: 1 error, 1 warning, ")


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("info", 1)])
def test_what_is_below_the_severity_asked_for_does_not_count(
    check: Check, level: str, code: int
) -> None:
    assert check("--severity", level, "a.xml", a=FIREWALL_OFF)[0] == code


def test_infos_alone_are_findings_when_they_are_asked_for(check: Check) -> None:
    assert check("--severity", "info", "a.xml", a=CLEAN)[0] == 1


def test_a_rule_can_be_left_out(check: Check) -> None:
    assert check("--ignore", "firewall-disabled", "a.xml", a=FIREWALL_OFF)[0] == 0
    assert check("--ignore", "dot1x-off", "a.xml")[0] == 1


def test_json_has_the_shape_that_programs_rely_on(check: Check) -> None:
    code, out, _ = check("--json", "a.xml", "b.xml", a=CLEAN, b=FIREWALL_OFF)
    assert code == 1
    assert json.loads(out) == {
        "schema": 1,
        "findings": [
            {
                "file": "b.xml",
                "severity": "warning",
                "rule": "firewall-disabled",
                "tag": "Firewall",
                "line": 12,
                "column": 3,
                "message": "the firewall is off: every port of the phone can be reached",
                "remedy": "set Firewall to Enabled and open single ports in Firewall Options",
            }
        ],
        "accepted": [],
        "unusable": [],
    }


def test_several_files_are_checked_although_one_is_unusable(check: Check) -> None:
    code, out, err = check("a.xml", "nowhere.xml", "b.xml", a=CLEAN, b=FIREWALL_OFF)
    assert code == 2
    assert "a.xml: no findings" in out
    assert "b.xml: 1 warning" in out
    assert out.endswith("\n\n2 files: 1 warning\n")
    assert err == "ringfence: nowhere.xml: No such file or directory\n"
    data = json.loads(check("--json", "nowhere.xml", "b.xml")[1])
    assert [one["rule"] for one in data["findings"]] == ["firewall-disabled"]
    assert data["unusable"] == [{"file": "nowhere.xml", "reason": "No such file or directory"}]


def test_standard_input_is_a_dash(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FIREWALL_OFF.encode())))
    code, out, _ = check("-")
    assert code == 1
    assert "-:12:3: Firewall:" in out


def test_a_closed_standard_input_is_one_line(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert check("-") == (2, "", "ringfence: -: Bad file descriptor\n")


def test_a_packed_file_is_read(check: Check) -> None:
    assert check("a.xml", a=gzip.compress(FIREWALL_OFF.encode()))[0] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff\xe0 a picture",
        b"\0" * 100,
        b"<flat-profile>",
        b"<device/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><flat-profile><GPP_A>&a;</GPP_A></flat-profile>",
        b"<flat-profile>" + b"<a>" * 100_000,
        b"<flat-profile>" + b" " * (2 << 20) + b"</flat-profile>",
        gzip.compress(b"<flat-profile>" + b" " * (2 << 20) + b"</flat-profile>"),
        gzip.compress(CLEAN.encode())[:60],
    ],
    ids=["empty", "picture", "zeros", "cut", "device", "doctype", "deep", "huge", "bomb", "cut gz"],
)
def test_a_file_that_cannot_be_used_is_one_line_and_exit_2(check: Check, content: bytes) -> None:
    code, out, err = check("a.xml", a=content)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("ringfence: a.xml: ")


@pytest.mark.parametrize(
    ("name", "why"), [(".", "Is a directory"), ("/dev/zero", "has more than 1048576 bytes")]
)
def test_what_is_no_file_is_one_line_and_exit_2(check: Check, name: str, why: str) -> None:
    code, out, err = check(name)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert why in err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--ignore", "no-such-rule", "a.xml"),
        ("--severity", "fatal", "a.xml"),
        ("--json", "--sarif", "a.xml"),
        ("--markdown", "a.xml"),
        ("--rules", "--sarif"),
        ("--no-such-word", "a.xml"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(check: Check, words: tuple[str, ...]) -> None:
    code, out, err = check(*words, a=CLEAN)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_a_terminal_is_told_no_control_characters(check: Check) -> None:
    text = CLEAN.replace(
        "<Proxy_1_>", "<Blah\u009b>x</Blah\u009b><Host_Name>a\u202eb</Host_Name><Proxy_1_>"
    )
    out = check("a.xml", a=text)[1]
    assert not [c for c in out if not c.isprintable() and c != "\n"]


def test_rules_are_listed_for_people_and_programs(check: Check) -> None:
    code, out, _ = check("--rules")
    assert code == 0
    assert "domains-empty (warning): The phone may use any server\n" in out
    listed = json.loads(check("--rules", "--json")[1])
    assert {one["id"] for one in listed} == set(CASES) | OF_A_PHONE
    assert set(listed[0]) == {"id", "severity", "title", "reason", "source", "remedy"}


def remarked(remark: str, text: str = FIREWALL_OFF) -> str:
    return text.replace("<flat-profile>", f"<flat-profile>\n<!-- ringfence-check: {remark} -->")


@pytest.mark.parametrize(
    "remark",
    [
        "ignore firewall-disabled: measured now",
        "ignore firewall-disabled Firewall:  measured\n now",
    ],
)
def test_a_remark_in_the_file_accepts_a_finding_and_keeps_its_reason(
    check: Check, remark: str
) -> None:
    code, out, _ = check("--json", "a.xml", a=remarked(remark))
    data = json.loads(out)
    assert (code, data["findings"]) == (0, [])
    (accepted,) = data["accepted"]
    assert (accepted["rule"], accepted["because"]) == ("firewall-disabled", "measured now")
    assert "1 accepted by remarks in the file" in check("a.xml")[1]


@pytest.mark.parametrize(
    ("remark", "rules"),
    [
        ("ignore firewall-disabled", ["check-remark-invalid", "firewall-disabled"]),
        ("ignore firewall-disabled:", ["check-remark-invalid", "firewall-disabled"]),
        ("ignore no-such-rule: why", ["check-remark-invalid", "firewall-disabled"]),
        ("allow firewall-disabled: why", ["check-remark-invalid", "firewall-disabled"]),
        ("ignore firewall-disabled Web: why", ["check-remark-unused", "firewall-disabled"]),
        ("ignore dot1x-off: why", ["check-remark-unused", "firewall-disabled"]),
    ],
)
def test_a_remark_that_accepts_nothing_is_a_finding(
    check: Check, remark: str, rules: list[str]
) -> None:
    code, out, _ = check("--json", "a.xml", a=remarked(remark))
    found = json.loads(out)["findings"]
    assert (code, [one["rule"] for one in found]) == (1, rules)
    assert (found[0]["line"], found[0]["column"]) == (2, 1)


def test_a_value_is_no_remark(check: Check) -> None:
    value = "<GPP_A><![CDATA[<!-- ringfence-check: ignore firewall-disabled: why -->]]></GPP_A>"
    assert check("a.xml", a=FIREWALL_OFF.replace("<Proxy_1_>", value + "<Proxy_1_>"))[0] == 1


def test_a_file_of_80_kilobytes_takes_no_time_to_speak_of(check: Check) -> None:
    """The limit holds with a wide margin; bench/ compares, this only catches a blunder."""
    lines = [f"<{tag}>x</{tag}>" for tag in slots()] + [
        f"<Unknwn_{n}>x</Unknwn_{n}>" for n in range(900)
    ]
    text = "<flat-profile>\n" + "\n".join(lines) + "\n</flat-profile>"
    assert len(text) > 80_000
    before = time.process_time()
    assert check("a.xml", a=text)[0] == 1
    assert time.process_time() - before < 5
