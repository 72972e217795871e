"""One question of ARP, and its answer: who has this IPv4 address? Source: RFC 826."""

import struct

from msgspec import Struct

from ringfence.protocols.dhcp.options import packed

ETHERTYPE = 0x0806
REQUEST, REPLY = 1, 2
EVERYONE = b"\xff" * 6
_FRAME = struct.Struct("!6s6sHHHBBH6s4s6s4s")
REPLIES = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x28, 0, 0, 12),
        (0x15, 0, 3, ETHERTYPE),
        (0x28, 0, 0, 20),
        (0x15, 0, 1, REPLY),
        (0x06, 0, 0, 128),
        (0x06, 0, 0, 0),
    )
)
"""Classic BPF: answers alone, so that the phone does not wake for each question on the wire."""


class Reply(Struct, frozen=True):
    """Who has an address."""

    hardware: bytes
    address: str


def request(hardware: bytes, own: str, target: str, to: bytes = EVERYONE) -> bytes:
    """Return the frame that asks who has `target`; `to` spares everyone else the question."""
    head = (to, hardware, ETHERTYPE, 1, 0x0800, 6, 4, REQUEST)
    return _FRAME.pack(*head, hardware, packed(own), bytes(6), packed(target))


def parse_reply(frame: bytes) -> Reply | None:
    """Return what an answer says; None for any other frame."""
    if len(frame) < _FRAME.size:
        return None
    _, _, *kind, hardware, address, _, _ = _FRAME.unpack_from(frame)
    if kind != [ETHERTYPE, 1, 0x0800, 6, 4, REPLY]:
        return None
    return Reply(hardware, ".".join(map(str, address)))
