"""For every rule of `ringfence check` a file that trips it, and one close to it that does not."""

from tests.support import check_cases_reach as reach
from tests.support.check_cases_reach import ACS, DOT1X, LDAP, LINE, QUIET_VLAN, TLS, UDP

_REST: dict[str, tuple[str, str]] = {
    # TLS
    "tls-unknown-word": (
        "<TLS_Cipher_List>HIGH:!BOGUS</TLS_Cipher_List>",
        "<TLS_Cipher_List>HIGH:!aNULL</TLS_Cipher_List>",
    ),
    "tls-empty-list": (
        "<TLS_Cipher_List>RC4-SHA</TLS_Cipher_List>",
        "<TLS_Cipher_List>AES256-SHA</TLS_Cipher_List>",
    ),
    "tls-list-without-effect": (
        "<TLS_Cipher_List>ECDHE</TLS_Cipher_List>"
        "<TLS_Client_Min_Version>TLS 1.3</TLS_Client_Min_Version>",
        "<TLS_Cipher_List>ECDHE</TLS_Cipher_List>"
        "<TLS_Client_Min_Version>TLS 1.2</TLS_Client_Min_Version>",
    ),
    "tls-unavailable-suite": (
        "<TLS_Cipher_List>ECDHE:DES-CBC3-SHA</TLS_Cipher_List>",
        "<TLS_Cipher_List>ECDHE</TLS_Cipher_List>",
    ),
    "tls-no-protection": (
        "<TLS_Cipher_List>ECDHE:eNULL:@SECLEVEL=0</TLS_Cipher_List>",
        "<TLS_Cipher_List>ECDHE:!eNULL:@SECLEVEL=0</TLS_Cipher_List>",
    ),
    "tls-no-forward-secrecy": (
        "<TLS_Cipher_List>RSA:!aNULL:!eNULL</TLS_Cipher_List>",
        "<TLS_Cipher_List>ECDHE:RSA:!aNULL:!eNULL</TLS_Cipher_List>",
    ),
    "tls-old-version": (
        "<TLS_Client_Min_Version>TLS 1.0</TLS_Client_Min_Version>",
        "<TLS_Client_Min_Version>TLS 1.2</TLS_Client_Min_Version>",
    ),
    "cipher-weak": (
        "<TLS_Cipher_List>HIGH:RC4-MD5:DES-CBC3-SHA</TLS_Cipher_List>",
        "<TLS_Cipher_List>HIGH:!aNULL:!MD5:!SEED:-NULL</TLS_Cipher_List>",
    ),
    "cipher-security-level": (
        "<TLS_Cipher_List>HIGH:!aNULL:@SECLEVEL=1</TLS_Cipher_List>",
        "<TLS_Cipher_List>HIGH:!aNULL:@SECLEVEL=2</TLS_Cipher_List>",
    ),
    # lines and calls
    "sip-clear-text": (UDP, TLS),
    "auth-invite-off": (UDP, UDP + "<Auth_INVITE_1_>Yes</Auth_INVITE_1_>"),
    "sip-from-anyone": (UDP, UDP + "<Block_Nonproxy_SIP>Yes</Block_Nonproxy_SIP>"),
    "notify-unchallenged": (
        LINE + "<Auth_Resync-Reboot_1_>No</Auth_Resync-Reboot_1_>",
        LINE + "<Auth_Resync-Reboot_1_>Yes</Auth_Resync-Reboot_1_>",
    ),
    "line-without-password": (UDP, UDP + "<Password_1_>vT9kQ2mZ4x</Password_1_>"),
    "tls-name-validate-without-tls": (
        UDP + "<TLS_Name_Validate_1_>Yes</TLS_Name_Validate_1_>",
        TLS + "<TLS_Name_Validate_1_>Yes</TLS_Name_Validate_1_>",
    ),
    "mediasec-keys-in-clear": (
        UDP + "<MediaSec_Request_1_>Yes</MediaSec_Request_1_>",
        TLS + "<MediaSec_Request_1_>Yes</MediaSec_Request_1_>",
    ),
    "mediasec-never": (
        UDP + "<MediaSec_Over_TLS_Only_1_>Yes</MediaSec_Over_TLS_Only_1_>",
        TLS + "<MediaSec_Over_TLS_Only_1_>Yes</MediaSec_Over_TLS_Only_1_>",
    ),
    "secure-calls-in-clear": (
        UDP + "<Secure_Call_Option_1_>Required</Secure_Call_Option_1_>",
        TLS + "<Secure_Call_Option_1_>Required</Secure_Call_Option_1_>",
    ),
    "secure-calls-impossible": (
        TLS + "<Secure_Call_Option_1_>Required</Secure_Call_Option_1_>"
        "<Secure_Call_Serv>No</Secure_Call_Serv>",
        TLS + "<Secure_Call_Option_1_>Optional</Secure_Call_Option_1_>"
        "<Secure_Call_Serv>No</Secure_Call_Serv>",
    ),
    "idle-line-open": (TLS, UDP),
    "line-name-unchecked": (
        TLS + "<TLS_Name_Validate_1_>No</TLS_Name_Validate_1_>",
        TLS + "<TLS_Name_Validate_1_>Yes</TLS_Name_Validate_1_>",
    ),
    "line-auth-invite-without-password": (
        UDP + "<Auth_INVITE_1_>Yes</Auth_INVITE_1_>",
        UDP + "<Auth_INVITE_1_>Yes</Auth_INVITE_1_><Password_1_>vT9kQ2mZ4x</Password_1_>",
    ),
    "line-without-user": ("<Proxy_1_>sip.telco.net</Proxy_1_>", LINE),
    "line-hidden": (
        LINE + LINE.replace("_1_", "_2_"),
        LINE + LINE.replace("_1_", "_2_") + "<SIP_Port_2_>5062</SIP_Port_2_>",
    ),
    "line-bad-uri": (
        LINE + "<SIP_URI_1_>sip:a b@telco.net</SIP_URI_1_>",
        LINE + "<SIP_URI_1_>sip:ab@telco.net</SIP_URI_1_>",
    ),
    "line-bad-option": (
        LINE + "<SIP_Proxy-Require_1_>sec-agree, a:b</SIP_Proxy-Require_1_>",
        LINE + "<SIP_Proxy-Require_1_>sec-agree</SIP_Proxy-Require_1_>",
    ),
    "line-codec-unspoken": (
        LINE + "<Second_Preferred_Codec_1_>G729a</Second_Preferred_Codec_1_>",
        LINE + "<Second_Preferred_Codec_1_>G722</Second_Preferred_Codec_1_>",
    ),
    "line-dual-alone": (
        LINE + "<Dual_Registration_1_>Yes</Dual_Registration_1_>",
        LINE
        + "<Dual_Registration_1_>Yes</Dual_Registration_1_>"
        + "<Alternate_Proxy_1_>b.telco.net</Alternate_Proxy_1_>",
    ),
    "line-dialog-restricted": (
        LINE
        + "<Use_OB_Proxy_In_Dialog_1_>No</Use_OB_Proxy_In_Dialog_1_>"
        + "<Restricted_Access_Domains>telco.net</Restricted_Access_Domains>",
        LINE + "<Use_OB_Proxy_In_Dialog_1_>No</Use_OB_Proxy_In_Dialog_1_>",
    ),
    "line-tcp-ports": (
        "<SIP_TCP_Port_Min>5090</SIP_TCP_Port_Min>",
        "<SIP_TCP_Port_Min>5070</SIP_TCP_Port_Min>",
    ),
    # network
    "dot1x-off": ("", DOT1X),
    "dot1x-anonymous-pac": (
        DOT1X + "<RF_EAP_FAST_PAC_Mode>Anonymous</RF_EAP_FAST_PAC_Mode>",
        DOT1X + "<RF_EAP_FAST_PAC_Mode>Authenticated</RF_EAP_FAST_PAC_Mode>",
    ),
    "dot1x-any-server": (
        DOT1X + "<RF_EAP_Require_Trust_Anchor>No</RF_EAP_Require_Trust_Anchor>",
        DOT1X + "<RF_EAP_Require_Trust_Anchor>Yes</RF_EAP_Require_Trust_Anchor>",
    ),
    "dot1x-second-device": (
        DOT1X + QUIET_VLAN,
        DOT1X + QUIET_VLAN + "<PC_PORT_Enable>No</PC_PORT_Enable>",
    ),
    "pc-port-mirror": (
        "<Enable_PC_Port_Mirror>Yes</Enable_PC_Port_Mirror>",
        "<Enable_PC_Port_Mirror>No</Enable_PC_Port_Mirror>",
    ),
    "vlan-id-names-none": (
        "<Enable_VLAN>Yes</Enable_VLAN><VLAN_ID>1</VLAN_ID>",
        "<Enable_VLAN>Yes</Enable_VLAN><VLAN_ID>100</VLAN_ID>",
    ),
    "cdp-and-lldp": ("", "<Enable_CDP>No</Enable_CDP>"),
    "wpad-on": (
        "<Proxy_Mode>Auto</Proxy_Mode>",
        "<Proxy_Mode>Auto</Proxy_Mode><Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_>",
    ),
    "pac-clear-text": (
        "<Proxy_Mode>Auto</Proxy_Mode><Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_>"
        "<PAC_URL>http://pv.telco.net/pac</PAC_URL>",
        "<Proxy_Mode>Auto</Proxy_Mode><Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_>"
        "<PAC_URL>https://pv.telco.net/pac</PAC_URL>",
    ),
    "proxy-incomplete": (
        "<Proxy_Mode>Manual</Proxy_Mode>",
        "<Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>proxy.telco.net</Proxy_Host>",
    ),
    "proxy-unusable": (
        "<Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>-proxy.telco.net</Proxy_Host>",
        "<Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>proxy.telco.net</Proxy_Host>",
    ),
    "pac-url-unusable": (
        "<Proxy_Mode>Auto</Proxy_Mode><Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_>"
        "<PAC_URL>https://pv..telco.net/pac</PAC_URL>",
        "<Proxy_Mode>Auto</Proxy_Mode><Use_Auto_Discovery__WPAD_>No</Use_Auto_Discovery__WPAD_>"
        "<PAC_URL>https://pv.telco.net/pac</PAC_URL>",
    ),
    "proxy-login-clear-text": (
        "<Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>proxy.telco.net</Proxy_Host>"
        "<Proxy_Username>phone</Proxy_Username><Proxy_Password>a secret</Proxy_Password>"
        "<Proxy_Server_Requires_Authentication>Yes</Proxy_Server_Requires_Authentication>",
        "<Proxy_Mode>Manual</Proxy_Mode><Proxy_Host>proxy.telco.net</Proxy_Host>",
    ),
    "vpn-unusable": (
        "<VPN_Server>vpn.telco.net:0</VPN_Server><VPN_User_Name>bob</VPN_User_Name>"
        "<VPN_Password>vT9kQ2mZ4x</VPN_Password>",
        "<VPN_Server>vpn.telco.net</VPN_Server><VPN_User_Name>bob</VPN_User_Name>"
        "<VPN_Password>vT9kQ2mZ4x</VPN_Password>",
    ),
    "vpn-only-without-vpn": (
        "<RF_VPN_Only>Yes</RF_VPN_Only>",
        "<RF_VPN_Only>Yes</RF_VPN_Only><VPN_Server>vpn.telco.net</VPN_Server>"
        "<VPN_User_Name>bob</VPN_User_Name><VPN_Password>vT9kQ2mZ4x</VPN_Password>"
        "<Connect_on_Bootup>Yes</Connect_on_Bootup>",
    ),
    "vpn-incomplete": (
        "<Connect_on_Bootup>Yes</Connect_on_Bootup>",
        "<Connect_on_Bootup>Yes</Connect_on_Bootup><VPN_Server>vpn.telco.net</VPN_Server>"
        "<VPN_User_Name>bob</VPN_User_Name><VPN_Password>vT9kQ2mZ4x</VPN_Password>",
    ),
    "syslog-debug": (
        "<Syslog_Server>log.telco.net</Syslog_Server><Debug_Level>DEBUG</Debug_Level>",
        "<Syslog_Server>log.telco.net</Syslog_Server><Debug_Level>NOTICE</Debug_Level>",
    ),
    # services
    "ldap-starttls-ignored": (
        "<LDAP_Server>ldaps://dir.telco.net</LDAP_Server>"
        "<LDAP_StartTLS_Enable>Yes</LDAP_StartTLS_Enable>",
        "<LDAP_Server>ldap://dir.telco.net</LDAP_Server>"
        "<LDAP_StartTLS_Enable>Yes</LDAP_StartTLS_Enable>",
    ),
    "ldap-clear-text": (LDAP, LDAP.replace("ldap://", "ldaps://")),
    "ldap-starttls-strippable": (
        LDAP + "<LDAP_StartTLS_Enable>Yes</LDAP_StartTLS_Enable>",
        LDAP + "<LDAP_StartTLS_Enable>Yes</LDAP_StartTLS_Enable>"
        "<RF_StartTLS_Fallback>No</RF_StartTLS_Fallback>",
    ),
    "xml-commands-unasked": (
        "<CISCO_XML_EXE_Enable>Yes</CISCO_XML_EXE_Enable>"
        "<CISCO_XML_EXE_Auth_Mode>Trusted</CISCO_XML_EXE_Auth_Mode>",
        "<CISCO_XML_EXE_Enable>Yes</CISCO_XML_EXE_Enable>"
        "<CISCO_XML_EXE_Auth_Mode>Remote Credential</CISCO_XML_EXE_Auth_Mode>",
    ),
    "service-clear-text": (
        "<XSI_Host_Server>xsi.telco.net</XSI_Host_Server>",
        "<XSI_Host_Server>https://xsi.telco.net</XSI_Host_Server>",
    ),
    "websocket-any-command": (
        "<Control_Server_URL>wss://ctl.telco.net/</Control_Server_URL>",
        "<Control_Server_URL>wss://ctl.telco.net/</Control_Server_URL>"
        "<Allowed_APIs>/api/Call/v1/Dial</Allowed_APIs>",
    ),
    "acs-clear-text": (ACS.replace("https", "http"), ACS),
    "acs-from-dhcp": ("<Enable_TR-069>Yes</Enable_TR-069>", ACS),
    "acs-request-without-password": (
        ACS,
        ACS + "<Connection_Request_Password>vT9kQ2mZ4x</Connection_Request_Password>",
    ),
    # the file
    "cfgxml-unknown": ("<Firewal>Enabled</Firewal>", "<Firewall>Enabled</Firewall>"),
    "cfgxml-alias": (
        "<Admin_Passwd>vT9k-Q2mZ4x</Admin_Passwd>",
        "<Admin_Password>vT9k-Q2mZ4x</Admin_Password>",
    ),
    "cfgxml-duplicate": (
        "<Firewall>Disabled</Firewall><Firewall>Enabled</Firewall>",
        "<Firewall>Enabled</Firewall>",
    ),
    "cfgxml-misprint": (
        "<Auth_INVITE_1>Yes</Auth_INVITE_1_>",
        "<Auth_INVITE_1_>Yes</Auth_INVITE_1_>",
    ),
    "cfgxml-placeholder": (
        "<VPN_Server><Server IP or FQDN></VPN_Server>",
        "<VPN_Server>vpn.telco.net</VPN_Server>",
    ),
    "cfgxml-nested": (
        "<VPN_Server><b>vpn.telco.net</b></VPN_Server>",
        "<VPN_Server>vpn.telco.net</VPN_Server>",
    ),
    "cfgxml-access": (
        '<Firewall ua="yes">Enabled</Firewall>',
        '<Firewall ua="na">Enabled</Firewall>',
    ),
    "cfgxml-text": ("//SYSTEM <Firewall>Enabled</Firewall>", "<!-- SYSTEM --><Firewall/>"),
    "value-refused": ("<SIP_Port_1_>0</SIP_Port_1_>", "<SIP_Port_1_>5060</SIP_Port_1_>"),
    "empty-refused": ("<SIP_Port_1_/>", "<SIP_Port_1_>5060</SIP_Port_1_>"),
    "value-doubtful": (
        "<Admin_Password>short</Admin_Password>",
        "<Admin_Password>vT9k-Q2mZ4x</Admin_Password>",
    ),
    "value-without-effect": (
        "<Enable_SSLv3>Yes</Enable_SSLv3>",
        "<Enable_SSLv3>No</Enable_SSLv3>",
    ),
    "values-without-effect-yet": (
        "<Set_Local_Date__mm_dd_yyyy_>1/2/2026</Set_Local_Date__mm_dd_yyyy_>",
        "<Firewall>Disabled</Firewall>",
    ),
    "cannot-plan": (
        "<Connection_Type>Static IP</Connection_Type>",
        "<Connection_Type>Static IP</Connection_Type><Static_IP>10.0.0.9</Static_IP>"
        "<NetMask>255.255.255.0</NetMask>",
    ),
    "parameter-without-effect": (
        "<Proxy_Host>proxy.telco.net</Proxy_Host>",
        "<Proxy_Host>proxy.telco.net</Proxy_Host><Proxy_Mode>Manual</Proxy_Mode>",
    ),
    "check-remark-invalid": (
        "<!-- ringfence-check: ignore domains-empty -->",
        "<!-- ringfence-check: ignore domains-empty: a lab without an outside -->",
    ),
    "check-remark-unused": (
        "<!-- ringfence-check: ignore firewall-disabled: for a measurement -->",
        "<!-- ringfence-check: ignore firewall-disabled: for a measurement -->"
        "<Firewall>Disabled</Firewall>",
    ),
}

OF_A_PHONE = {"certificate-expires", "vpn-not-on-this-model"}
"""Rules that only `--state` finds, of a phone's folder: no file shows them."""

CASES = {**reach.CASES, **_REST}
"""`{rule: (file that trips it, file that does not)}`, without the root element."""
