"""Whether the port to the computer is on, and what is kept from it."""

from msgspec import Struct

from ringfence.config.settings import Settings
from ringfence.runtime.state import Facts, Planned


class PcPortPlan(Struct, frozen=True):
    """What the port to the computer does; nothing where the phone has none."""

    interface: str
    """The bridge that joins it with the port to the switch."""
    enabled: bool
    hardware: str
    """The phone's MAC address, `00:0e:08:ab:cd:ef`."""
    voice_vlan: int | None = None
    """The VLAN that is the phone's alone; None while it has none."""
    untagged: bool = True
    """The phone itself hears what comes without a tag."""


def plan(settings: Settings, facts: Facts) -> Planned[PcPortPlan]:
    """Return what the port does.

    Source: chapter, 802.1X Authentication: Configure PC Port; phone-facts 1.2 and 6.
    """
    identity, vlan = facts.identity, facts.voice_vlan
    made = PcPortPlan(
        interface=identity.interface,
        enabled=settings.system.pc_port_enable,
        hardware=bytes.fromhex(identity.mac).hex(":"),
        voice_vlan=vlan.number if vlan else None,
        untagged=not facts.voice_interface,
    )
    return Planned({"": made})
