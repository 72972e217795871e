"""The file that tells the next process which IPv6 address it inherits."""

import ipaddress
import math

import msgspec
from msgspec import Struct

FILE = "address6.json"
LIMIT = 16384


class Remembered6(Struct, frozen=True):
    """An address that this phone put on its interface."""

    interface: str
    address: str
    prefix: int
    asked_at: float
    """Wall-clock seconds of the request; the lease counts from here."""
    message: bytes = b""
    """The reply; empty for a static address."""


def encode(remembered: Remembered6) -> bytes:
    """Return the content of the file."""
    return msgspec.json.encode(
        {
            "interface": remembered.interface,
            "address": remembered.address,
            "prefix": remembered.prefix,
            "asked_at": remembered.asked_at,
            "message": remembered.message.hex(),
        }
    )


def decode(data: bytes) -> Remembered6 | None:
    """Return what the file holds; None for a file that cannot be used."""
    if len(data) > LIMIT:
        return None
    try:
        held = msgspec.json.decode(data)
        remembered = Remembered6(
            str(held["interface"]),
            ipaddress.IPv6Address(ipaddress.IPv6Address(held["address"]).packed).compressed,
            int(held["prefix"]),
            float(held["asked_at"]),
            bytes.fromhex(held["message"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    fits = math.isfinite(remembered.asked_at) and 0 < remembered.prefix <= 128
    return remembered if fits else None
