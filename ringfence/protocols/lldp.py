"""LLDP and LLDP-MED, frames in and out. Source: IEEE 802.1AB; ANSI/TIA-1057; phone-facts 6."""

import struct
from collections.abc import Iterator
from enum import IntEnum

from msgspec.structs import replace

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.neighbour import (
    ETHERTYPE_LLDP,
    LARGEST_FRAME,
    MULTICAST_LLDP,
    Neighbour,
    Own,
    dotted,
    packed,
    text,
)

HOLD = 180
"""Seconds that a switch believes a frame."""
_DOT1, _DOT3, _MED = b"\x00\x80\xc2", b"\x00\x12\x0f", b"\x00\x12\xbb"
_END = b"\0\0"
_IPV4 = b"\1"
_TELEPHONE = 1 << 5
_MED_SENT = 0b110011
"""Capabilities, network policy, extended power of a powered device, inventory."""
_CLASS_III, _CONNECTIVITY = 3, 4
_VOICE = 1
_ELIN = range(10, 26)
"""Digits of an emergency number. Source: TIA-1057 10.2.4.3.3."""


class Tlv(IntEnum):
    """Types of what a frame holds."""

    END = 0
    CHASSIS = 1
    PORT = 2
    TTL = 3
    NAME = 5
    DESCRIPTION = 6
    CAPABILITIES = 7
    MANAGEMENT = 8
    ORGANISATION = 127


class Med(IntEnum):
    """Subtypes of TIA's TLV."""

    CAPABILITIES = 1
    POLICY = 2
    LOCATION = 3
    POWER = 4
    SOFTWARE = 7
    SERIAL = 8
    MANUFACTURER = 9
    MODEL = 10


def build(own: Own, hold: int = HOLD) -> bytes:
    """Return the frame in which the phone presents itself; without `hold` it takes its leave."""
    chassis = b"\5" + _IPV4 + packed(own.address) if own.address else b"\4" + own.hardware
    port = b"\7" + own.hardware.hex().upper().encode() + b":P1"
    first = _tlv(Tlv.CHASSIS, chassis) + _tlv(Tlv.PORT, port)
    first += _tlv(Tlv.TTL, hold.to_bytes(2, "big"))
    inner = first + (_about(own) if hold else b"") + _END
    return MULTICAST_LLDP + own.hardware + ETHERTYPE_LLDP.to_bytes(2, "big") + inner


