"""CDP and LLDP frames of switches, good and hostile."""

import random
from collections.abc import Iterator

from ringfence.protocols import cdp


def cdp_frame(*tlvs: tuple[int, bytes], hold: int = 180) -> bytes:
    body = bytes((2, hold, 0, 0))
    for kind, data in tlvs:
        body += kind.to_bytes(2, "big") + (4 + len(data)).to_bytes(2, "big") + data
    return sealed(body)


def sealed(body: bytes) -> bytes:
    """Return a packet with its checksum in a frame."""
    total = cdp.checksum(body[:2] + b"\0\0" + body[4:])
    packet = bytes.fromhex("aaaa0300000c2000") + body[:2] + total.to_bytes(2, "big") + body[4:]
    head = bytes.fromhex("01000ccccccc0200000000ff")
    return head + len(packet).to_bytes(2, "big") + packet


def lldp_frame(*tlvs: tuple[int, bytes], hold: int = 120) -> bytes:
    first = [(1, b"\4\2\0\0\0\0\xff"), (2, b"\5Gi1/0/1"), (3, hold.to_bytes(2, "big"))]
    return raw_lldp(*first, *tlvs, (0, b""))


def raw_lldp(*tlvs: tuple[int, bytes]) -> bytes:
    body = b"".join((kind << 9 | len(data)).to_bytes(2, "big") + data for kind, data in tlvs)
    return bytes.fromhex("0180c200000e0200000000ff88cc") + body


def med(subtype: int, text: str) -> tuple[int, bytes]:
    return 127, b"\x00\x12\xbb" + bytes((subtype,)) + bytes.fromhex(text)


SWITCH = med(1, "000f04")
VLAN_100 = med(2, "0140c96e")
"""Voice, tagged, VLAN 100, priority 5, DSCP 46."""


GOOD_CDP = cdp_frame((1, b"sw"), (14, b"\1\0\x64"))
GOOD_LLDP = lldp_frame(SWITCH, VLAN_100)


def hostile(count: int, seed: int) -> Iterator[bytes]:
    """Yield noise, and good frames with a few bytes changed, most with a right checksum.

    None of them comes from the switch of `GOOD_LLDP`.
    """
    chance = random.Random(seed)
    other = GOOD_LLDP.replace(b"\4\2\0\0\0\0\xff", b"\4\2\0\0\0\0\xee").replace(b"Gi1", b"Gi2")
    for _ in range(count):
        is_cdp = chance.random() < 0.5
        frame = bytearray(GOOD_CDP if is_cdp else other)
        if chance.random() < 0.2:
            frame[14:] = chance.randbytes(chance.randrange(1, 1600))
        for _ in range(chance.randrange(1, 6)):
            frame[chance.randrange(14, len(frame))] = chance.randrange(256)
        sealed_again = is_cdp and chance.random() < 0.7 and len(frame) > 30
        yield sealed(bytes(frame[22:])) if sealed_again else bytes(frame)
