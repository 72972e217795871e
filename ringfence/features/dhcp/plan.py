"""Where the phone's IPv4 address comes from, and what the phone tells a DHCP server."""

from msgspec import Struct

from ringfence.config.catalog.values import ConnectionType, IpMode
from ringfence.config.settings import Settings
from ringfence.errors import ConfigError, Finding, RemoteProtocolError, Severity
from ringfence.policy.sources import option_order
from ringfence.protocols.dhcp.lease import Lease, check_address
from ringfence.protocols.dhcp.meaning import REQUESTED
from ringfence.protocols.dhcp.options import packed, prefix
from ringfence.protocols.pattern import pattern
from ringfence.runtime.reach import admissions
from ringfence.runtime.state import Facts, Planned

_HOST_NAME = pattern(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.(?!\Z)|\Z))+")


class DhcpPlan(Struct, frozen=True):
    """Ask a DHCP server."""

    interface: str
    vendor_class: str
    """Option 60."""
    host_name: str
    """Option 12."""
    admissions: int = 1
    """How often the switch has let the phone in; 0: not yet, so nobody would hear a question."""
    vlan_option: int | None = None
    """Option that may name the voice VLAN."""

    @property
    def requested(self) -> tuple[int, ...]:
        """Return the options of option 55."""
        own = () if self.vlan_option is None else (self.vlan_option,)
        return (*map(int, REQUESTED), *own)


class StaticPlan(Struct, frozen=True):
    """Take the address of the parameters."""

    interface: str
    lease: Lease
    """As a server would grant it, without an end."""


AddressPlan = DhcpPlan | StaticPlan


def plan(settings: Settings, facts: Facts) -> Planned[AddressPlan]:
    """Return how to get the IPv4 address; no plan where IP Mode has no IPv4.

    Source: phone-facts 1.2, IPv4 Settings, and 3.1, option 60.

    Raises:
        ConfigError: Static IP without a usable address, mask or gateway.

    """
    _, findings = option_order(settings.provisioning.dhcp_option_to_use)
    identity, system = facts.identity, settings.system
    if system.ip_mode is IpMode.IPV6:
        return Planned({}, findings)
    if system.connection_type is ConnectionType.STATIC:
        lease = static_lease(system.static_ip, system.netmask, system.gateway)
        return Planned({"": StaticPlan(facts.interface, lease)}, findings)
    name = system.host_name
    if not _HOST_NAME.fullmatch(name):
        if name:
            findings = (*findings, _unusable(name))
        name = f"SEP{identity.mac.upper()}"
    decided = DhcpPlan(
        facts.interface,
        identity.product,
        name,
        admissions(settings, facts),
        system.dhcp_vlan_option,
    )
    return Planned({"": decided}, findings)


def _unusable(name: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "host-name-unusable",
        "Host_Name",
        f"{name!r} is not a host name; the DHCP server is told the phone's MAC address instead",
        "use letters, digits and hyphens",
    )


def static_lease(address: str, mask: str, gateway: str) -> Lease:
    """Return three parameters as a lease.

    Raises:
        ConfigError: one of them is not what it must be.

    """
    if not address:
        raise ConfigError("Static_IP", "is empty", "give the phone's address, or use DHCP")
    try:
        length = prefix(packed(mask))
    except (ValueError, RemoteProtocolError) as error:
        raise ConfigError("NetMask", str(error), "write it as 255.255.255.0") from error
    for tag, text in (("Static_IP", address), ("Gateway", gateway)):
        try:
            if text:
                check_address(text, length)
        except (ValueError, RemoteProtocolError) as error:
            raise ConfigError(tag, str(error), "give the address of one host") from error
    routers = (gateway,) if gateway else ()
    return Lease(address, length, server="", routers=routers, lease_time=float("inf"))


def show(plan: AddressPlan) -> str:
    """Return what the interface gets, or what a DHCP server is told and asked."""
    if isinstance(plan, StaticPlan):
        return f"address {plan.lease.address}/{plan.lease.prefix} on {plan.interface}\n" + "".join(
            f"router {router}\n" for router in plan.lease.routers
        )
    return (
        f"DHCP on {plan.interface}\n"
        f"option 60 {plan.vendor_class}\n"
        f"option 12 {plan.host_name}\n"
        f"option 55 {','.join(map(str, plan.requested))}\n"
    )
