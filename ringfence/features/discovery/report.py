"""What the status page shows of the switch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from ringfence.messages import _
from ringfence.policy.vlan import VoiceVlan

if TYPE_CHECKING:
    from ringfence.protocols.discovery import Discovery
    from ringfence.protocols.neighbour import Neighbour

UNTAGGED = " (not applied: the phone sends untagged frames)"


def discovery_rows(
    heard: "Discovery | None", vlan: VoiceVlan | None, *, applied: bool
) -> list[tuple[str, str]]:
    """Return a row for each neighbour, and the VLAN with what became of it."""
    rows: list[tuple[str, str]] = []
    if heard:
        rows += [
            (_("{protocol} Neighbor", protocol=one.protocol), _words(one))
            for one in heard.neighbours
        ] or [("Neighbor", "none heard")]
        rows.append(("Refused Frames", str(heard.refused)))
        if heard.last_refusal:
            rows.append(("Last Refusal", heard.last_refusal))
    if vlan:
        became = "" if applied else UNTAGGED
        rows.append(("Voice VLAN", f"{vlan.number} by {vlan.source}{became}"))
    else:
        rows.append(("Voice VLAN", "None"))
    return rows


def discovery_data(
    heard: "Discovery | None", vlan: VoiceVlan | None, *, applied: bool
) -> Mapping[str, object]:
    """Return the same for programs."""
    neighbours = [
        {name: value for name, value in asdict(one).items() if name != "key"}
        for one in (heard.neighbours if heard else ())
    ]
    voice = None
    if vlan:
        voice = {"number": vlan.number, "source": vlan.source, "applied": applied}
    return {
        "neighbours": neighbours,
        "voice_vlan": voice,
        "refused": heard.refused if heard else 0,
    }


def _words(one: "Neighbour") -> str:
    """Return name, port, VLANs and power of a neighbour, as far as it told them."""
    told = [one.name, f"port {one.port}" if one.port else "", one.address]
    if one.voice_vlan is not None:
        told.append(f"voice VLAN {one.voice_vlan}")
    if one.native_vlan is not None:
        told.append(f"native VLAN {one.native_vlan}")
    if one.power is not None:
        told.append(f"{one.power / 1000:.1f} W")
    if one.location:
        told.append(one.location)
    return ", ".join(part for part in told if part)
