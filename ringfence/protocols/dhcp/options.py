"""DHCP options: their numbers, and the values that their bytes are made of."""

import enum

from ringfence.errors import RemoteProtocolError

TEXT_LIMIT = 512
"""Bytes of text taken from one option. Source: phone-facts 3.2."""
ADDRESS_LIMIT = 16
"""Addresses taken from one option; the rest is passed over."""
DAY = 86400
"""Seconds."""


class Option(enum.IntEnum):
    """Options that the phone sends, asks for or obeys. Source: RFC 2132; phone-facts 3.1."""

    SUBNET_MASK = 1
    TIME_OFFSET = 2
    ROUTER = 3
    DNS = 6
    HOST_NAME = 12
    DOMAIN = 15
    NTP = 42
    VENDOR_SPECIFIC = 43
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    OVERLOAD = 52
    MESSAGE_TYPE = 53
    SERVER_IDENTIFIER = 54
    PARAMETER_LIST = 55
    MESSAGE = 56
    MAXIMUM_SIZE = 57
    RENEWAL_TIME = 58
    REBINDING_TIME = 59
    VENDOR_CLASS = 60
    CLIENT_IDENTIFIER = 61
    TFTP_SERVER_NAME = 66
    VENDOR_IDENTIFYING_CLASS = 124
    VENDOR_IDENTIFYING = 125
    TFTP_SERVERS = 150
    PROVISIONING_SERVER = 159
    PROVISIONING_URL = 160
    PROXY_DISCOVERY = 252


def address(data: bytes) -> str:
    """Return four bytes as a dotted address."""
    return "{}.{}.{}.{}".format(*data)


def packed(text: str) -> bytes:
    """Return the four bytes of a dotted address.

    Raises:
        ValueError: it is not one.

    """
    parts = text.split(".")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) <= 3 for p in parts):
        raise ValueError(f"{text[:40]!r} is not an IPv4 address")
    return bytes(map(int, parts))


def is_host(data: bytes) -> bool:
    """Return whether four bytes can be the address of one host on a network."""
    return 0 < data[0] < 224 and data[0] != 127


def addresses(data: bytes) -> tuple[str, ...]:
    """Return the addresses in an option, at most `ADDRESS_LIMIT`.

    Raises:
        RemoteProtocolError: not a list of addresses, or one that no host can have.

    """
    if not data or len(data) % 4:
        raise RemoteProtocolError(f"{len(data)} bytes are not a list of addresses")
    each = [data[i : i + 4] for i in range(0, min(len(data), 4 * ADDRESS_LIMIT), 4)]
    for one in each:
        if not is_host(one):
            raise RemoteProtocolError(f"{address(one)} is not the address of a host")
    return tuple(map(address, each))


def text(data: bytes) -> str:
    """Return the text in an option, without the NULs that some servers append.

    Raises:
        RemoteProtocolError: empty, longer than `TEXT_LIMIT`, not UTF-8, or with a control
            character. Source: phone-facts 3.2, value hygiene.

    """
    bare = data.rstrip(b"\0")
    if not bare:
        raise RemoteProtocolError("no text")
    if len(bare) > TEXT_LIMIT:
        raise RemoteProtocolError(f"{len(bare)} bytes of text, at most {TEXT_LIMIT} are taken")
    try:
        decoded = bare.decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError("text that is not UTF-8") from None
    if not decoded.isprintable():
        raise RemoteProtocolError("text with a control character")
    return decoded


def seconds(data: bytes) -> int:
    """Return a time of four bytes; of a time that was sent twice, the first.

    Raises:
        RemoteProtocolError: not four bytes, nor a repetition.

    """
    if not data or len(data) % 4:
        raise RemoteProtocolError(f"{len(data)} bytes are not a time")
    return int.from_bytes(data[:4], "big")


def prefix(data: bytes) -> int:
    """Return the length of the network part of a subnet mask.

    Raises:
        RemoteProtocolError: not a mask, or a network of more than 2^24 addresses.

    """
    if len(data) != 4:
        raise RemoteProtocolError(f"a subnet mask of {len(data)} bytes")
    hosts = ~int.from_bytes(data, "big") & 0xFFFFFFFF
    if hosts & (hosts + 1):
        raise RemoteProtocolError(f"{address(data)} is not a subnet mask")
    length = 32 - hosts.bit_length()
    if length < 8:
        raise RemoteProtocolError(f"a network of the size of {address(data)}")
    return length


def offset(data: bytes) -> int:
    """Return the seconds that local time is ahead of UTC, negative where it is behind.

    Raises:
        RemoteProtocolError: not four bytes, or more than a day.

    """
    if len(data) != 4:
        raise RemoteProtocolError(f"{len(data)} bytes are not a time offset")
    ahead = int.from_bytes(data, "big", signed=True)
    if abs(ahead) > DAY:
        raise RemoteProtocolError(f"a time offset of {ahead} s")
    return ahead
