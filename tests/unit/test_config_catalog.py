"""The catalogue against the tables of the chapter, typed here by hand."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.codecs import Password, Secret, SecretText
from ringfence.config.parameter import Access, Effect, Param, Status
from ringfence.config.settings import ROWS, aliases, canonical, decode, slots, virgin

ALL = [(tab, name, row) for tab, rows in ROWS.items() for name, row in rows.items()]

LABELS = {
    # labels as the chapter prints them
    "Restricted Access Domains": "Restricted_Access_Domains",
    "DHCP Option To Use": "DHCP_Option_To_Use",
    "DHCPv6 Option To Use": "DHCPv6_Option_To_Use",
    "Auth INVITE": "Auth_INVITE_{n}_",
    "SIP Transport": "SIP_Transport_{n}_",
    "Profile Rule": "Profile_Rule",
    "Profile Rule B": "Profile_Rule_B",
    "Profile Rule C": "Profile_Rule_C",
    "Profile Rule D": "Profile_Rule_D",
    "Upgrade Rule": "Upgrade_Rule",
    "Cisco Headset Upgrade Rule": "Cisco_Headset_Upgrade_Rule",
    "Report Rule": "Report_Rule",
    "Custom CA Rule": "Custom_CA_Rule",
    "Proxy": "Proxy_{n}_",
    "Outbound Proxy": "Outbound_Proxy_{n}_",
    "Firewall": "Firewall",
    "Firewall Options": "Firewall_Config",
    "Broadcast Echo": "Broadcast_Echo",
    "Peer Firmware Sharing": "Peer_Firmware_Sharing",
    "TLS Cipher List": "TLS_Cipher_List",
    "TLS Name Validate": "TLS_Name_Validate_{n}_",
    "MediaSec Request": "MediaSec_Request_{n}_",
    "MediaSec Over TLS Only": "MediaSec_Over_TLS_Only_{n}_",
    "Enable 802.1X Authentication": "Enable_802.1X_Authentication",
    "Proxy Mode": "Proxy_Mode",
    "Use Auto Discovery (WPAD)": "Use_Auto_Discovery__WPAD_",
    "PAC URL": "PAC_URL",
    "Proxy Host": "Proxy_Host",
    "Proxy Port": "Proxy_Port",
    "Proxy Server Requires Authentication": "Proxy_Server_Requires_Authentication",
    "Username": "Proxy_Username",
    "VPN Server": "VPN_Server",
    "VPN User Name": "VPN_User_Name",
    "VPN Password": "VPN_Password",
    "VPN Tunnel Group": "VPN_Tunnel_Group",
    "Connect on Bootup": "Connect_on_Bootup",
    # labels of which phone-facts 1.1 prints the tag
    "Resync At (HHmm)": "Resync_At__HHmm_",
    "Set Local Date (mm/dd/yyyy)": "Set_Local_Date__mm_dd_yyyy_",
    "Inactivity Timer(m)": "Inactivity_Timer_m_",
    "Display Off Idle Timeout (mins)": "Display_Off_Idle_Timeout__mins_",
    "Enable LLDP-MED": "Enable_LLDP-MED",
    "Enable TR-069": "Enable_TR-069",
    "SIP Remote-Party-ID": "SIP_Remote-Party-ID_{n}_",
    "CWMP V1.2 Support": "CWMP_V1.2_Support",
    "G722.2 Enable": "G722.2_Enable_{n}_",
}

IRREGULAR = {
    "Firewall_Config": "Firewall Options",
    "Proxy_Username": "Username",
    "Proxy_Password": "Password",
    "periodic_upload_to_server": "Periodic Upload to Server",
    "ice_stun_enable": "ICE STUN Enable",
    "CDC_Server_1_": "CDC Server",
    "CDC_Root_CA_Fingerprint_1_": "CDC Root CA Fingerprint",
    "CDC_Challenge_Password_1_": "CDC Challenge Password",
    "LDAP_Corp_Dir_Name": "Corp Dir Name",
    "LDAP_Server": "Server",
    "LDAP_Search_Base": "Search Base",
    "LDAP_Client_DN": "Client DN",
    "LDAP_User_Name": "User Name",
    "LDAP_Password": "Password",
    "LDAP_Auth_Method": "Auth Method",
    "LDAP_StartTLS_Enable": "StartTLS Enable",
    "LDAP_Last_Name_Filter": "Last Name Filter",
    "LDAP_First_Name_Filter": "First Name Filter",
    "LDAP_Search_Item_3": "Search Item 3",
    "LDAP_Item_3_Filter": "Search Item 3 Filter",
    "LDAP_Search_Item_4": "Search Item 4",
    "LDAP_Item_4_Filter": "Search Item 4 Filter",
    "LDAP_Display_Attrs": "Display Attrs",
    "LDAP_Number_Mapping": "Number Mapping",
    "LDAP_Unified_Search_Enable": "Unified Search Enable",
}
"""Every tag that its label does not give; tags of our own, RF_..., aside."""

CHAPTER = {
    # the chapter's syntax strings and defaults: tag, ua, default
    "Restricted_Access_Domains": ("na", ""),
    "DHCP_Option_To_Use": ("na", "66,160,159,150,60,43,125"),
    "DHCPv6_Option_To_Use": ("na", "17,160,159"),
    "Auth_INVITE_1_": ("na", "No"),
    "SIP_Transport_1_": ("na", "UDP"),
    "LDAP_Server": ("na", ""),
    "LDAP_Auth_Method": ("na", "None"),
    "LDAP_StartTLS_Enable": ("na", "No"),
    "Firewall": ("na", "Enabled"),
    "Firewall_Config": ("na", ""),
    "TLS_Cipher_List": ("na", ""),
    "TLS_Name_Validate_1_": ("na", "Yes"),
    "MediaSec_Request_1_": ("na", "No"),
    "MediaSec_Over_TLS_Only_1_": ("na", "No"),
    "Enable_802.1X_Authentication": ("rw", "No"),
    "Proxy_Mode": ("rw", "Off"),
    "Use_Auto_Discovery__WPAD_": ("rw", "Yes"),
    "PAC_URL": ("rw", ""),
    "Proxy_Host": ("rw", ""),
    "Proxy_Port": ("rw", "3128"),
    "Proxy_Server_Requires_Authentication": ("rw", "No"),
    "Proxy_Username": ("rw", ""),
    "Proxy_Password": ("rw", ""),
    "VPN_Server": ("rw", ""),
    "VPN_User_Name": ("rw", ""),
    "VPN_Password": ("rw", ""),
    "VPN_Tunnel_Group": ("rw", ""),
    "Connect_on_Bootup": ("rw", "No"),
}

NEWER = {"Enable_Protocol": "Https", "Web_Server_Port": "443"}
"""Defaults of the firmware profile 12.0 that differ. Source: phone-facts 0."""


def by_rule(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9.\-]", "_", label)


def without_line(tag: str) -> str:
    return tag.removesuffix("_{n}_")


def row_of(tag: str) -> Param:
    return slots()[tag].row


def refused(tag: str, text: str) -> bool:
    return bool(decode({tag: text}, virgin())[1])


@pytest.mark.proves("CFG-03")
@pytest.mark.parametrize(("label", "tag"), LABELS.items())
def test_a_label_of_the_guides_has_its_tag(label: str, tag: str) -> None:
    assert tag in {row.tag for _, _, row in ALL if row.label == label}


@pytest.mark.proves("CFG-03")
def test_every_tag_follows_from_its_label_or_stands_in_the_table_of_exceptions() -> None:
    exceptions = {
        without_line(row.tag): row.label
        for _, _, row in ALL
        if by_rule(row.label) != without_line(row.tag) and not row.tag.startswith("RF_")
    }
    assert exceptions == IRREGULAR


def test_a_tag_of_our_own_is_the_label_behind_a_prefix() -> None:
    ours = [row for _, _, row in ALL if row.tag.startswith("RF_")]
    assert len(ours) >= 10
    assert {row.tag for row in ours} - {"RF_" + by_rule(row.label) for row in ours} == {
        "RF_EAP_FAST_Identity",
        "RF_EAP_FAST_Password",
        "RF_EAP_FAST_PAC_Mode",
    }


@pytest.mark.parametrize(("tag", "expected"), CHAPTER.items())
def test_the_chapter_decides_access_and_default(tag: str, expected: tuple[str, str]) -> None:
    row = row_of(tag)
    assert (row.access.value, row.codec.encode(row.default)) == expected


def test_the_newer_firmware_differs_where_the_table_of_drift_says() -> None:
    differing = {
        row.tag: row.codec.encode(row.newer_default)
        for _, _, row in ALL
        if row.newer_default != row.default
    }
    assert differing == NEWER


@pytest.mark.proves("CFG-04")
@given(st.integers(1, 16), st.sampled_from(sorted(ROWS["ext"])))
def test_a_parameter_of_a_line_ends_in_the_number_of_its_line(n: int, name: str) -> None:
    row = ROWS["ext"][name]
    tag = row.tag.replace("{n}", str(n))
    assert tag.endswith(f"_{n}_")
    slot = slots()[tag]
    assert (slot.tab, slot.name, slot.n) == ("ext", name, n)


@pytest.mark.proves("CFG-04")
@given(st.integers(1, 16), st.text("abc", min_size=1, max_size=8))
def test_a_line_s_parameter_reaches_that_line_alone(n: int, text: str) -> None:
    settings, errors = decode({f"Display_Name_{n}_": text}, virgin())
    assert not errors
    assert [ext.display_name for ext in settings.ext] == [
        text if at == n else "" for at in range(1, 17)
    ]


@pytest.mark.proves("CFG-04")
@pytest.mark.parametrize("n", ["0", "17", "01", "", "{n}"])
def test_there_is_no_line_but_1_to_16(n: str) -> None:
    assert f"SIP_Transport_{n}_" not in slots()
    assert canonical(f"SIP_Transport_{n}_") is None


def test_every_tag_and_alias_means_one_parameter() -> None:
    tags = [row.tag for _, _, row in ALL]
    assert len(tags) == len(set(tags))
    assert not aliases().keys() & slots().keys()
    assert set(aliases().values()) <= slots().keys()


@pytest.mark.parametrize(
    ("alias", "tag"),
    [
        ("Log_Resync_Request_Msg", "Log_Request_Msg"),
        ("Log_Resync_Success_Msg", "Log_Success_Msg"),
        ("Log_Resync_Failure_Msg", "Log_Failure_Msg"),
        ("Admin_Passwd", "Admin_Password"),
        ("LDAP_Username", "LDAP_User_Name"),
        ("Auth_INVITE_7", "Auth_INVITE_7_"),
        ("Use_Auto_Discovery_WPAD_", "Use_Auto_Discovery__WPAD_"),
        ("Resync_At", "Resync_At__HHmm_"),
        ("Periodic_Upload_to_Server", "periodic_upload_to_server"),
        ("HostName", "Host_Name"),
        ("FIPS_MODE", "FIPS_Mode"),
        ("Group_Paging_Script", "Group_1_Paging_Script"),
    ],
)
def test_a_spelling_of_the_field_means_the_canonical_tag(alias: str, tag: str) -> None:
    assert canonical(alias) == tag


LIMITS = [
    ("TLS_Cipher_List", "A" * 521, "A" * 522),
    ("VPN_User_Name", "u" * 31, "u" * 32),
    ("VPN_Password", "p" * 31, "p" * 32),
    ("VPN_Tunnel_Group", "g" * 31, "g" * 32),
    ("VPN_Server", "v" * 255, "v" * 256),
    ("PAC_URL", "http://" + "p" * 504, "http://" + "p" * 505),
    ("Proxy_Host", "h" * 255, "h" * 256),
    ("Proxy_Port", "65535", "65536"),
    ("Proxy_Port", "0", "-1"),
    ("EXT_SIP_Port_16_", "0", "65536"),
    ("SIP_Port_1_", "65535", "65536"),
    ("Web_Server_Port", "1", "0"),
    ("Admin_Password", "Aa1" + "x" * 124, "Aa1" + "x" * 125),
    ("LDAP_Corp_Dir_Name", "n" * 63, "n" * 64),
    ("VLAN_ID", "4095", "4096"),
    ("Network_Startup_Delay", "300", "301"),
    ("Prefix_Length", "128", "129"),
    ("Resync_Random_Delay", "65535", "65536"),
    ("Register_Expires_1_", "2000000", "2000001"),
    ("PRT_Max_Timer", "15", "14"),
    ("PRT_Max_Timer", "1440", "1441"),
    ("PRT_HTTP_Header_Value", "ab", "a"),
    ("periodic_upload_to_server", "600", "599"),
    ("Resync_At__HHmm_", "2400", "2401"),
    ("Resync_At__HHmm_", "0000", "1260"),
]


@pytest.mark.proves("CFG-09")
@pytest.mark.parametrize(("tag", "last", "beyond"), LIMITS)
def test_a_limit_holds_at_its_boundary(tag: str, last: str, beyond: str) -> None:
    assert not refused(tag, last)
    assert refused(tag, beyond)


@pytest.mark.proves("CFG-09")
def test_a_vpn_server_longer_than_31_characters_is_doubtful_but_may_be_a_name() -> None:
    codec = row_of("VPN_Server").codec
    assert codec.doubt("v" * 31) == ""
    assert "31" in codec.doubt("v" * 32)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("Proxy_Host", "http://proxy.example.com"),
        ("PAC_URL", "gopher://pac.example.com/"),
        ("Control_Server_URL", "http://control.example.com"),
        ("Static_IP", "10.0.0"),
        ("IPv6_Static_IP", "10.0.0.1"),
        ("Resync_Periodic", "3600;60"),
        ("TLS_Server_Min_Version", "TLS 1.0"),
        ("SIP_IP_Preference", "Auto"),
        ("Preferred_Codec_1_", "Unspecified"),
        ("Admin_Password", "with blank A1"),
        ("Host_Name", "desk phone"),
        ("Firewall", "On"),
        ("Enable_Web_Server", "1"),
        ("SIP_T1", "1.2.3"),
        ("GPP_A", "line\x00"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(tag: str, text: str) -> None:
    assert refused(tag, text)


def test_whatever_is_called_a_password_is_a_secret() -> None:
    named = [
        row
        for _, _, row in ALL
        if re.search(r"Password$|Password_\{n\}_$|Password_1_$|^GPP_S[A-D]$|^IKM_", row.tag)
    ]
    assert len(named) >= 15
    for row in named:
        assert isinstance(row.default, Secret), row.tag
        assert isinstance(row.codec, SecretText | Password), row.tag


def test_what_the_guides_hide_is_hidden() -> None:
    assert {row.tag for _, _, row in ALL if row.hidden} == {
        "GPP_SA",
        "GPP_SB",
        "GPP_SC",
        "GPP_SD",
        "IKM_HTTP_Encrypt_Content",
        "LDAP_Prompt_For_Empty_Credentials",
    }


@pytest.mark.parametrize("tag", ["VPN_Server", "Connect_on_Bootup", "Enable_VLAN"])
def test_what_needs_a_boot_waits_for_it(tag: str) -> None:
    assert row_of(tag).effect is Effect.REBOOT


@pytest.mark.parametrize(
    "tag", ["Firewall", "Firewall_Config", "Primary_DNS", "Syslog_Server", "IP_Mode", "Static_IP"]
)
def test_what_is_live_takes_effect_at_once(tag: str) -> None:
    assert row_of(tag).effect is Effect.LIVE


@pytest.mark.parametrize("tag", ["Enable_SSLv3", "Trans_Auth_Rule", "HTTPS_Name_Validate"])
def test_what_nothing_obeys_says_so(tag: str) -> None:
    assert row_of(tag).status is Status.NEVER


@pytest.mark.parametrize(("tab", "name", "row"), ALL, ids=[row.tag for _, _, row in ALL])
def test_a_row_is_whole(tab: str, name: str, row: Param) -> None:
    assert name == name.lower()
    assert name.isidentifier()
    assert row.help.endswith(".")
    assert row.source
    assert row.section
    assert ("{n}" in row.tag) is (tab == "ext")
    assert row.access in Access
    assert row.since in ("11.3", "12.0")
    for value in (row.default, row.newer_default):
        assert row.codec.decode(row.codec.encode(value)) == value
