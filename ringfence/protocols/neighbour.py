"""What a discovery frame says of its sender, and what the phone says of itself."""

import struct

from msgspec import Struct

LARGEST_FRAME = 1514
"""Bytes, head included. Source: IEEE 802.3."""
MULTICAST_CDP = bytes.fromhex("01000ccccccc")
MULTICAST_LLDP = bytes.fromhex("0180c200000e")
ETHERTYPE_LLDP = 0x88CC
ETHERTYPE_ALL = 3
"""For a packet socket: no narrower one hears CDP on the port of a bridge. Source: packet(7)."""
_TEXT = 128
"""Characters of a text that are kept."""
FILTER = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x28, 0, 0, 0xFFFFF030),  # the VLAN tag that the kernel took off: there must be none
        (0x15, 0, 10, 0),
        (0x20, 0, 0, 0),  # the first four bytes of the destination
        (0x15, 0, 2, 0x01000CCC),
        (0x28, 0, 0, 4),
        (0x15, 5, 6, 0xCCCC),
        (0x15, 0, 5, 0x0180C200),
        (0x28, 0, 0, 4),
        (0x15, 0, 3, 0x000E),
        (0x28, 0, 0, 12),
        (0x15, 0, 1, ETHERTYPE_LLDP),
        (0x06, 0, 0, LARGEST_FRAME + 1),
        (0x06, 0, 0, 0),
    )
)
"""Classic BPF: untagged frames to the groups of CDP and LLDP, cut where they are too large."""


class Own(Struct, frozen=True):
    """What the phone says of itself, and of nobody behind it (DOT-11)."""

    hardware: bytes
    name: str
    """`SEP` and the MAC address."""
    platform: str
    version: str
    serial: str = ""
    address: str = ""
    """IPv4; empty while there is none."""
    power: int = 6300
    """Milliwatts at most: class 2 of IEEE 802.3af."""
    voice_vlan: int | None = None
    """The VLAN that the phone was told to speak in."""


class Neighbour(Struct, frozen=True):
    """What a frame says of its sender."""

    protocol: str
    """`CDP`, or `LLDP`."""
    device: str
    port: str
    hold: int
    """Seconds that it counts; 0 takes it back."""
    key: bytes = b""
    """What makes two frames those of one neighbour."""
    name: str = ""
    """What the sender calls itself; the device identifier where it says nothing."""
    platform: str = ""
    address: str = ""
    capabilities: int = 0
    voice_vlan: int | None = None
    native_vlan: int | None = None
    priority: int | None = None
    """802.1p, 0 to 7."""
    dscp: int | None = None
    power: int | None = None
    """Milliwatts that the port gives."""
    is_switch: bool = True
    """False: another endpoint, whose word on VLANs counts nothing."""
    location: str = ""


def is_sound(one: Neighbour) -> bool:
    """Return whether a value is one that a frame can lead to."""
    words = (one.device, one.port, one.name, one.platform, one.address, one.location)
    return (
        one.protocol in ("CDP", "LLDP")
        and 0 < len(one.key) <= LARGEST_FRAME
        and 0 <= one.hold <= 0xFFFF
        and all(len(word) <= _TEXT and (word.isprintable() or not word) for word in words)
        and all(
            number is None or 0 <= number <= most
            for number, most in (
                (one.voice_vlan, 4094),
                (one.native_vlan, 0xFFFF),
                (one.priority, 7),
                (one.dscp, 63),
                (one.power, 0xFFFFFFFF),
                (one.capabilities, 0xFFFFFFFF),
            )
        )
        and one.voice_vlan != 0
    )


def text(data: bytes) -> str:
    """Return what a stranger wrote, without what no page or log should print."""
    shown = data[: 4 * _TEXT].decode("utf-8", errors="replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in shown.rstrip("\0"))[:_TEXT]


def dotted(data: bytes) -> str:
    """Return four bytes as an IPv4 address."""
    return ".".join(str(byte) for byte in data)


def packed(address: str) -> bytes:
    """Return an IPv4 address as four bytes."""
    return bytes(int(part) for part in address.split("."))
