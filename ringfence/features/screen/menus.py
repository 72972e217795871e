"""The menus of the phone's screen, in the words of the chapter.

Source: chapter, Enable 802.1X Authentication, Set Up a VPN Connection from the Phone, View the VPN
Status; phone-facts 8.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from ringfence.config.settings import ROWS, Settings
from ringfence.surfaces.screen.face import SIGN_IN
from ringfence.surfaces.screen.menu import Ask, Command, Item, Menu, Setting, Switch, View

_SYSTEM = ROWS["system"]


def _setting(name: str, label: str = "") -> Setting:
    """Return a setting of the tab System; the label is the catalogue's where none is given."""
    return Setting(_SYSTEM[name].tag, label or _SYSTEM[name].label)


_DOT1X = Menu(
    "802.1X authentication",
    (
        _setting("enable_802_1x_authentication", "Device authentication"),
        _setting("certificate_select", "Certificate select"),
        View("Transaction status", ("dot1x",)),
    ),
    action="Submit",
)
_ETHERNET = Menu(
    "Ethernet configuration",
    (
        _DOT1X,
        _setting("pc_port_enable", "PC port"),
        _setting("enable_cdp", "CDP"),
        _setting("enable_lldp_med", "LLDP-MED"),
        _setting("enable_vlan", "VLAN"),
        _setting("vlan_id", "VLAN ID"),
    ),
    action="Set",
)
_IPV4 = Menu(
    "IPv4 address settings",
    (
        _setting("connection_type", "Connection type"),
        _setting("static_ip", "Static IP"),
        _setting("netmask", "Subnet mask"),
        _setting("gateway", "Gateway address"),
        _setting("primary_dns", "DNS server 1"),
        _setting("secondary_dns", "DNS server 2"),
    ),
    action="Set",
)
_IPV6 = Menu(
    "IPv6 address settings",
    (
        _setting("ipv6_connection_type", "Connection type"),
        _setting("ipv6_static_ip", "Static IP"),
        _setting("prefix_length", "Prefix length"),
        _setting("ipv6_gateway", "Gateway address"),
        _setting("ipv6_primary_dns", "DNS server 1"),
        _setting("ipv6_secondary_dns", "DNS server 2"),
    ),
    action="Set",
)
_PROXY = Menu(
    "HTTP proxy settings",
    (
        _setting("proxy_mode", "Proxy mode"),
        _setting("use_auto_discovery", "Use auto discovery (WPAD)"),
        _setting("pac_url", "PAC URL"),
        _setting("proxy_host", "Proxy host"),
        _setting("proxy_port", "Proxy port"),
        _setting("proxy_server_requires_authentication", "Proxy authentication"),
        _setting("proxy_username", "Username"),
        _setting("proxy_password", "Password"),
    ),
    action="Set",
)
_VPN = Menu(
    "VPN settings",
    (
        _setting("vpn_server", "VPN server"),
        _setting("vpn_user_name", "Username"),
        _setting("vpn_password", "Password"),
        _setting("vpn_tunnel_group", "Tunnel group"),
        _setting("connect_on_bootup", "Connect to VPN on bootup"),
        Switch("Enable VPN connection", "vpn"),
    ),
    action="Set",
)
_NETWORK = Menu(
    "Network configuration",
    (
        _ETHERNET,
        Menu("IP mode", (_setting("ip_mode", "IP mode"),), action="Set"),
        _IPV4,
        _IPV6,
        _PROXY,
        _VPN,
    ),
    locked=True,
)
_STATUS = Menu(
    "Status",
    (
        View("Phone status", ("phone",)),
        View("Network status", ("dhcp", "ipv6", "discovery")),
        View("VPN status", ("vpn",)),
        View("Lines", ("line",)),
        View("Firewall", ("firewall",)),
        View("Provisioning", ("provisioning",)),
        View("Reboot history", ("phone",), begins="Reboot Reason"),
    ),
)
_ADMINISTRATION = Menu(
    "Device administration",
    (
        Command(
            "Set password",
            "set-password",
            asks=(
                Ask("old", "Old password", secret=True),
                Ask("new", "New password", secret=True),
                Ask("again", "Reenter new password", secret=True),
            ),
            action="Set",
            done="Password set.",
        ),
        SIGN_IN,
        Command("Sign out", "sign-out", done="Signed out.", signs_in=False),
        Command(
            "Profile rule",
            "resync",
            asks=(Ask("rule", "Profile rule"),),
            action="Resync",
            done="Resync done.",
        ),
        Command(
            "Factory reset",
            "factory-reset",
            question="All settings, certificates and the call history are lost. Reset the phone?",
            done="The phone restarts.",
        ),
        Command(
            "Restart",
            "reboot",
            {"reason": "User Triggered"},
            question="Restart the phone?",
            done="The phone restarts.",
        ),
    ),
    locked=True,
)
APPLICATIONS = Menu(
    "Applications",
    (
        _NETWORK,
        _STATUS,
        View("Phone information", ("phone",)),
        _ADMINISTRATION,
        Command(
            "Report problem",
            "problem-report",
            question="Send a problem report?",
            action="Submit",
            done="The report is made.",
        ),
    ),
)


def applications(settings: Settings) -> Menu:
    """Return the menus of a phone: what it has of services stands last."""
    return replace(APPLICATIONS, items=(*APPLICATIONS.items, *services(settings)))


def services(settings: Settings) -> Iterator[Item]:
    """Yield the services that the settings name, by the names that they give them."""
    phone = settings.phone
    if phone.xml_directory_service_url:
        label = phone.xml_directory_service_name or "XML directory"
        yield Command(label, "xml-service", {"service": "directory"})
    if phone.xml_application_service_url:
        label = phone.xml_application_service_name or "XML application"
        yield Command(label, "xml-service", {"service": "application"})
