"""Which VLAN the phone speaks in, and who said so."""

import re

from msgspec import Struct

LLDP_MED, CDP, MANUAL, DHCP = "LLDP-MED", "CDP", "VLAN ID", "DHCP option"
_WRITTEN = re.compile(rb"(?:VLAN-A=)?([0-9]{1,4});?\0?")


class VoiceVlan(Struct, frozen=True):
    """A VLAN and its source."""

    number: int
    """1 to 4094."""
    source: str
    """`LLDP-MED`, `CDP`, `VLAN ID`, or `DHCP option 132`."""


def voice_vlan(
    lldp_med: int | None, cdp: int | None, otherwise: VoiceVlan | None
) -> VoiceVlan | None:
    """Return the VLAN by the first that names one; None where nobody does.

    `otherwise` is what parameters or DHCP name.

    Source: phone-facts 1.2, VLAN Settings.
    """
    for number, source in ((lldp_med, LLDP_MED), (cdp, CDP)):
        if number is not None:
            return VoiceVlan(number, source)
    return otherwise


def of_option(code: int, data: bytes | None) -> VoiceVlan | None:
    """Return the VLAN in a DHCP option: digits, `VLAN-A=100;`, or two bytes; else None."""
    if data is None:
        return None
    written = _WRITTEN.fullmatch(data)
    number = int(written[1]) if written else int.from_bytes(data, "big") if len(data) == 2 else 0
    return VoiceVlan(number, f"{DHCP} {code}") if 1 <= number <= 4094 else None
