"""Every rule of `ringfence check`: a file that trips it, and one close to it that does not."""

import pytest

from ringfence.cli.check import check
from ringfence.config.cfgxml import read
from ringfence.errors import Finding
from ringfence.policy.checks import GROUPS, RULES
from ringfence.policy.checks.remarks import RULES as REMARKS
from ringfence.runtime.state import Identity
from tests.support.check_cases import CASES, OF_A_PHONE
from tests.support.check_cases_reach import ACS, DOMAINS, DOT1X, LINE, QUIET_VLAN, TLS, UDP


def found(values: str, firmware: str = "11.3") -> list[Finding]:
    document = read(f"<flat-profile>\n{values}\n</flat-profile>".encode())
    return list(check(document, Identity(mac="000e08abcdef", firmware=firmware)))


def of(rule: str, values: str) -> list[Finding]:
    return [finding for finding in found(values) if finding.rule == rule]


def test_every_rule_has_its_two_files() -> None:
    assert set(CASES) == set(RULES) - OF_A_PHONE


@pytest.mark.parametrize("rule", sorted(set(CASES) - {one.id for one in REMARKS}))
def test_a_rule_finds_what_it_is_for_and_leaves_the_other_file_alone(rule: str) -> None:
    trips, good = CASES[rule]
    hits = of(rule, trips)
    assert hits
    assert {hit.severity for hit in hits} == {RULES[rule].severity}
    for hit in hits:
        assert hit.line is not None
        assert hit.column is not None
        assert hit.remedy
    assert of(rule, good) == []


def test_a_declaration_says_everything_a_user_asks() -> None:
    for rule in RULES.values():
        assert all((rule.title, rule.reason, rule.source, rule.remedy)), rule.id
        assert not rule.title.endswith("."), rule.id
        assert rule.reason.endswith((".", ")")), rule.id
    assert sum(map(len, GROUPS.values())) == len(RULES), "an identifier stands twice"


def test_a_finding_stands_at_the_line_of_its_element() -> None:
    (hit,) = of("firewall-port-opened", "\n  <Firewall_Config>TCP:22</Firewall_Config>")
    assert (hit.tag, hit.line, hit.column) == ("Firewall_Config", 3, 3)


def test_a_silent_file_is_told_the_default_at_its_root() -> None:
    document = read(b"<?xml version='1.0'?>\n\n  <flat-profile>\n</flat-profile>")
    (hit,) = [one for one in check(document, Identity()) if one.rule == "web-clear-text"]
    assert (hit.tag, hit.line, hit.column) == ("Enable_Protocol", 3, 3)
    assert hit.message.endswith("(the file is silent, and the default is Http)")


def test_the_defaults_are_those_of_the_firmware_profile() -> None:
    assert "web-clear-text" in {one.rule for one in found("", "11.3")}
    assert "web-clear-text" not in {one.rule for one in found("", "12.0")}


def test_silent_lines_share_one_finding() -> None:
    lines = "".join(UDP.replace("_1_", f"_{n}_") for n in (1, 2, 4))
    (hit,) = of("auth-invite-off", lines)
    assert hit.tag == "Auth_INVITE_1_"
    assert "the same on Ext 2, 4 " in hit.message


def test_lines_of_the_file_have_a_finding_each() -> None:
    lines = "".join(UDP.replace("_1_", f"_{n}_") for n in (1, 2))
    assert [hit.tag for hit in of("sip-clear-text", lines)] == [
        "SIP_Transport_1_",
        "SIP_Transport_2_",
    ]


def test_a_line_that_is_off_is_not_judged() -> None:
    off = UDP + "<Line_Enable_1_>No</Line_Enable_1_>"
    assert of("sip-clear-text", off) == []
    assert of("auth-invite-off", off) == []


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_only_a_udp_port_is_open_to_callers_who_are_not_the_proxy(transport: str) -> None:
    line = LINE + f"<SIP_Transport_1_>{transport}</SIP_Transport_1_>"
    assert of("auth-invite-off", line) == []


def test_idle_lines_hold_no_port_that_a_line_in_use_has_open() -> None:
    (hit,) = of("idle-line-open", TLS)
    assert hit.message.startswith("UDP port 5060 is open for Ext 2 to 16 without proxy and user")
    assert of("idle-line-open", TLS + "<Firewall>Disabled</Firewall>") == []


def test_the_remedy_says_what_to_write() -> None:
    (hit,) = of("auth-invite-off", UDP)
    assert hit.remedy.endswith("<Auth_INVITE_1_>Yes</Auth_INVITE_1_>")


@pytest.mark.proves("DOT-10")
def test_dot1x_comes_with_advice_on_pc_port_and_voice_vlan() -> None:
    """Chapter, 802.1X Authentication: Configure PC Port, Configure Voice VLAN."""
    advice = {hit.tag: hit.message for hit in of("dot1x-second-device", DOT1X)}
    assert set(advice) == {"PC_PORT_Enable", "Enable_CDP"}
    assert all("without multidomain authentication" in text for text in advice.values())
    assert "the voice VLAN cannot be used" in advice["Enable_CDP"]
    port_off = DOT1X + "<PC_PORT_Enable>No</PC_PORT_Enable>"
    assert [hit.tag for hit in of("dot1x-second-device", port_off)] == ["Enable_CDP"]
    vlan_off = DOT1X + QUIET_VLAN
    assert [hit.tag for hit in of("dot1x-second-device", vlan_off)] == ["PC_PORT_Enable"]
    assert of("dot1x-second-device", "") == []


