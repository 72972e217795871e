"""Parameters that have no effect because of another one."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from ringfence.config.catalog.values import ConnectionType, ProxyMode, ReportWhen, SipTransport
from ringfence.config.codecs import Switch
from ringfence.config.settings import Settings, Slot, slots, value
from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule

UDP_PORT = frozenset({SipTransport.UDP, SipTransport.AUTO})


class Needs(Struct, frozen=True):
    """Fields of one tab, and what must hold for them to count."""

    tab: str
    fields: str
    """Names, separated by blanks."""
    holds: Callable[[Settings, int], bool]
    """The second argument is the extension, 0 outside Ext(n)."""
    because: str
    """Completes: it has no effect, …"""


NEEDS = (
    Needs(
        "system",
        "proxy_host proxy_port proxy_server_requires_authentication",
        lambda s, _: s.system.proxy_mode is ProxyMode.MANUAL,
        "because Proxy_Mode is not Manual",
    ),
    Needs(
        "system",
        "proxy_username proxy_password",
        lambda s, _: (
            s.system.proxy_mode is ProxyMode.MANUAL
            and s.system.proxy_server_requires_authentication
        ),
        "because only Proxy_Mode Manual with Proxy_Server_Requires_Authentication sends it",
    ),
    Needs(
        "system",
        "pac_url",
        lambda s, _: s.system.proxy_mode is ProxyMode.AUTO and not s.system.use_auto_discovery,
        "because only Proxy_Mode Auto without WPAD takes it",
    ),
    Needs(
        "system",
        "vpn_user_name vpn_password vpn_tunnel_group",
        lambda s, _: bool(s.system.vpn_server),
        "because VPN_Server is empty",
    ),
    Needs(
        "system",
        "certificate_select eap_identity eap_server_name eap_fast_password"
        " eap_require_trust_anchor",
        lambda s, _: s.system.enable_802_1x_authentication,
        "because 802.1X is off",
    ),
    Needs(
        "system",
        "eap_fast_identity eap_fast_pac_mode",
        lambda s, _: s.system.enable_802_1x_authentication and bool(s.system.eap_fast_password),
        "because only 802.1X with RF_EAP_FAST_Password is EAP-FAST",
    ),
    Needs(
        "system",
        "static_ip netmask gateway",
        lambda s, _: s.system.connection_type is ConnectionType.STATIC,
        "because Connection_Type is DHCP",
    ),
    Needs(
        "system",
        "ipv6_static_ip prefix_length ipv6_gateway",
        lambda s, _: s.system.ipv6_connection_type is ConnectionType.STATIC,
        "because IPv6_Connection_Type is DHCP",
    ),
    Needs(
        "system",
        "firewall_options",
        lambda s, _: s.system.firewall is Switch.ENABLED,
        "because the firewall is off",
    ),
    Needs(
        "system",
        "enable_protocol web_server_port enable_web_admin_access",
        lambda s, _: s.system.enable_web_server,
        "because the web server is off",
    ),
    Needs(
        "system",
        "debug_server debug_level syslog_identifier",
        lambda s, _: bool(s.system.syslog_server),
        "because Syslog_Server is empty",
    ),
    Needs(
        "system",
        "restricted_domains_exact_only restricted_domains_cover_reports",
        lambda s, _: bool(s.system.restricted_access_domains.strip()),
        "because Restricted_Access_Domains is empty",
    ),
    Needs(
        "sip",
        "stun_server",
        lambda s, _: s.sip.stun_enable or s.sip.ice_stun_enable,
        "because STUN is off",
    ),
    Needs(
        "provisioning",
        "resync_periodic",
        lambda s, _: not s.provisioning.resync_at,
        "because a daily resync at Resync_At__HHmm_ replaces the periodic one",
    ),
    Needs(
        "provisioning",
        "resync_at_random_delay",
        lambda s, _: bool(s.provisioning.resync_at),
        "because Resync_At__HHmm_ is empty",
    ),
    Needs(
        "provisioning",
        "periodic_upload_to_server",
        lambda s, _: s.provisioning.report_to_server is ReportWhen.PERIODICALLY,
        "because Report_to_Server is not Periodically",
    ),
    Needs(
        "provisioning",
        "upload_delay_on_local_change",
        lambda s, _: s.provisioning.report_to_server is ReportWhen.ON_LOCAL_CHANGE,
        "because Report_to_Server is not On Local Change",
    ),
    Needs(
        "provisioning",
        "report_to_server http_report_method",
        lambda s, _: bool(s.provisioning.report_rule),
        "because Report_Rule is empty",
    ),
    Needs(
        "provisioning",
        "prt_upload_method prt_http_header prt_http_header_value prt_upload_at_crash",
        lambda s, _: bool(s.provisioning.prt_upload_rule),
        "because PRT_Upload_Rule is empty",
    ),
    Needs(
        "phone",
        "ldap_server ldap_search_base ldap_client_dn ldap_user_name ldap_password ldap_auth_method",
        lambda s, _: s.phone.ldap_dir_enable,
        "because LDAP_Dir_Enable is No",
    ),
    Needs(
        "phone",
        "cisco_xml_exe_auth_mode",
        lambda s, _: s.phone.cisco_xml_exe_enable,
        "because CISCO_XML_EXE_Enable is No",
    ),
    Needs(
        "phone",
        "xmpp_server xmpp_port xmpp_user_id xmpp_password",
        lambda s, _: s.phone.xmpp_enable,
        "because XMPP_Enable is No",
    ),
    Needs(
        "user",
        "secure_call_setting",
        lambda s, _: s.phone.secure_call_serv,
        "because Secure_Call_Serv is No",
    ),
    Needs(
        "ext",
        "sip_port",
        lambda s, n: s.ext[n - 1].sip_transport in UDP_PORT,
        "because only UDP has this port; TCP and TLS take theirs from SIP_TCP_Port_Min to Max",
    ),
    Needs(
        "ext",
        "outbound_proxy",
        lambda s, n: bool(s.ext[n - 1].proxy.strip()),
        "because the line has no Proxy, and so does not register",
    ),
    Needs(
        "ext",
        "auth_page_realm auth_page_password",
        lambda s, n: s.ext[n - 1].auth_page,
        "because Auth_Page is No",
    ),
    Needs(
        "tr069",
        "acs_url acs_username acs_password connection_request_username connection_request_password",
        lambda s, _: s.tr069.enable_tr_069,
        "because Enable_TR-069 is No",
    ),
)
"""Source: chapter, Tables 8 and 9; phone-facts 1.2 to 1.7."""

_NEEDS = {(needs.tab, field): needs for needs in NEEDS for field in needs.fields.split()}


def _without_effect(case: Case) -> Iterator[Hit]:
    for tag in case.snapshot.stored:
        slot = slots()[tag]
        needs = _NEEDS.get((slot.tab, slot.name))
        if needs and _differs(case, slot) and not needs.holds(case.settings, slot.n):
            yield Hit(tag, f"has no effect, {needs.because}", n=slot.n)


def _differs(case: Case, slot: Slot) -> bool:
    """Return whether the author chose the value: a dump of defaults is no mistake."""
    return value(case.settings, slot) not in (slot.row.default, slot.row.newer_default)


RULES = (
    Rule(
        "parameter-without-effect",
        Severity.WARNING,
        "Another parameter takes the effect away",
        "Whoever wrote the value expects something of it that does not happen.",
        "chapter, Tables 8 and 9; phone-facts 1.2 to 1.7",
        "change the parameter that it depends on, or delete the element",
        _without_effect,
    ),
)
