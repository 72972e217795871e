"""Rules on the wire, the HTTP proxy, the VPN, and what the phone tells of itself."""

from collections.abc import Iterator

from ringfence.config.catalog.values import DebugLevel, PacProvisioning, ProxyMode
from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule, tag_of
from ringfence.policy.vlan import NO_VLAN


def _system(field: str, message: str = "", write: str | None = None) -> Hit:
    return Hit(tag_of("system", field), message, write)


def _no_dot1x(case: Case) -> Iterator[Hit]:
    if not case.settings.system.enable_802_1x_authentication:
        yield _system("enable_802_1x_authentication", write="Yes")


def _anonymous_pac(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if (
        system.enable_802_1x_authentication
        and system.eap_fast_pac_mode is PacProvisioning.ANONYMOUS
    ):
        yield _system("eap_fast_pac_mode", write="Authenticated")


def _any_authenticator(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.enable_802_1x_authentication and not system.eap_require_trust_anchor:
        yield _system("eap_require_trust_anchor", write="Yes")


def _second_device(case: Case) -> Iterator[Hit]:
    """Yield the chapter's advice for switches without multidomain authentication."""
    system = case.settings.system
    if not system.enable_802_1x_authentication:
        return
    if system.pc_port_enable:
        message = (
            "on a switch without multidomain authentication a computer behind the phone makes the "
            "switch deny both"
        )
        yield _system("pc_port_enable", message, "No")
    if system.enable_vlan or system.enable_cdp or system.enable_lldp_med:
        field = next(
            name
            for name in ("enable_vlan", "enable_cdp", "enable_lldp_med")
            if getattr(system, name)
        )
        message = (
            "on a switch without multidomain authentication the voice VLAN cannot be used: it is "
            "off while Enable_VLAN, Enable_CDP and Enable_LLDP-MED are No"
        )
        yield _system(field, message, "No")


def _mirror(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.pc_port_enable and system.enable_pc_port_mirror:
        yield _system("enable_pc_port_mirror", write="No")


def _discovery(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.enable_cdp and system.enable_lldp_med:
        yield _system("enable_cdp", write="No")


def _no_vlan(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.enable_vlan and system.vlan_id in NO_VLAN:
        yield _system("vlan_id", f"VLAN_ID {system.vlan_id} names no VLAN")


def _wpad(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.proxy_mode is ProxyMode.AUTO and system.use_auto_discovery:
        yield _system("use_auto_discovery", write="No")


def _pac_in_clear(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.proxy_mode is not ProxyMode.AUTO or system.use_auto_discovery or not system.pac_url:
        return
    scheme = system.pac_url.partition(":")[0].lower()
    if scheme != "https":
        yield _system("pac_url", f"the PAC file comes over {scheme.upper()}")


def _proxy_basic(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.proxy_mode is ProxyMode.MANUAL and system.proxy_server_requires_authentication:
        yield _system("proxy_server_requires_authentication")


def _vpn_incomplete(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.connect_on_bootup and not system.vpn_server:
        yield _system("connect_on_bootup", "there is no VPN Server to connect to")
    elif system.connect_on_bootup and not (system.vpn_user_name and system.vpn_password):
        yield _system("connect_on_bootup", "VPN User Name or VPN Password is empty")


def _debug_level(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.syslog_server and system.debug_level is DebugLevel.DEBUG:
        yield _system("debug_level", write="NOTICE")


RULES = (
    Rule(
        "dot1x-off",
        Severity.WARNING,
        "The phone does not authenticate at its switch port",
        "With 802.1X off the switch cannot tell the phone from whatever is plugged in at its "
        "place, and the voice network is open to it.",
        "chapter, 802.1X Authentication",
        "prepare switch and authentication server, then switch it on",
        _no_dot1x,
    ),
    Rule(
        "dot1x-anonymous-pac",
        Severity.WARNING,
        "The EAP-FAST credential may come from anyone",
        "Anonymous provisioning does not know the server, so whoever answers as authenticator "
        "hands out the credential.",
        "phone-facts 6, EAP-FAST secret",
        "provision with a verified server",
        _anonymous_pac,
    ),
    Rule(
        "dot1x-any-server",
        Severity.WARNING,
        "EAP-TLS goes on without knowing whom to trust",
        "Without a trust anchor any authentication server is believed; the switch is for a "
        "laboratory.",
        "phone-facts 6, Server trust",
        "require a trust anchor",
        _any_authenticator,
    ),
    Rule(
        "dot1x-second-device",
        Severity.INFO,
        "802.1X, and a second device or a second VLAN on the port",
        "The standard knows one device and no VLAN on a port. Only a switch with multidomain "
        "authentication lets a computer behind the phone and a voice VLAN work with it.",
        "chapter, 802.1X Authentication: Configure PC Port, Configure Voice VLAN",
        "keep it with a multidomain switch; otherwise switch it off",
        _second_device,
    ),
    Rule(
        "pc-port-mirror",
        Severity.WARNING,
        "The phone's traffic is to be copied to the computer behind it",
        "Ringfence does not do that; where a phone does, who plugs in reads signalling and calls.",
        "phone-facts 1.2, Enable_PC_Port_Mirror",
        "switch the mirror off when the measurement is over",
        _mirror,
    ),
    Rule(
        "vlan-id-names-none",
        Severity.WARNING,
        "Enable_VLAN is Yes, but VLAN_ID names no VLAN",
        "0 and 4095 are reserved and 1 is what a phone has that was told nothing: unless a switch "
        "names a VLAN by LLDP-MED or CDP, the phone stays untagged, in the computers' network.",
        "phone-facts 1.2, VLAN Settings",
        "write the number of the voice VLAN, 2 to 4094, or set Enable_VLAN to No",
        _no_vlan,
    ),
    Rule(
        "cdp-and-lldp",
        Severity.INFO,
        "Both discovery protocols are on",
        "Both tell name, address and version of the phone to whoever listens, and neither is "
        "authenticated; a network needs one of them.",
        "phone-facts 1.2, VLAN Settings, and 6; judgement",
        "switch off the one that the switches do not speak",
        _discovery,
    ),
    Rule(
        "wpad-on",
        Severity.WARNING,
        "Whoever answers WPAD becomes the HTTP proxy",
        "WPAD takes the proxy's address from an unauthenticated DHCP or DNS answer.",
        "chapter, Table 8; phone-facts 1.2, HTTP Proxy Settings",
        "give the PAC file in PAC_URL over https://, and switch discovery off",
        _wpad,
    ),
    Rule(
        "pac-clear-text",
        Severity.WARNING,
        "The PAC file is fetched in clear text",
        "Who can change it on its way sends the phone's HTTP through a proxy of their own.",
        "chapter, Table 8; judgement",
        "serve the PAC file over https://",
        _pac_in_clear,
    ),
    Rule(
        "proxy-incomplete",
        Severity.ERROR,
        "The HTTP proxy is not fully configured",
        "The chosen mode must have the named value. The phone takes nothing of the HTTP proxy "
        "settings and goes on as before.",
        "chapter, Set Up a Proxy Server, and Table 8",
        "fill it in, or set Proxy_Mode to Off",
    ),
    Rule(
        "proxy-unusable",
        Severity.ERROR,
        "The HTTP proxy cannot be used",
        "Proxy_Host is neither a host name nor an address. What would go by the proxy is not sent.",
        "chapter, Table 8",
        "write the name or the address alone, and the port into Proxy_Port",
    ),
    Rule(
        "pac-url-unusable",
        Severity.ERROR,
        "The URL of the PAC file cannot be read",
        "What would go by a proxy is not sent.",
        "chapter, Table 8",
        "write tftp://, http:// or https://, a server and a path",
    ),
    Rule(
        "proxy-login-clear-text",
        Severity.INFO,
        "The proxy may see to it that its password crosses the network in clear text",
        "The phone prefers Digest; where the proxy offers Basic alone, user name and password go "
        "to it as they are.",
        "chapter, Table 8; RFC 7617 section 4",
        "let the proxy offer Digest, and give this password no other use",
        _proxy_basic,
    ),
    Rule(
        "vpn-incomplete",
        Severity.WARNING,
        "The VPN cannot connect",
        "A phone that is meant to work inside the tunnel works outside it.",
        "chapter, Table 9",
        "set VPN_Server, VPN_User_Name and VPN_Password, or Connect_on_Bootup to No",
        _vpn_incomplete,
    ),
    Rule(
        "syslog-debug",
        Severity.WARNING,
        "Debug messages leave the phone",
        "Syslog crosses the network in clear text, and at this level messages hold what users do "
        "and whom they call.",
        "phone-facts 1.2, Debug_Level; judgement",
        "go back when the fault is found",
        _debug_level,
    ),
)
