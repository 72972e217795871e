"""DHCPv6 options: their numbers, and what their bytes mean."""

import enum
import ipaddress
from collections.abc import Iterator

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.acs import BROADBAND_FORUM, DISCOVERY, Acs, acs_of
from ringfence.protocols.pattern import pattern

ADDRESS_LIMIT = 16
"""Addresses taken from one option; the rest is passed over."""
NAME_LIMIT = 16
"""Names taken from one option; the rest is passed over."""
VENDOR = 9
"""Enterprise number of the vendor of these phones. Source: phone-facts 3.1, v6 17."""
SERVER_LIST = 1
"""Sub-option of it that names provisioning servers. Source: phone-facts 3.1, v6 17."""
_LABEL = pattern(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Option6(enum.IntEnum):
    """Options that the phone sends, asks for or obeys. Source: RFC 8415 21; phone-facts 3.1."""

    CLIENT_ID = 1
    SERVER_ID = 2
    IA_NA = 3
    IA_ADDRESS = 5
    REQUESTED = 6
    PREFERENCE = 7
    ELAPSED_TIME = 8
    STATUS = 13
    RAPID_COMMIT = 14
    VENDOR_CLASS = 16
    VENDOR = 17
    DNS = 23
    DOMAINS = 24
    REFRESH_TIME = 32
    NTP = 56
    SOLICIT_MAX = 82
    INFORMATION_MAX = 83
    PROVISIONING_SERVER = 159
    PROVISIONING_URL = 160


class StatusCode(enum.IntEnum):
    """Option 13. Source: RFC 8415 21.13."""

    SUCCESS = 0
    UNSPECIFIED_FAILURE = 1
    NO_ADDRESS = 2
    NO_BINDING = 3
    NOT_ON_LINK = 4
    USE_MULTICAST = 5


def options(area: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield `(code, value)` of each option in an area of a message.

    Raises:
        RemoteProtocolError: one is cut off, or claims more than there is.

    """
    at = 0
    while at < len(area):
        if at + 4 > len(area):
            raise RemoteProtocolError("an option is cut off")
        code, size = _number(area[at : at + 2]), _number(area[at + 2 : at + 4])
        at += 4
        if at + size > len(area):
            left = len(area) - at
            raise RemoteProtocolError(f"option {code} claims {size} bytes, {left} are left")
        yield code, area[at : at + size]
        at += size


def option(code: int, value: bytes) -> bytes:
    """Return an option as it is sent."""
    return code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def is_host(address: ipaddress.IPv6Address) -> bool:
    """Return whether an address can be that of one host."""
    return not (address.is_multicast or address.is_unspecified or address.is_loopback)


def addresses(data: bytes) -> tuple[str, ...]:
    """Return the addresses in an option, at most `ADDRESS_LIMIT`.

    Raises:
        RemoteProtocolError: not a list of addresses, or one that no host can have.

    """
    if not data or len(data) % 16:
        raise RemoteProtocolError(f"{len(data)} bytes are not a list of addresses")
    end = min(len(data), 16 * ADDRESS_LIMIT)
    each = [ipaddress.IPv6Address(data[at : at + 16]) for at in range(0, end, 16)]
    for one in each:
        if not is_host(one):
            raise RemoteProtocolError(f"{one} is not the address of a host")
    return tuple(map(str, each))


def names(data: bytes) -> tuple[str, ...]:
    """Return the domain names in an option, at most `NAME_LIMIT`.

    Source: RFC 8415 10: labels with their lengths, uncompressed, each name whole.

    Raises:
        RemoteProtocolError: not such a list, or a label that no host name has.

    """
    found: list[str] = []
    labels: list[str] = []
    at = 0
    while at < len(data) and len(found) < NAME_LIMIT:
        size = data[at]
        label = data[at + 1 : at + 1 + size]
        at += 1 + size
        if not size:
            if labels:
                found.append(".".join(labels))
            labels = []
            continue
        if len(label) < size or not _LABEL.fullmatch(label.decode("latin-1")):
            raise RemoteProtocolError("not a list of domain names")
        labels.append(label.decode("ascii"))
        if sum(map(len, labels)) + len(labels) > 254:
            raise RemoteProtocolError("a domain name of more than 253 characters")
    if labels or not found:
        raise RemoteProtocolError("not a list of domain names")
    return tuple(found)


def time_servers(data: bytes) -> tuple[str, ...]:
    """Return the unicast addresses and the names in option 56. Source: RFC 5908.

    Raises:
        RemoteProtocolError: none of them can be used.

    """
    found: list[str] = []
    for code, value in options(data):
        if code == 1:
            found += addresses(value)
        elif code == 3:
            found += names(value)
    if not found:
        raise RemoteProtocolError("no time server")
    return tuple(found[:ADDRESS_LIMIT])


def seconds(data: bytes) -> int:
    """Return a time of four bytes.

    Raises:
        RemoteProtocolError: not four bytes.

    """
    if len(data) != 4:
        raise RemoteProtocolError(f"{len(data)} bytes are not a time")
    return _number(data)


def enterprise(data: bytes) -> tuple[int, dict[int, bytes]]:
    """Return the enterprise number of an instance of option 17, and its sub-options.

    Raises:
        RemoteProtocolError: it is cut off.

    """
    if len(data) < 4:
        raise RemoteProtocolError("no enterprise number")
    return _number(data[:4]), dict(options(data[4:]))


def acs_in_17(data: bytes) -> Acs | None:
    """Return the ACS in an instance of option 17: sub-options 1 to 4 of enterprise 3561.

    Source: phone-facts 3.3.
    """
    try:
        number, found = enterprise(data)
    except RemoteProtocolError:
        return None
    return acs_of(found) if number == BROADBAND_FORUM else None


def vendor_classes(model: str) -> tuple[bytes, ...]:
    """Return both instances of option 16: what the phone is, and that an ACS can manage it."""
    return tuple(
        number.to_bytes(4, "big") + len(word).to_bytes(2, "big") + word
        for number, word in ((VENDOR, model.encode()), (BROADBAND_FORUM, DISCOVERY))
    )


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
