"""Whether this boot connects to the VPN, where, as whom, and what may leave beside the tunnel."""

from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.config.catalog.values import IpMode, TlsVersion
from ringfence.config.codecs import Secret
from ringfence.config.settings import Settings
from ringfence.errors import Finding, Severity
from ringfence.policy import vpn
from ringfence.policy.network import host_and_port, resolvers
from ringfence.runtime.reach import unreached
from ringfence.runtime.state import Facts, Planned

if TYPE_CHECKING:
    from ringfence.protocols.openconnect import Login

PORT = 443
INTERFACE = "vpn0"
AUTHORITIES = "vpn-authorities.pem"
"""File of the state folder: whom openconnect believes."""
_RECORDS = {IpMode.IPV4: ("A",), IpMode.IPV6: ("AAAA",), IpMode.DUAL: ("A", "AAAA")}


class VpnPlan(Struct, frozen=True):
    """What this boot does about the VPN."""

    login: "Login | None"
    """None where it does not connect."""
    idle: str = ""
    """Why it does not."""
    password: Secret = Secret()
    authorities: tuple[str, ...] = ()
    """Certificates, as PEM texts, of those who may vouch for the server (rulings 6)."""
    once: bool = False
    """A person asked for one attempt: where it fails there is no other."""
    closed: bool = False
    """Nothing may leave the phone but through the tunnel, nor while there is none."""
    waiting: str = ""
    """What the network lacks before the server can be asked; empty where nothing."""
    resolvers: tuple[str, ...] = ()
    """DNS servers of the network that the phone stands in."""
    records: tuple[str, ...] = ("A",)


def plan(settings: Settings, facts: Facts) -> Planned[VpnPlan]:
    """Return the one plan; where no tunnel is wanted it says so, and clears what was left.

    Source: chapter, Set Up a VPN Connection; rulings 21.
    """
    system, product = settings.system, facts.identity.product
    closed = system.vpn_only and vpn.has_vpn(product)
    login, findings = _login(settings, facts)
    if login is None or not vpn.wanted(settings, product, facts.vpn_asked):
        idle = vpn.lacking(settings, product) or _idle(settings, facts, login)
        if closed:
            findings = (*findings, _SHUT)
        return Planned({"": VpnPlan(None, idle, closed=closed)}, findings)
    made = VpnPlan(
        login=login,
        password=system.vpn_password,
        authorities=(*facts.trust.provider_root, *facts.trust.custom),
        once=facts.vpn_asked == vpn.ON,
        closed=closed,
        waiting=unreached(settings, facts),
        resolvers=resolvers(settings, facts.lease, facts.lease6),
        records=_RECORDS[system.ip_mode],
    )
    return Planned({"": made}, findings)


def show(made: VpnPlan) -> str:
    """Return how openconnect is started; its password comes on standard input."""
    from ringfence.protocols.openconnect import words

    if made.login is None:
        return f"no tunnel: {made.idle}\n"
    said = words(made.login, made.login.host, INTERFACE, AUTHORITIES, "…")
    return "\n    ".join(["openconnect", *said]) + "\n"


def _login(settings: Settings, facts: Facts) -> tuple["Login | None", tuple[Finding, ...]]:
    system, product = settings.system, facts.identity.product
    text = system.vpn_server
    if text and not vpn.has_vpn(product):
        return None, (_no_vpn(product),)
    if vpn.lacking(settings, product):
        return None, ()
    from ringfence.policy.hostname import address, name
    from ringfence.protocols.openconnect import Login  # only a phone with a VPN pays for it

    try:
        host, port = host_and_port(text, PORT)
        if address(host) is None:
            host = name(host)
        said = (system.vpn_user_name, system.vpn_password.reveal(), system.vpn_tunnel_group)
        if not all(each.isprintable() for each in said):
            raise ValueError("user, password or tunnel group has characters that cannot be typed")
    except ValueError as error:
        return None, (_unusable(str(error)),)
    newest = system.tls_client_min_version is TlsVersion.TLS_1_3
    return Login(host=host, port=port, user=said[0], group=said[2], only_tls13=newest), ()


def _idle(settings: Settings, facts: Facts, login: "Login | None") -> str:
    if login is None:
        return "its settings cannot be used"
    if facts.vpn_asked == vpn.OFF and settings.system.connect_on_bootup:
        return "it was switched off"
    return "Connect on Bootup is No"


def _no_vpn(product: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "vpn-not-on-this-model",
        "VPN_Server",
        f"{product} has no VPN: the phone stays outside the tunnel",
        f"leave it to other models than {', '.join(vpn.MODELS_WITHOUT)}",
    )


def _unusable(why: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "vpn-unusable",
        "VPN_Server",
        f"the VPN cannot be connected to: {why}",
        "write the address or the name of the server, and what it knows the user by",
    )


_SHUT = Finding(
    Severity.WARNING,
    "vpn-only-without-vpn",
    "RF_VPN_Only",
    "nothing leaves the phone but through a tunnel, and this boot connects to none",
    "set Connect_on_Bootup to Yes, or RF_VPN_Only to No",
)
