"""DHCP options: their numbers, and what their bytes mean."""

import enum
from collections.abc import Callable, Iterator, Mapping

from ringfence.errors import RemoteProtocolError

TEXT_LIMIT = 512
"""Bytes of text taken from one option. Source: phone-facts 3.2."""
ADDRESS_LIMIT = 16
"""Addresses taken from one option; the rest is passed over."""
BROADBAND_FORUM = 3561
"""Enterprise number of the TR-069 sub-options in option 125. Source: phone-facts 3.3."""


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


def sub_options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield `(code, value)` of the sub-options in options 43 and 125, as far as they are whole."""
    at = 0
    while at + 2 <= len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        value = data[at + 2 : at + 2 + data[at + 1]]
        if len(value) < data[at + 1]:
            return
        yield data[at], value
        at += 2 + data[at + 1]


def acs_url(code: int, data: bytes) -> str:
    """Return the URL of the TR-069 ACS in option 43 or 125; empty where there is none.

    Source: phone-facts 3.3: sub-option 1 of 43, or all of 43 where it is a printable URL;
    sub-option 11 of enterprise 3561 in 125, where the older 1 is taken, too.
    """
    found: dict[int, bytes] = {}
    if code == Option.VENDOR_SPECIFIC:
        if data[:4].lower() == b"http":
            found[1] = data
        else:
            found.update(sub_options(data))
    elif code == Option.VENDOR_IDENTIFYING:
        at = 0
        while at + 5 <= len(data):
            enterprise = int.from_bytes(data[at : at + 4], "big")
            if enterprise == BROADBAND_FORUM:
                found.update(sub_options(data[at + 5 : at + 5 + data[at + 4]]))
            at += 5 + data[at + 4]
    value = found.get(11) or found.get(1) or b""
    try:
        url = text(value)
    except RemoteProtocolError:
        return ""
    return url if url.lower().startswith(("http://", "https://")) else ""


def _acs(code: int) -> Callable[[bytes], str]:
    def read(data: bytes) -> str:
        url = acs_url(code, data)
        return f"ACS {url}" if url else "no ACS"

    return read


def _listed(data: bytes) -> str:
    return ", ".join(addresses(data))


def _time(data: bytes) -> str:
    return f"{seconds(data)} s"


_READ: Mapping[int, tuple[str, Callable[[bytes], str]]] = {
    Option.SUBNET_MASK: ("subnet mask", lambda data: f"/{prefix(data)}"),
    Option.ROUTER: ("routers", _listed),
    Option.DNS: ("DNS servers", _listed),
    Option.HOST_NAME: ("host name", text),
    Option.DOMAIN: ("domain", text),
    Option.NTP: ("NTP servers", _listed),
    Option.VENDOR_SPECIFIC: ("vendor specific", _acs(Option.VENDOR_SPECIFIC)),
    Option.LEASE_TIME: ("lease time", _time),
    Option.SERVER_IDENTIFIER: ("DHCP server", _listed),
    Option.RENEWAL_TIME: ("renewal time", _time),
    Option.REBINDING_TIME: ("rebinding time", _time),
    Option.VENDOR_CLASS: ("vendor class", text),
    Option.TFTP_SERVER_NAME: ("TFTP server name", text),
    Option.VENDOR_IDENTIFYING: ("vendor-identifying", _acs(Option.VENDOR_IDENTIFYING)),
    Option.TFTP_SERVERS: ("TFTP servers", _listed),
    Option.PROVISIONING_SERVER: ("provisioning server", text),
    Option.PROVISIONING_URL: ("provisioning URL", text),
    Option.PROXY_DISCOVERY: ("proxy auto-configuration", text),
}

REQUESTED = tuple(code for code in _READ if code != Option.HOST_NAME)
"""What the phone asks for, in option 55. Source: phone-facts 3.1."""


def name(code: int) -> str:
    """Return what an option is called; empty for one that the phone does not know."""
    return _READ[code][0] if code in _READ else ""


def interpret(code: int, data: bytes) -> str:
    """Return what the phone makes of an option; empty for one that it does not know."""
    if code not in _READ:
        return ""
    try:
        return _READ[code][1](data)
    except RemoteProtocolError as error:
        return f"refused: {error}"
