"""The file that tells the next process which address it inherits."""

import math

import msgspec
from msgspec import Struct

from ringfence.protocols.dhcp.options import address as dotted
from ringfence.protocols.dhcp.options import packed

FILE = "address.json"
LIMIT = 16384


class Remembered(Struct, frozen=True):
    """An address that this phone put on its interface."""

    interface: str
    address: str
    asked_at: float
    """Wall-clock seconds of the request; the lease counts from here."""
    message: bytes = b""
    """The acknowledgement; empty for a static address."""


def encode(remembered: Remembered) -> bytes:
    """Return the content of the file."""
    return msgspec.json.encode(
        {
            "interface": remembered.interface,
            "address": remembered.address,
            "asked_at": remembered.asked_at,
            "message": remembered.message.hex(),
        }
    )


def decode(data: bytes) -> Remembered | None:
    """Return what the file holds; None for a file that cannot be used."""
    if len(data) > LIMIT:
        return None
    try:
        held = msgspec.json.decode(data)
        remembered = Remembered(
            str(held["interface"]),
            dotted(packed(held["address"])),
            float(held["asked_at"]),
            bytes.fromhex(held["message"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return remembered if math.isfinite(remembered.asked_at) else None
