"""What the phone tells the switch, when, and which VLAN its own parameters name."""

from msgspec import Struct

from ringfence import __version__
from ringfence.config.settings import Settings
from ringfence.policy.vlan import DHCP, MANUAL, NO_VLAN, VoiceVlan, of_option
from ringfence.runtime.state import Facts, Planned


class DiscoveryPlan(Struct, frozen=True):
    """How to meet the switch."""

    interface: str
    """Interface that carries the phone's address; its port to the switch is spoken on."""
    name: str
    platform: str
    version: str
    serial: str
    cdp: bool
    lldp_med: bool
    delay: int
    """Seconds from a carrier to the first LLDP-MED frame."""
    otherwise: VoiceVlan | None = None
    """The VLAN where the switch names none: that of the parameters, else of DHCP."""


def plan(settings: Settings, facts: Facts) -> Planned[DiscoveryPlan]:
    """Return how to meet the switch. Source: phone-facts 1.2, VLAN Settings, and 6."""
    identity, system = facts.identity, settings.system
    decided = DiscoveryPlan(
        interface=identity.interface,
        name=f"SEP{identity.mac.upper()}",
        platform=identity.product,
        version=f"Ringfence {__version__}",
        serial=identity.serial,
        cdp=system.enable_cdp,
        lldp_med=system.enable_lldp_med,
        delay=system.network_startup_delay,
        otherwise=_otherwise(settings, facts),
    )
    return Planned({"": decided})


def _otherwise(settings: Settings, facts: Facts) -> VoiceVlan | None:
    """Return the VLAN of the parameters; where all else is off, that of the DHCP option."""
    system, lease = settings.system, facts.lease
    if system.enable_vlan:
        return None if system.vlan_id in NO_VLAN else VoiceVlan(system.vlan_id, MANUAL)
    code = system.dhcp_vlan_option
    if code is None or system.enable_cdp or system.enable_lldp_med:
        return None
    told = facts.voice_vlan
    if told and facts.voice_interface and told.source == f"{DHCP} {code}":
        return told  # a server inside the VLAN says nothing of it
    if lease is None:
        return None
    return of_option(code, lease.options.get(code))


def show(plan: DiscoveryPlan) -> str:
    """Return what is spoken, and where else a VLAN may come from."""
    lines = [f"CDP as {plan.name}"] if plan.cdp else []
    if plan.lldp_med:
        lines.append(f"LLDP-MED as {plan.name}, {plan.delay} s after the carrier")
    if plan.otherwise:
        one = plan.otherwise
        lines.append(f"VLAN {one.number} by {one.source} where the switch names none")
    return "".join(f"{line}\n" for line in lines) or "no discovery\n"
