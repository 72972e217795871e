"""Rules of `ringfence check` that object to more than one thing, one by one."""

import io
import json
import sys
from typing import Any

import pytest

from ringfence.cli import main
from ringfence.cli.check import check
from ringfence.config.cfgxml import read
from ringfence.errors import Finding
from ringfence.policy.checks.rule import spelled
from ringfence.runtime.state import Identity
from tests.support.check_cases_reach import LDAP, LINE, TLS, UDP

STARTTLS = "<LDAP_StartTLS_Enable>Yes</LDAP_StartTLS_Enable>"
NO_WPAD = "<Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_>"


def of(rule: str, values: str) -> list[Finding]:
    document = read(f"<flat-profile>{values}</flat-profile>".encode())
    return [one for one in check(document, Identity()) if one.rule == rule]


@pytest.mark.parametrize(
    ("rule", "values", "tag", "message"),
    [
        (
            "trust-clear-text",
            "<Custom_CA_Rule>/ca.pem</Custom_CA_Rule>",
            "Custom_CA_Rule",
            "names no server",
        ),
        (
            "trust-clear-text",
            '<Custom_CA_Rule>("$PN" = "x")? https://a/c | http://b/c</Custom_CA_Rule>',
            "Custom_CA_Rule",
            "'http://b:80/c' goes over HTTP",
        ),
        (
            "upgrade-clear-text",
            "<Cisco_Headset_Upgrade_Rule>http://pv/h.zip</Cisco_Headset_Upgrade_Rule>",
            "Cisco_Headset_Upgrade_Rule",
            "over HTTP",
        ),
        (
            "report-clear-text",
            "<PRT_Upload_Rule>http://prt/up</PRT_Upload_Rule>",
            "PRT_Upload_Rule",
            "over HTTP",
        ),
        (
            "parameter-without-effect",
            "<PRT_HTTP_Header>X-Ticket</PRT_HTTP_Header>",
            "PRT_HTTP_Header",
            "because PRT_Upload_Rule is empty",
        ),
        (
            "secret-in-url",
            "<Profile_Rule>https://bob:x@pv/c</Profile_Rule>",
            "Profile_Rule",
            "user information",
        ),
        (
            "secret-in-rule",
            "<Profile_Rule>[--key $A] https://pv/c</Profile_Rule>",
            "Profile_Rule",
            "--key takes the text of GPP A",
        ),
        (
            "secret-in-rule",
            "<Profile_Rule>[--uid x --pwd $(MA:6)] https://pv/c</Profile_Rule>",
            "Profile_Rule",
            "--pwd is what stands on the back of the phone",
        ),
        (
            "provisioning-once",
            "<Provision_Enable>No</Provision_Enable>",
            "Provision_Enable",
            "ever",
        ),
        (
            "user-may-change",
            '<Firewall ua="rw"/><Phone-UI-User-Mode>Yes</Phone-UI-User-Mode>',
            "Firewall",
            'ua="rw" lets the user change it',
        ),
        (
            "user-may-change",
            '<Auth_INVITE_3_ ua="rw">Yes</Auth_INVITE_3_>',
            "Auth_INVITE_3_",
            "as soon as Phone-UI-User-Mode is Yes",
        ),
        (
            "secure-calls-in-clear",
            UDP + "<Secure_Call_Option_1_>Strict</Secure_Call_Option_1_>",
            "Secure_Call_Option_1_",
            "no call is secure",
        ),
        (
            "secure-calls-in-clear",
            UDP
            + UDP.replace("_1_", "_2_")
            + TLS.replace("_1_", "_3_")
            + "<Secure_Call_Setting>Yes</Secure_Call_Setting>",
            "Secure_Call_Setting",
            "on Ext 1 to 2",
        ),
        ("auth-invite-off", "<User_ID_1_>201</User_ID_1_>", "Auth_INVITE_1_", "the UDP port"),
        ("auth-invite-off", "<Auth_INVITE_2_>No</Auth_INVITE_2_>", "Auth_INVITE_2_", "UDP port"),
        (
            "tls-name-validate-without-tls",
            "<TLS_Name_Validate_3_>Yes</TLS_Name_Validate_3_>",
            "TLS_Name_Validate_3_",
            "speaks UDP, not TLS",
        ),
        (
            "sip-clear-text",
            LINE + "<SIP_Transport_1_>Auto</SIP_Transport_1_>",
            "SIP_Transport_1_",
            "Auto takes what DNS says",
        ),
        (
            "proxy-incomplete",
            "<Proxy_Mode>Auto</Proxy_Mode>" + NO_WPAD,
            "PAC_URL",
            "is empty, and Proxy_Mode is Auto without WPAD",
        ),
        (
            "proxy-incomplete",
            "<Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>p</Proxy_Host>"
            "<Proxy_Server_Requires_Authentication>Yes</Proxy_Server_Requires_Authentication>"
            "<Proxy_Username>u</Proxy_Username>",
            "Proxy_Password",
            "is empty, and Proxy_Server_Requires_Authentication is Yes",
        ),
        (
            "vpn-incomplete",
            "<Connect_on_Bootup>Yes</Connect_on_Bootup><VPN_Server>v</VPN_Server>",
            "Connect_on_Bootup",
            "VPN User Name or VPN Password is empty",
        ),
        (
            "ldap-clear-text",
            LDAP + "<LDAP_Auth_Method>Simple</LDAP_Auth_Method>",
            "LDAP_Server",
            "password in clear text",
        ),
        (
            "ldap-clear-text",
            LDAP + "<LDAP_Auth_Method>DIGEST-MD5</LDAP_Auth_Method>",
            "LDAP_Server",
            "a digest of its password",
        ),
        (
            "service-clear-text",
            "<Control_Server_URL>ws://ctl/</Control_Server_URL>",
            "Control_Server_URL",
            "can command the phone",
        ),
        (
            "service-clear-text",
            "<XML_Directory_Service_URL>http://x/</XML_Directory_Service_URL>",
            "XML_Directory_Service_URL",
            "what the screen shows",
        ),
        (
            "service-clear-text",
            "<Primary_Request_URL>http://x/</Primary_Request_URL>",
            "Primary_Request_URL",
            "emergency",
        ),
        (
            "acs-clear-text",
            "<Enable_TR-069>Yes</Enable_TR-069><ACS_URL>https://a/</ACS_URL>"
            "<TR-069_Fallback_Support>Yes</TR-069_Fallback_Support>"
            "<BACKUP_ACS_URL>http://b/</BACKUP_ACS_URL>",
            "BACKUP_ACS_URL",
            "over HTTP",
        ),
        (
            "password-guessable",
            LINE + "<Auth_Page_Password_1_>201</Auth_Page_Password_1_>",
            "Auth_Page_Password_1_",
            "the name of the line",
        ),
        (
            "firewall-port-opened",
            "<Firewall_Config>udp : 5000</Firewall_Config>",
            "Firewall_Config",
            "opens udp : 5000",
        ),
    ],
)
def test_each_thing_is_found_by_itself(rule: str, values: str, tag: str, message: str) -> None:
    (hit,) = of(rule, values)
    assert hit.tag == tag
    assert message in hit.message


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("trust-clear-text", "<Custom_CA_Rule>http://a b</Custom_CA_Rule>"),
        ("trust-clear-text", "<Custom_CA_Rule>ftp://a/b</Custom_CA_Rule>"),
        (
            "upgrade-clear-text",
            "<Upgrade_Rule>http://a/b</Upgrade_Rule><Upgrade_Enable>No</Upgrade_Enable>",
        ),
        ("upgrade-rule-options", "<Upgrade_Rule>http://a b</Upgrade_Rule>"),
        ("secret-in-rule", "<Profile_Rule>[--key $SA] http://a b</Profile_Rule>"),
        ("secret-in-rule", "<Profile_Rule>[--key $SA-$MA] https://pv/c</Profile_Rule>"),
        ("profile-server-from-dhcp", "<Provision_Enable>No</Provision_Enable>"),
        ("profile-server-from-dhcp", "<Profile_Rule>/a b</Profile_Rule>"),
        ("ldap-clear-text", LDAP + STARTTLS),
        ("ldap-clear-text", LDAP.replace("Yes", "No")),
        ("ldap-starttls-strippable", LDAP.replace("ldap://", "ldaps://") + STARTTLS),
        ("pac-clear-text", "<PAC_URL>http://p/</PAC_URL>"),
        ("acs-clear-text", "<ACS_URL>http://a/</ACS_URL>"),
        ("password-guessable", LINE + "<Auth_Page_Password_1_>a1b2</Auth_Page_Password_1_>"),
        ("secure-calls-in-clear", UDP),
        ("page-admin-locked", ""),
        ("auth-invite-off", ""),
        (
            "auth-invite-off",
            "<Line_Enable_1_>No</Line_Enable_1_><Auth_INVITE_1_>No</Auth_INVITE_1_>",
        ),
        ("line-without-password", "<User_ID_1_>201</User_ID_1_>"),
        ("domains-too-broad", "<Restricted_Access_Domains>10.0.0.1</Restricted_Access_Domains>"),
        (
            "domains-too-broad",
            "<Restricted_Access_Domains>pbx</Restricted_Access_Domains>"
            "<RF_Restricted_Domains_Exact_Only>Yes</RF_Restricted_Domains_Exact_Only>",
        ),
        ("syslog-debug", "<Debug_Level>DEBUG</Debug_Level>"),
    ],
)
def test_what_does_not_happen_is_not_judged(rule: str, values: str) -> None:
    assert of(rule, values) == []


def test_numbers_of_lines_are_told_as_ranges() -> None:
    assert spelled([]) == ""
    assert spelled([4]) == "4"
    assert spelled([1, 3, 4, 5, 9]) == "1, 3 to 5, 9"


def test_a_log_of_standard_input_names_it_and_knows_findings_without_a_tag(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    text = b"<flat-profile>\n<!-- ringfence-check: ignore it -->\n</flat-profile>"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["check", "--sarif", "-"]) == 1
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    (result,) = [one for one in results if one["ruleId"] == "check-remark-invalid"]
    (location,) = result["locations"]
    assert "logicalLocations" not in location
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "stdin"},
        "region": {"startLine": 2, "startColumn": 1},
    }
