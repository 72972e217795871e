"""The TR-069 ACS that a DHCP server names.

Source: TR-069 section 3.1; phone-facts 3.3.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.options import Option, text

BROADBAND_FORUM = 3561
"""Enterprise number of the sub-options of TR-069."""
DISCOVERY = b"dslforum.org"
"""Vendor class of a device that an ACS can manage."""
_WAITS, _MULTIPLIERS = range(1, 65536), range(1000, 65536)


class Acs(Struct, frozen=True):
    """What a DHCP server tells of the ACS."""

    url: str
    """Empty where only the rest was told."""
    provisioning_code: str = ""
    retry_wait: int | None = None
    """Least seconds before the first retry of a session."""
    retry_multiplier: int | None = None
    """Growth of the interval between retries, in thousandths."""


def acs_in(code: int, data: bytes) -> Acs | None:
    """Return the ACS in option 43 or 125; None where there is none.

    Option 43 holds sub-options 1 to 4, or nothing but the URL. Option 125 holds 11 to 14 of the
    enterprise 3561, where the older 1 to 4 are taken, too.
    """
    if code == Option.VENDOR_SPECIFIC:
        if data[:4].lower() == b"http":
            return acs_of({1: data})
        return acs_of(dict(sub_options(data)))
    if code == Option.VENDOR_IDENTIFYING:
        found: dict[int, bytes] = {}
        for enterprise, held in enterprises(data):
            if enterprise == BROADBAND_FORUM:
                found.update(sub_options(held))
        return acs_of(found, 11) or acs_of(found)
    return None


def acs_of(found: Mapping[int, bytes], first: int = 1) -> Acs | None:
    """Return the ACS in four sub-options from `first` on; None where none of them is usable."""
    acs = Acs(
        url=_url(found.get(first, b"")),
        provisioning_code=_text(found.get(first + 1, b""))[:64],
        retry_wait=_number(found.get(first + 2, b""), _WAITS),
        retry_multiplier=_number(found.get(first + 3, b""), _MULTIPLIERS),
    )
    return None if acs == Acs("") else acs


def enterprises(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield `(enterprise, bytes)` of the parts of option 125, as far as they are whole."""
    at = 0
    while at + 5 <= len(data):
        size = data[at + 4]
        if at + 5 + size > len(data):
            return
        yield int.from_bytes(data[at : at + 4], "big"), data[at + 5 : at + 5 + size]
        at += 5 + size


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


def vendor_class() -> bytes:
    """Return option 124, by which the phone asks for an ACS. Source: RFC 3925 section 3."""
    return BROADBAND_FORUM.to_bytes(4, "big") + bytes((len(DISCOVERY),)) + DISCOVERY


def _text(value: bytes) -> str:
    try:
        return text(value)
    except RemoteProtocolError:
        return ""


def _url(value: bytes) -> str:
    url = _text(value)
    return url if url.lower().startswith(("http://", "https://")) else ""


def _number(value: bytes, allowed: range) -> int | None:
    digits = _text(value)
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else -1
    return number if number in allowed else None
