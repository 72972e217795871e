"""Which VLAN the phone speaks in, and who said so."""

import msgspec
from msgspec import Struct

from ringfence.protocols.pattern import pattern

LLDP_MED, CDP, MANUAL, DHCP = "LLDP-MED", "CDP", "VLAN ID", "DHCP option"
FIRST, LAST = 1, 4094
"""Source: IEEE 802.1Q 9.6."""
NO_VLAN = (0, 1, 4095)
"""Numbers of VLAN_ID that name none. Source: phone-facts 1.2, VLAN Settings."""
_WRITTEN = pattern(rb"(?:VLAN-A=)?([0-9]{1,4});?\0?")


FILE = "voice-vlan.json"
"""What the switch gave last; a phone that starts again goes on in that VLAN."""


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
    return VoiceVlan(number, f"{DHCP} {code}") if FIRST <= number <= LAST else None


def interface(number: int) -> str:
    """Return the name of the interface of a voice VLAN."""
    return f"voice{number}"


def encode(vlan: VoiceVlan) -> bytes:
    """Return the content of the file."""
    return msgspec.json.encode({"number": vlan.number, "source": vlan.source})


def decode(data: bytes) -> VoiceVlan | None:
    """Return what the file holds; None for a file that cannot be used."""
    try:
        held = msgspec.json.decode(data)
        vlan = VoiceVlan(int(held["number"]), str(held["source"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return vlan if FIRST <= vlan.number <= LAST and vlan.source in (LLDP_MED, CDP) else None