def _about(own: Own) -> bytes:
    tlvs = [
        _tlv(Tlv.NAME, own.name.encode()),
        _tlv(Tlv.DESCRIPTION, f"{own.platform}, {own.version}".encode()),
        _tlv(Tlv.CAPABILITIES, struct.pack("!HH", _TELEPHONE, _TELEPHONE)),
    ]
    if own.address:
        place = b"\5" + _IPV4 + packed(own.address) + b"\1\0\0\0\0\0"
        tlvs.append(_tlv(Tlv.MANAGEMENT, place))
    tlvs += [
        _med(Med.CAPABILITIES, struct.pack("!HB", _MED_SENT, _CLASS_III)),
        _med(Med.POLICY, _policy(own.voice_vlan)),
        # A powered device that the switch feeds, of unknown priority, in tenths of a watt.
        _med(Med.POWER, struct.pack("!BH", 0b01_01_0000, own.power // 100)),
        _med(Med.SOFTWARE, own.version.encode()[:32]),
        _med(Med.MANUFACTURER, b"Ringfence"),
        _med(Med.MODEL, own.platform.encode()[:32]),
    ]
    if own.serial:
        tlvs.append(_med(Med.SERIAL, own.serial.encode()[:32]))
    return b"".join(tlvs)


def _policy(vlan: int | None) -> bytes:
    """Return the policy for voice; the flag `unknown` asks the switch for one."""
    flags = 1 << 23 if vlan is None else 1 << 22 | vlan << 9 | 5 << 6 | 46
    return (_VOICE << 24 | flags).to_bytes(4, "big")


def _tlv(kind: int, data: bytes) -> bytes:
    return (kind << 9 | len(data)).to_bytes(2, "big") + data


def _med(kind: Med, data: bytes) -> bytes:
    return _tlv(Tlv.ORGANISATION, _MED + bytes((kind,)) + data)


def parse(frame: bytes) -> Neighbour:
    """Return what a frame says.

    Raises:
        RemoteProtocolError: it breaks a rule, in whatever part; nothing of it counts.

    """
    if len(frame) > LARGEST_FRAME:
        raise RemoteProtocolError(f"LLDP: more than {LARGEST_FRAME} bytes")
    if len(frame) < 14 or int.from_bytes(frame[12:14], "big") != ETHERTYPE_LLDP:
        raise RemoteProtocolError("LLDP: not a frame of this protocol")
    tlvs = list(_tlvs(frame))
    kinds = [kind for kind, _ in tlvs]
    if kinds[:3] != [Tlv.CHASSIS, Tlv.PORT, Tlv.TTL]:
        raise RemoteProtocolError("LLDP: does not begin with chassis, port and time to live")
    if any(kind in kinds[3:] for kind in kinds[:3]):
        raise RemoteProtocolError("LLDP: chassis, port or time to live twice")
    (_, chassis), (_, port), (_, ttl) = tlvs[:3]
    if len(ttl) != 2:
        raise RemoteProtocolError(f"LLDP: time to live with {len(ttl)} bytes, not 2")
    found = Neighbour(
        protocol="LLDP",
        device=_identifier("chassis", chassis, hardware=4, network=5),
        port=_identifier("port", port, hardware=3, network=4),
        hold=int.from_bytes(ttl, "big"),
        key=b"LLDP" + len(chassis).to_bytes(2, "big") + chassis + port,
        is_switch=False,
    )
    for kind, data in tlvs[3:]:
        found = _with(found, kind, data)
    return found if found.name else replace(found, name=found.device)


def _tlvs(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield `(type, value)` up to the end; what follows it pads the frame."""
    at = 14
    while at < len(frame):
        if at + 2 > len(frame):
            raise RemoteProtocolError("LLDP: ends within the head of a TLV")
        head = int.from_bytes(frame[at : at + 2], "big")
        kind, length = head >> 9, head & 0x1FF
        at += 2 + length
        if at > len(frame):
            raise RemoteProtocolError(f"LLDP: TLV {kind} of {length} bytes exceeds the frame")
        if kind == Tlv.END:
            if length:
                raise RemoteProtocolError(f"LLDP: its end has {length} bytes")
            return
        yield kind, frame[at - length : at]


def _identifier(what: str, data: bytes, *, hardware: int, network: int) -> str:
    """Return a chassis or port identifier as it is written."""
    if not 2 <= len(data) <= 256:
        raise RemoteProtocolError(f"LLDP: {what} identifier with {len(data)} bytes")
    kind, value = data[0], data[1:]
    if kind == hardware and len(value) == 6:
        return value.hex(":")
    if kind == network and value[:1] == _IPV4 and len(value) == 5:
        return dotted(value[1:])
    return text(value)


def _with(found: Neighbour, kind: int, data: bytes) -> Neighbour:
    """Return what is known with one TLV more; of what nobody needs, nothing."""
    if kind == Tlv.NAME:
        return replace(found, name=text(data))
    if kind == Tlv.DESCRIPTION:
        return replace(found, platform=text(data))
    if kind == Tlv.CAPABILITIES:
        return replace(found, capabilities=struct.unpack("!HH", _sized("capabilities", data, 4))[1])
    if kind == Tlv.MANAGEMENT and data[:2] == b"\5\1" and len(data) >= 6:
        return replace(found, address=dotted(data[2:6]))
    if kind != Tlv.ORGANISATION:
        return found
    if len(data) < 4:
        raise RemoteProtocolError("LLDP: TLV of an organisation without a name")
    organisation, subtype, value = data[:3], data[3], data[4:]
    if (organisation, subtype) == (_DOT1, 1):
        vlan = int.from_bytes(_sized("port VLAN", value, 2), "big")
        return replace(found, native_vlan=vlan or None)
    if (organisation, subtype) == (_DOT3, 2):
        return _with_mdi(found, value)
    return _with_med(found, subtype, value) if organisation == _MED else found


def _with_mdi(found: Neighbour, value: bytes) -> Neighbour:
    """Take the power of 802.3at: three bytes, then type, request and allocation in 0.1 W."""
    if len(value) < 3 or 3 < len(value) < 8:
        raise RemoteProtocolError(f"LLDP: power via MDI with {len(value)} bytes")
    if len(value) == 3:
        return found
    return replace(found, power=int.from_bytes(value[6:8], "big") * 100)


def _with_med(found: Neighbour, subtype: int, value: bytes) -> Neighbour:
    if subtype == Med.CAPABILITIES:
        _, device = struct.unpack("!HB", _sized("MED capabilities", value, 3))
        return replace(found, is_switch=device == _CONNECTIVITY)
    if subtype == Med.POLICY:
        return _with_policy(found, int.from_bytes(_sized("network policy", value, 4), "big"))
    if subtype == Med.POWER:
        _, tenths = struct.unpack("!BH", _sized("extended power", value, 3))
        return replace(found, power=tenths * 100)
    if subtype == Med.LOCATION:
        return replace(found, location=_location(value))
    return found


def _with_policy(found: Neighbour, policy: int) -> Neighbour:
    """Take the policy for voice; those of other applications are not ours."""
    vlan = policy >> 9 & 0xFFF
    if vlan == 0xFFF:
        raise RemoteProtocolError("LLDP: there is no VLAN 4095")
    unknown, tagged = policy >> 23 & 1, policy >> 22 & 1
    if policy >> 24 != _VOICE or unknown:
        return found
    return replace(
        found,
        voice_vlan=vlan if tagged and vlan else None,  # 0 is a priority tag of no VLAN
        priority=policy >> 6 & 7,
        dscp=policy & 63,
    )


def _location(value: bytes) -> str:
    """Return where the port is, in a word. Source: TIA-1057 10.2.4.3."""
    if not value:
        raise RemoteProtocolError("LLDP: location without a format")
    kind, data = value[0], value[1:]
    if kind == 1:
        return "coordinates " + _sized("location", data, 16).hex()
    if kind == 3:
        if len(data) not in _ELIN or not data.isdigit():
            raise RemoteProtocolError("LLDP: emergency number is not 10 to 25 digits")
        return data.decode()
    if kind == 2:
        if len(data) < 4 or data[0] != len(data) - 1:
            raise RemoteProtocolError("LLDP: civic address of another length than it says")
        return f"civic address in {text(data[2:4])}"
    return ""


def _sized(what: str, data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise RemoteProtocolError(f"LLDP: {what} with {len(data)} bytes, not {size}")
    return data
