"""The menus of the phone's screen, in the words of the chapter.

Source: chapter, Enable 802.1X Authentication, Set Up a VPN Connection from the Phone, View the VPN
Status; phone-facts 8.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ringfence.config.catalog.phone import Phone
from ringfence.config.catalog.values import MenuAuthentication
from ringfence.config.settings import ROWS, Settings
from ringfence.features.screen.services import services
from ringfence.messages import _
from ringfence.surfaces.screen.face import SIGN_IN
from ringfence.surfaces.screen.menu import Ask, Command, Item, Menu, Setting, Switch, View

_SYSTEM = ROWS["system"]


def _setting(name: str, label: str = "") -> Setting:
    """Return a setting of the tab System; the label is the catalogue's where none is given."""
    return Setting(_SYSTEM[name].tag, label or _SYSTEM[name].label)


_DOT1X = Menu(
    _("802.1X authentication"),
    (
        _setting("enable_802_1x_authentication", _("Device authentication")),
        _setting("certificate_select", _("Certificate select")),
        View(_("Transaction status"), ("dot1x",)),
    ),
    action=_("Submit"),
)
_ETHERNET = Menu(
    _("Ethernet configuration"),
    (
        _DOT1X,
        _setting("pc_port_enable", _("PC port")),
        _setting("enable_cdp", _("CDP")),
        _setting("enable_lldp_med", _("LLDP-MED")),
        _setting("enable_vlan", _("VLAN")),
        _setting("vlan_id", _("VLAN ID")),
    ),
    action=_("Set"),
)
_IPV4 = Menu(
    _("IPv4 address settings"),
    (
        _setting("connection_type", _("Connection type")),
        _setting("static_ip", _("Static IP")),
        _setting("netmask", _("Subnet mask")),
        _setting("gateway", _("Gateway address")),
        _setting("primary_dns", _("DNS server 1")),
        _setting("secondary_dns", _("DNS server 2")),
    ),
    action=_("Set"),
)
_IPV6 = Menu(
    _("IPv6 address settings"),
    (
        _setting("ipv6_connection_type", _("Connection type")),
        _setting("ipv6_static_ip", _("Static IP")),
        _setting("prefix_length", _("Prefix length")),
        _setting("ipv6_gateway", _("Gateway address")),
        _setting("ipv6_primary_dns", _("DNS server 1")),
        _setting("ipv6_secondary_dns", _("DNS server 2")),
    ),
    action=_("Set"),
)
_PROXY = Menu(
    _("HTTP proxy settings"),
    (
        _setting("proxy_mode", _("Proxy mode")),
        _setting("use_auto_discovery", _("Use auto discovery (WPAD)")),
        _setting("pac_url", _("PAC URL")),
        _setting("proxy_host", _("Proxy host")),
        _setting("proxy_port", _("Proxy port")),
        _setting("proxy_server_requires_authentication", _("Proxy authentication")),
        _setting("proxy_username", _("Username")),
        _setting("proxy_password", _("Password")),
    ),
    action=_("Set"),
)
_VPN = Menu(
    _("VPN settings"),
    (
        _setting("vpn_server", _("VPN server")),
        _setting("vpn_user_name", _("Username")),
        _setting("vpn_password", _("Password")),
        _setting("vpn_tunnel_group", _("Tunnel group")),
        _setting("connect_on_bootup", _("Connect to VPN on bootup")),
        Switch(_("Enable VPN connection"), "vpn"),
    ),
    action=_("Set"),
)
_NETWORK = Menu(
    _("Network configuration"),
    (
        _ETHERNET,
        Menu(_("IP mode"), (_setting("ip_mode", _("IP mode")),), action=_("Set")),
        _IPV4,
        _IPV6,
        _PROXY,
        _VPN,
    ),
    locked=True,
)
_STATUS = Menu(
    _("Status"),
    (
        View(_("Phone status"), ("phone",)),
        View(_("Network status"), ("dhcp", "ipv6", "discovery")),
        View(_("VPN status"), ("vpn",)),
        View(_("Lines"), ("line",)),
        View(_("Firewall"), ("firewall",)),
        View(_("Provisioning"), ("provisioning",)),
        View(_("Reboot history"), ("phone",), begins="Reboot Reason"),
    ),
)
_PROFILE_RULE = Command(
    _("Profile rule"),
    "resync",
    asks=(Ask("rule", _("Profile rule")),),
    action=_("Resync"),
    done=_("Resync done."),
)
_FACTORY_RESET = Command(
    _("Factory reset"),
    "factory-reset",
    question=_("All settings, certificates and the call history are lost. Reset the phone?"),
    done=_("The phone restarts."),
)
_REPORT_PROBLEM = Command(
    _("Report problem"),
    "problem-report",
    question=_("Send a problem report?"),
    action=_("Submit"),
    done=_("The report is made."),
)
_ADMINISTRATION = Menu(
    _("Device administration"),
    (
        Command(
            _("Set password"),
            "set-password",
            asks=(
                Ask("old", _("Old password"), secret=True),
                Ask("new", _("New password"), secret=True),
                Ask("again", _("Reenter new password"), secret=True),
            ),
            action=_("Set"),
            done=_("Password set."),
        ),
        SIGN_IN,
        Command(_("Sign out"), "sign-out", done=_("Signed out."), signs_in=False),
        _PROFILE_RULE,
        _FACTORY_RESET,
        Command(
            _("Restart"),
            "reboot",
            {"reason": "User Triggered"},
            question=_("Restart the phone?"),
            done=_("The phone restarts."),
        ),
    ),
    locked=True,
)
APPLICATIONS = Menu(
    _("Applications"),
    (
        _NETWORK,
        _STATUS,
        View(_("Phone information"), ("phone",)),
        _ADMINISTRATION,
        _REPORT_PROBLEM,
    ),
)