def test_the_list_does_not_bind_what_it_does_not_cover() -> None:
    """phone-facts 4: LDAP, syslog, NTP, HTTP proxy, VPN and 802.1X are not covered."""
    outside = (
        "<LDAP_Dir_Enable>Yes</LDAP_Dir_Enable><LDAP_Server>ldaps://dir.else.net</LDAP_Server>"
        "<Syslog_Server>log.else.net</Syslog_Server><VPN_Server>vpn.else.net</VPN_Server>"
        "<Primary_NTP_Server>ntp.else.net</Primary_NTP_Server>"
        "<PRT_Upload_Rule>https://prt.else.net/up</PRT_Upload_Rule>"
    )
    rules = {finding.rule for finding in found(DOMAINS + outside)}
    assert rules.isdisjoint({"server-refused", "domains-lock-out"})
    assert of("server-refused", DOMAINS + ACS.replace("telco", "else"))


@pytest.mark.parametrize(
    "values",
    [
        "<Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_><Proxy_Port>3128</Proxy_Port>",
        "<Proxy_Host/><VPN_User_Name/><LDAP_Server/><Static_IP/>",
    ],
)
def test_a_dump_of_defaults_is_no_mistake(values: str) -> None:
    assert of("parameter-without-effect", values) == []
    assert of("wpad-on", values) == []


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        ("<VPN_Password>vT9kQ2mZ4x</VPN_Password>", "VPN_Password"),
        (TLS + "<SIP_Port_1_>5070</SIP_Port_1_>", "SIP_Port_1_"),
        (
            "<Firewall>Disabled</Firewall><Firewall_Config>NO_ICMP_PING</Firewall_Config>",
            "Firewall_Config",
        ),
        ("<ACS_URL>https://acs.telco.net/</ACS_URL>", "ACS_URL"),
        ("<Outbound_Proxy_1_>sip.telco.net</Outbound_Proxy_1_>", "Outbound_Proxy_1_"),
    ],
)
def test_what_another_parameter_takes_the_effect_from_is_named(values: str, tag: str) -> None:
    assert [hit.tag for hit in of("parameter-without-effect", values)] == [tag]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("secret", "tried first"),
        ("201", "the name of the line"),
        ("a1b2c3d", "shorter than 8"),
        ("8273645190", "digits only"),
    ],
)
def test_a_weak_password_of_a_line_is_told_by_its_weakness(password: str, why: str) -> None:
    (hit,) = of("password-guessable", UDP + f"<Password_1_>{password}</Password_1_>")
    assert why in hit.message
    assert password not in hit.message + hit.remedy


def test_lines_of_one_account_may_share_its_password() -> None:
    password = "<Password_1_>vT9kQ2mZ4x</Password_1_>"
    twice = LINE + password + (LINE + password).replace("_1_", "_2_")
    assert of("password-shared", twice) == []
    assert of("password-shared", twice.replace("<User_ID_2_>201", "<User_ID_2_>202"))


@pytest.mark.parametrize("word", ["NULL", "eNULL", "aNULL", "ADH", "RC4-SHA", "SEED", "RC4-MD5"])
def test_a_weak_word_is_found_unless_it_excludes(word: str) -> None:
    def listed(text: str) -> list[Finding]:
        return of("cipher-weak", f"<TLS_Cipher_List>{text}</TLS_Cipher_List>")

    assert listed(f"HIGH:{word}")
    assert listed(f"HIGH:!{word}") == []
    assert listed(f"HIGH:{word}:!{word}") == []


def test_the_examples_of_the_chapter_and_plain_words_are_not_weak() -> None:
    for text in ("RSA:!aNULL:!eNULL", "HIGH", "ALL", "DEFAULT", "ECDHE:DHE", "SUITEB128"):
        assert of("cipher-weak", f"<TLS_Cipher_List>{text}</TLS_Cipher_List>") == []


def test_a_lowered_level_is_found_with_and_without_a_separator() -> None:
    for text in ("HIGH:@SECLEVEL=1", "DEFAULT@SECLEVEL=0"):
        assert of("cipher-security-level", f"<TLS_Cipher_List>{text}</TLS_Cipher_List>")
    assert of("cipher-security-level", "<TLS_Cipher_List>HIGH@SECLEVEL=3</TLS_Cipher_List>") == []


def test_one_cause_has_one_finding() -> None:
    rules = [
        one.rule
        for one in found("<Admin_Password></Admin_Password>")
        if one.tag == "Admin_Password"
    ]
    assert rules == ["web-no-admin-password"]
    broken = found("<Profile_Rule>https://pv.telco.net/a b</Profile_Rule>")
    assert [one.rule for one in broken if one.tag == "Profile_Rule"] == ["profile-rule-invalid"]


def test_a_secret_of_the_file_stands_in_no_finding() -> None:
    secret = "hunter2hunter2"
    values = (
        f"<Profile_Rule>http://bob:{secret}@pv.telco.net/x</Profile_Rule>"
        f"<Profile_Rule_B>[--key {secret}] https://pv.telco.net/x?token={secret}</Profile_Rule_B>"
        f"<Profile_Rule_C>https://pv.telco.net/x [--pwd {secret}]</Profile_Rule_C>"
        f"<Upgrade_Rule>https://pv.telco.net/x y?pwd={secret}</Upgrade_Rule>"
        f"<Admin_Password>{secret}</Admin_Password><User_Password>{secret}</User_Password>"
        + LINE
        + f"<Password_1_>{secret}</Password_1_><PAC_URL>http://b:{secret}@h/p</PAC_URL>"
    )
    said = found(values)
    assert {"secret-in-url", "secret-in-rule", "password-shared"} <= {one.rule for one in said}
    assert not [one for one in said if secret in one.message + one.remedy]
