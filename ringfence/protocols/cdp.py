"""CDP version 2 as phones speak it, frames in and out.

Source: chapter, 802.1X and CDP; phone-facts 6; the layout that Wireshark and lldpd document.
"""

import struct
from enum import IntEnum

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.neighbour import (
    LARGEST_FRAME,
    MULTICAST_CDP,
    Neighbour,
    Own,
    dotted,
    packed,
    text,
)

HOLD = 180
"""Seconds that a switch believes a frame."""
_SNAP = bytes.fromhex("aaaa0300000c2000")
_HEAD = 14 + len(_SNAP)
_CAPABILITIES = 0x0490
"""Host, phone, two-port MAC relay."""
_QUERY = bytes.fromhex("20020001")
"""What telephones send to be told their VLAN."""
_IPV4 = bytes.fromhex("0101cc0004")
_LARGEST_VLAN, _NO_VLAN = 4095, (0, 4095)
"""Priority tags and untagged voice name no VLAN."""


class Tlv(IntEnum):
    """Types of what a frame holds."""

    DEVICE = 1
    ADDRESSES = 2
    PORT = 3
    CAPABILITIES = 4
    VERSION = 5
    PLATFORM = 6
    NATIVE_VLAN = 10
    VOICE_REPLY = 14
    VOICE_QUERY = 15
    POWER_CONSUMED = 16
    POWER_REQUESTED = 25
    POWER_AVAILABLE = 26


def build(own: Own) -> bytes:
    """Return the frame in which the phone presents itself and asks for its VLAN and power."""
    tlvs = [(Tlv.DEVICE, own.name.encode())]
    if own.address:
        tlvs.append((Tlv.ADDRESSES, b"\0\0\0\1" + _IPV4 + packed(own.address)))
    tlvs += [
        (Tlv.PORT, b"Port 1"),
        (Tlv.CAPABILITIES, _CAPABILITIES.to_bytes(4, "big")),
        (Tlv.VERSION, own.version.encode()),
        (Tlv.PLATFORM, own.platform.encode()),
        (Tlv.VOICE_QUERY, _QUERY),
        (Tlv.POWER_CONSUMED, own.power.to_bytes(2, "big")),
        (Tlv.POWER_REQUESTED, struct.pack("!HHI", 1, 0, own.power)),
    ]
    body = b"".join(struct.pack("!HH", kind, 4 + len(data)) + data for kind, data in tlvs)
    start = bytes((2, HOLD))
    packet = start + checksum(start + b"\0\0" + body).to_bytes(2, "big") + body
    inner = _SNAP + packet
    return MULTICAST_CDP + own.hardware + len(inner).to_bytes(2, "big") + inner


def checksum(data: bytes) -> int:
    """Return the Internet checksum, with the vendor's way of taking an odd last byte.

    It counts as the low byte of a word that is signed, so a high one is one too little.
    """
    even = len(data) & ~1
    total: int = sum(struct.unpack(f"!{even // 2}H", data[:even]))
    if even < len(data):
        last = data[-1]
        total += 0xFF00 + last - 1 if last & 0x80 else last
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def parse(frame: bytes) -> Neighbour:
    """Return what a frame says.

    Raises:
        RemoteProtocolError: it breaks a rule, in whatever part; nothing of it counts.

    """
    packet = _packet(frame)
    tlvs = _tlvs(packet)
    if not tlvs.get(Tlv.DEVICE):
        raise RemoteProtocolError("CDP: no device identifier")
    device, port = tlvs[Tlv.DEVICE], tlvs.get(Tlv.PORT, b"")
    return Neighbour(
        protocol="CDP",
        device=text(device),
        port=text(port),
        hold=packet[1],
        key=b"CDP" + len(device).to_bytes(2, "big") + device + port,
        name=text(device),
        platform=text(tlvs.get(Tlv.PLATFORM, b"")),
        address=_address(tlvs.get(Tlv.ADDRESSES, b"")),
        capabilities=_number(tlvs, Tlv.CAPABILITIES, 4) or 0,
        voice_vlan=_voice(tlvs),
        native_vlan=_number(tlvs, Tlv.NATIVE_VLAN, 2),
        power=_available(tlvs),
    )


def _packet(frame: bytes) -> bytes:
    """Return the CDP packet in a frame, without the padding of a short one."""
    if len(frame) > LARGEST_FRAME:
        raise RemoteProtocolError(f"CDP: more than {LARGEST_FRAME} bytes")
    if len(frame) < _HEAD + 4 or frame[14:_HEAD] != _SNAP:
        raise RemoteProtocolError("CDP: not a frame of this protocol")
    length = int.from_bytes(frame[12:14], "big")
    if not len(_SNAP) + 4 <= length <= len(frame) - 14:
        raise RemoteProtocolError(f"CDP: says that it has {length} bytes")
    packet = frame[_HEAD : 14 + length]
    if packet[0] not in (1, 2):
        raise RemoteProtocolError(f"CDP: version {packet[0]}")
    if checksum(packet[:2] + b"\0\0" + packet[4:]) != int.from_bytes(packet[2:4], "big"):
        raise RemoteProtocolError("CDP: wrong checksum")
    return packet


def _tlvs(packet: bytes) -> dict[int, bytes]:
    """Return `{type: value}`; of one that comes twice the first."""
    found: dict[int, bytes] = {}
    at = 4
    while at < len(packet):
        if at + 4 > len(packet):
            raise RemoteProtocolError("CDP: ends within the head of a TLV")
        kind, length = struct.unpack_from("!HH", packet, at)
        if length < 4 or at + length > len(packet):
            raise RemoteProtocolError(f"CDP: TLV {kind} of {length} bytes")
        found.setdefault(kind, packet[at + 4 : at + length])
        at += length
    return found


def _number(tlvs: dict[int, bytes], kind: Tlv, size: int) -> int | None:
    data = tlvs.get(kind)
    if data is None:
        return None
    if len(data) != size:
        raise RemoteProtocolError(f"CDP: TLV {int(kind)} with {len(data)} bytes, not {size}")
    return int.from_bytes(data, "big")


def _voice(tlvs: dict[int, bytes]) -> int | None:
    """Return the VLAN for voice: one byte of meaning unknown, then its number."""
    data = tlvs.get(Tlv.VOICE_REPLY)
    if data is None or len(data) == 1:  # a switch without a voice VLAN sends the byte alone
        return None
    if len(data) != 3:
        raise RemoteProtocolError(f"CDP: VoIP VLAN Reply with {len(data)} bytes, not 3")
    vlan = int.from_bytes(data[1:], "big")
    if vlan > _LARGEST_VLAN:
        raise RemoteProtocolError(f"CDP: there is no VLAN {vlan}")
    return None if vlan in _NO_VLAN else vlan


def _available(tlvs: dict[int, bytes]) -> int | None:
    """Return the milliwatts that the port gives; request and management number come first."""
    data = tlvs.get(Tlv.POWER_AVAILABLE)
    if data is None:
        return None
    if len(data) < 8 or len(data) % 4:
        raise RemoteProtocolError(f"CDP: Power Available with {len(data)} bytes")
    return int.from_bytes(data[4:8], "big")


def _address(data: bytes) -> str:
    """Return the first address where it is IPv4, else nothing."""
    if data[4:9] == _IPV4 and len(data) >= 13:
        return dotted(data[9:13])
    return ""
