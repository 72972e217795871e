"""Where the phone's IPv6 address comes from."""

import ipaddress

from msgspec import Struct

from ringfence.config.catalog.values import ConnectionType, IpMode
from ringfence.config.codecs import Switch
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError
from ringfence.policy.sources import option_order6
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.runtime.reach import admissions
from ringfence.runtime.state import Facts, Planned

SHORTEST_PREFIX = 8
"""Bits: a shorter one would take most of the Internet for this network."""


class Ipv6Plan(Struct, frozen=True):
    """How to get the IPv6 address."""

    interface: str
    model: str
    """What servers are told that this is."""
    forms: bool
    """Addresses are formed from router advertisements."""
    used: bool = True
    """False: IP Mode has no IPv6, and the kernel speaks none on this interface."""
    second: bool = False
    """IPv4 is in use, too, and goes first."""
    static: Lease6 | None = None
    """The address of the parameters; None where routers and servers say."""
    admissions: int = 1
    """How often the switch has let the phone in; 0: not yet, so nobody would hear a question."""


def plan(settings: Settings, facts: Facts) -> Planned[Ipv6Plan]:
    """Return how to get the IPv6 address, or that there shall be none.

    Source: phone-facts 1.2, IPv6 Settings.

    Raises:
        ConfigError: Static IP without a usable address, prefix or gateway.

    """
    _, findings = option_order6(settings.provisioning.dhcpv6_option_to_use)
    identity, system = facts.identity, settings.system
    if system.ip_mode is IpMode.IPV4:
        unused = Ipv6Plan(facts.interface, identity.product, forms=False, used=False)
        return Planned({"": unused}, findings)
    static = None
    if system.ipv6_connection_type is ConnectionType.STATIC:
        static = static_lease(system.ipv6_static_ip, system.prefix_length, system.ipv6_gateway)
    forms = system.auto_config is Switch.ENABLED
    second = system.ip_mode is IpMode.DUAL
    admitted = admissions(settings, facts)
    decided = Ipv6Plan(
        facts.interface, identity.product, forms, second=second, static=static, admissions=admitted
    )
    return Planned({"": decided}, findings)


def static_lease(address: str, prefix: int, gateway: str) -> Lease6:
    """Return three parameters as a lease.

    Raises:
        ConfigError: one of them is not what it must be.

    """
    if not address:
        tag = ROWS["system"]["ipv6_static_ip"].tag
        raise ConfigError(tag, "is empty", "give the phone's address, or use DHCP")
    if prefix < SHORTEST_PREFIX:
        tag = ROWS["system"]["prefix_length"].tag
        reason = f"{prefix} takes most of the Internet for this network"
        raise ConfigError(tag, reason, "write that of the network, often 64")
    own = _host("ipv6_static_ip", address)
    if own.is_link_local or own.ipv4_mapped:
        tag = ROWS["system"]["ipv6_static_ip"].tag
        raise ConfigError(tag, f"{own} is no address of a network", "give one of the network")
    routers = (str(_host("ipv6_gateway", gateway)),) if gateway else ()
    return Lease6(str(own), prefix, routers=routers)


def _host(field: str, text: str) -> ipaddress.IPv6Address:
    """Return an address that one host can have, without a zone."""
    one = ipaddress.IPv6Address(text)
    if one.is_multicast or one.is_unspecified or one.is_loopback or one.scope_id:
        tag = ROWS["system"][field].tag
        raise ConfigError(tag, f"{text} is not the address of a host", "give that of one host")
    return one


def show(plan: Ipv6Plan) -> str:
    """Return what the interface gets, or whom the phone asks."""
    if not plan.used:
        return f"no IPv6 on {plan.interface}\n"
    formed = "formed from router advertisements" if plan.forms else "never formed"
    if plan.static is None:
        asked = "where a router says so" if plan.forms else "always"
        return f"addresses on {plan.interface} {formed}\nDHCPv6 {asked}\n"
    return (
        f"address {plan.static.address}/{plan.static.prefix} on {plan.interface}\n"
        + "".join(f"router {router}\n" for router in plan.static.routers)
        + f"other addresses {formed}\n"
    )
