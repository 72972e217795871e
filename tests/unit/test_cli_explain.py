"""`ringfence explain`: the promise that tests and tools outside rely on."""

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main

SAMPLE = """<?xml version="1.0"?>
<flat-profile>
  <!-- site -->
  <Firewall_Config ua="na">NO_ICMP_PING,TCP:12000,UDP:8000:8010,BOGUS</Firewall_Config>
  <Restricted_Access_Domains ua="na">telco.net</Restricted_Access_Domains>
  <Profile_Rule>https://pv.telco.net/$MA.xml</Profile_Rule>
  <Outbound_Proxy_1_>sip.evil.net:5061</Outbound_Proxy_1_>
  <SIP_Transport_1_ ua="na">tls</SIP_Transport_1_>
  <Auth_INVITE_1_>Yes</Auth_INVITE_1_>
  <SIP_Port_2_>5070</SIP_Port_2_>
  <SIP_Port_3_>99999</SIP_Port_3_>
  <Password_1_>Blue-Moon7</Password_1_>
  <Line_Enable_4_>No</Line_Enable_4_>
</flat-profile>
"""


@pytest.fixture
def explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def explain(text: str, *words: str) -> dict[str, Any]:
        path = tmp_path / "cfg.xml"
        path.write_text(text)
        assert main(["explain", str(path), "--json", *words]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return explain


def test_every_part_of_the_interface_is_there(explained: Any) -> None:
    data = explained(SAMPLE)
    assert data["schema"] == 1
    parts = {"schema", "settings", "findings", "firewall", "tls", "servers", "proxy", "lines"}
    assert set(data) == parts | {"vpn", "dot1x"}
    for finding in data["findings"]:
        assert set(finding) == {
            "severity",
            "rule",
            "tag",
            "line",
            "column",
            "message",
            "remedy",
        }
        assert finding["severity"] in ("error", "warning", "info")
        assert finding["message"]
        assert finding["remedy"]
    assert {"enabled", "udp", "tcp", "ping", "unreachable", "ruleset"} <= set(data["firewall"])
    for policy in data["tls"]:
        assert {
            "application",
            "min_version",
            "max_version",
            "suites",
            "source",
            "verify_name",
        } <= set(policy)


def test_settings_hold_what_differs_in_canonical_spelling_and_secrets_as_a_mask(
    explained: Any,
) -> None:
    assert explained(SAMPLE)["settings"] == {
        "Restricted_Access_Domains": "telco.net",
        "Firewall_Config": "NO_ICMP_PING,TCP:12000,UDP:8000:8010,BOGUS",
        "Profile_Rule": "https://pv.telco.net/$MA.xml",
        "SIP_Transport_1_": "TLS",
        "Auth_INVITE_1_": "Yes",
        "Outbound_Proxy_1_": "sip.evil.net:5061",
        "Password_1_": "***",
        "SIP_Port_2_": "5070",
        "Line_Enable_4_": "No",
    }


def test_a_secret_stands_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cfg.xml"
    path.write_text(SAMPLE)
    main(["explain", str(path), "--json"])
    main(["explain", str(path)])
    shown = capsys.readouterr()
    assert "Blue-Moon7" not in shown.out + shown.err


def test_the_firewall_is_the_chapters_tables_and_the_options(explained: Any) -> None:
    wall = explained(SAMPLE)["firewall"]
    assert wall["enabled"] is True
    assert wall["udp"] == [
        [68, 68],
        [546, 546],
        [5060, 5060],
        [5070, 5070],
        [8000, 8010],
        [16384, 16483],
        [53240, 53245],
    ]
    assert wall["tcp"] == [[80, 80], [12000, 12000]]
    assert (wall["ping"], wall["unreachable"]) == (False, True)


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (
            "<Firewall_Config>NO_ICMP_PING</Firewall_Config>",
            ["ping dropped", "UDP port unreachable said of every closed port"],
        ),
        (
            "<Firewall_Config>NO_ICMP_UNREACHABLE</Firewall_Config>",
            ["ping answered", "UDP port unreachable said of RTP ports only"],
        ),
        ("<Firewall>Disabled</Firewall>", ["off: everything from outside is let in"]),
    ],
)
@pytest.mark.parametrize(("echo", "answer"), [("Enabled", "answered"), ("Disabled", "dropped")])
def test_the_text_says_what_the_firewall_answers(
    values: str,
    lines: list[str],
    echo: str,
    answer: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "cfg.xml"
    path.write_text(f"<flat-profile>{values}<Broadcast_Echo>{echo}</Broadcast_Echo></flat-profile>")
    main(["explain", str(path)])
    wall = capsys.readouterr().out.partition("Firewall\n")[2].partition("Servers\n")[0]
    wanted = [*lines, f"multicast ping {answer}"]
    assert [line.strip() for line in wall.splitlines()][-len(wanted) :] == wanted


def test_servers_are_judged_by_the_domain_list(explained: Any) -> None:
    servers = {one["parameter"]: one for one in explained(SAMPLE)["servers"]}
    assert servers["Profile_Rule"]["url"] == "https://pv.telco.net:443/000e08abcdef.xml"
    assert servers["Profile_Rule"]["verdict"] == "allowed"
    assert servers["Outbound_Proxy_1_"]["host"] == "sip.evil.net"
    assert servers["Outbound_Proxy_1_"]["verdict"] == "refused"
    assert servers["Outbound_Proxy_1_"]["reason"] == "domain not allowed: sip.evil.net"


def test_lines_are_all_listed(explained: Any) -> None:
    lines = explained(SAMPLE)["lines"]
    assert [line["n"] for line in lines] == list(range(1, 17))
    assert lines[0] == {
        "n": 1,
        "enabled": True,
        "transport": "TLS",
        "proxy": "",
        "auth_invite": True,
        "reach": [],
        "media_plane_security": "",
        "calls": "",
    }
    assert lines[3]["enabled"] is False


def test_a_line_with_a_proxy_tells_what_dns_will_be_asked(explained: Any) -> None:
    text = "<flat-profile><Proxy_1_>telco.test</Proxy_1_><User_ID_1_>1</User_ID_1_></flat-profile>"
    assert explained(text)["lines"][0]["reach"] == [
        "over UDP: asks DNS for A and AAAA of telco.test, port 5060"
    ]


def test_a_line_with_a_proxy_tells_who_begins_media_plane_security(explained: Any) -> None:
    text = "<flat-profile><Proxy_2_>telco.net</Proxy_2_><User_ID_2_>2</User_ID_2_>"
    text += "<MediaSec_Request_2_>Yes</MediaSec_Request_2_></flat-profile>"
    assert explained(text)["lines"][1]["media_plane_security"] == "asked for by the phone"


def test_the_text_tells_of_each_line_that_has_a_proxy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cfg.xml"
    path.write_text(
        "<flat-profile><Proxy_1_>telco.test</Proxy_1_><User_ID_1_>1</User_ID_1_>"
        "<SIP_Transport_1_>TLS</SIP_Transport_1_>"
        "<Proxy_2_>telco.test:5070</Proxy_2_><User_ID_2_>2</User_ID_2_>"
        "<SIP_Transport_2_>Auto</SIP_Transport_2_>"
        "<Secure_Call_Option_2_>Strict</Secure_Call_Option_2_>"
        "<Proxy_3_>telco.test</Proxy_3_><User_ID_3_>3</User_ID_3_><Register_3_>No</Register_3_>"
        "</flat-profile>"
    )
    main(["explain", str(path)])
    told = capsys.readouterr().out.partition("\nLines\n")[2]
    assert [text.strip() for text in told.splitlines()] == [
        "1: TLS telco.test",
        "over TLS, names standard: asks DNS for A and AAAA of telco.test, port 5061",
        "media plane security where the server asks for it",
        "calls: SRTP only (AES_CM_128_HMAC_SHA1_80 first); PCMU, PCMA",
        "2: Auto telco.test:5070",
        "over Auto, names standard: asks DNS for A and AAAA of telco.test, port 5070 over UDP",
        "media plane security where the server asks for it",
        "calls: over TLS SRTP only (AES_CM_128_HMAC_SHA1_80 first), else RTP only; PCMU, PCMA",
        "3: UDP telco.test",
        "does not register",
    ]


def test_findings_name_the_line_of_their_element(explained: Any) -> None:
    places = {
        (one["rule"], one["tag"]): one["line"]
        for one in explained(SAMPLE)["findings"]
        if one["line"]
    }
    assert places[("value-refused", "SIP_Port_3_")] == 11
    assert places[("server-refused", "Outbound_Proxy_1_")] == 7
    assert any(tag == "Firewall_Config" and line == 4 for (_, tag), line in places.items())


def test_the_newer_firmware_profile_changes_defaults(explained: Any) -> None:
    assert explained("<flat-profile/>")["firewall"]["tcp"] == [[80, 80]]
    assert explained("<flat-profile/>", "--firmware", "12.0")["firewall"]["tcp"] == [[443, 443]]


@pytest.mark.parametrize(
    "text",
    ["", "<flat-profile>", "<device/>", "<!DOCTYPE x><flat-profile/>", "no xml at all", "\0" * 50],
)
def test_a_file_that_cannot_be_used_is_one_clear_line_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "cfg.xml"
    path.write_text(text)
    assert main(["explain", str(path), "--json"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert str(path) in shown.err


def test_a_missing_file_is_one_clear_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "/nowhere/cfg.xml"]) == 1
    assert capsys.readouterr().err == "ringfence: /nowhere/cfg.xml: No such file or directory\n"


def test_a_terminal_is_told_nothing_that_reorders_or_commands_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cfg.xml"
    path.write_text("<flat-profile><Proxy_1_>a\u202eb\u009bc</Proxy_1_></flat-profile>")
    assert main(["explain", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "1: UDP a?b?c" in shown
    assert all(line.isprintable() for line in shown.split("\n"))


def test_the_vpn_is_told_without_its_password(
    tmp_path: Path, explained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "<flat-profile><VPN_Server>vpn.telco.net</VPN_Server><VPN_User_Name>bob</VPN_User_Name>"
        "<VPN_Password>Canary-vpn-1</VPN_Password><Connect_on_Bootup>Yes</Connect_on_Bootup>"
        "</flat-profile>"
    )
    told = explained(text)["vpn"]
    assert told == {
        "connects": True,
        "because": "",
        "server": "vpn.telco.net",
        "user": "bob",
        "group": "",
        "only": False,
    }
    assert explained("<flat-profile/>")["vpn"]["because"] == "VPN Server is empty"
    path = tmp_path / "cfg.xml"
    path.write_text(text)
    assert main(["explain", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "VPN\n    every boot connects to vpn.telco.net as bob, in no tunnel group" in shown
    assert "Canary" not in shown


def test_values_that_a_later_release_obeys_are_named_once(explained: Any) -> None:
    data = explained(
        "<flat-profile>"
        "<Set_Local_Date__mm_dd_yyyy_>1/2/2026</Set_Local_Date__mm_dd_yyyy_>"
        "<Firewall>Disabled</Firewall></flat-profile>"
    )
    (finding,) = [one for one in data["findings"] if one["rule"] == "values-without-effect-yet"]
    assert finding["severity"] == "info"
    assert finding["message"] == (
        "1 value is stored, but nothing obeys it yet: Set_Local_Date__mm_dd_yyyy_"
    )


@pytest.mark.proves("PXY-06")
def test_what_each_application_would_do_with_the_proxy_is_told(explained: Any) -> None:
    data = explained(
        "<flat-profile><Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>10.0.0.9</Proxy_Host>"
        "</flat-profile>",
        "--product",
        "CP-6821-3PCC",
    )
    way = "PROXY 10.0.0.9:3128"
    assert data["proxy"] == {
        "mode": "Manual",
        "applications": {
            "provisioning": way,
            "custom-ca": way,
            "upgrade": "DIRECT: not by a proxy on CP-6821-3PCC",
            "report": way,
            "problem-report": way,
            "scep": way,
            "xsi": way,
        },
    }


def test_what_is_fetched_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.xml"
    file.write_text(
        "<flat-profile><Phone_Background>Logo</Phone_Background>"
        "<Logo_URL>https://pic.telco.test/$MA.png</Logo_URL></flat-profile>"
    )
    assert main(["explain", str(file)]) == 0
    told = capsys.readouterr().out
    assert "Downloads\n    logo: https://pic.telco.test:443/000e08abcdef.png\nLines" in told
    assert "Logo_URL: https://pic.telco.test:443/000e08abcdef.png allowed" in told