def applications(settings: Settings) -> Menu:
    """Return the menus of a phone: without those that it hides, and its services stand last.

    Source: phone-facts 1.4, User_Configurable_Resync, and 1.5, menu control.
    """
    fit = _fit(APPLICATIONS, tuple(_hidden(settings)), _locks(settings.phone))
    return replace(fit, items=(*fit.items, *services(settings)))


def _fit(menu: Menu, hidden: tuple[Item, ...], locks: Mapping[str, bool]) -> Menu:
    """Return a menu without what is hidden, and locked as `{label: whether}` has it."""
    items: list[Item] = []
    for item in menu.items:
        made = _fit(item, hidden, locks) if isinstance(item, Menu) else item
        if isinstance(made, Menu | Command) and made.label in locks:
            made = replace(made, locked=locks[made.label])
        if item not in hidden:
            items.append(made)
    return replace(menu, items=tuple(items))


def _hidden(settings: Settings) -> Iterator[Item]:
    phone = settings.phone
    if not phone.network_configuration:
        yield _NETWORK
    if not phone.status:
        yield _STATUS
    if not phone.device_administration:
        yield _ADMINISTRATION
    if not (phone.report_problem_menu and phone.status):
        yield _REPORT_PROBLEM
    if not settings.provisioning.user_configurable_resync:
        yield _PROFILE_RULE


def _locks(phone: Phone) -> Mapping[str, bool]:
    """Return what stands behind the user password otherwise than by default."""
    match phone.require_authentication_for_lcd_menu_access:
        case MenuAuthentication.NO:
            return {_NETWORK.label: False, _ADMINISTRATION.label: False}
        case MenuAuthentication.CUSTOMIZED:
            return {
                _ADMINISTRATION.label: False,
                _FACTORY_RESET.label: phone.factory_reset_menu,
                _PROFILE_RULE.label: phone.profile_rule_menu,
            }
        case _:
            return {}


def tags(menu: Menu = APPLICATIONS) -> Iterator[str]:
    """Yield the parameters of a menu and of those below it."""
    for item in menu.items:
        if isinstance(item, Setting):
            yield item.tag
        elif isinstance(item, Menu):
            yield from tags(item)
