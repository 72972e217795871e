"""Where the phone is, in the words of a location server: HELD.

Source: RFC 5985 (request and response); RFC 6155 (who asks); RFC 3986 appendix A (URI).
"""

import re
from datetime import datetime
from xml.sax.saxutils import escape

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern
from ringfence.protocols.xml import Element, Limits, read

KIND = "application/held+xml"
LIMITS = Limits(size=64 << 10, elements=1000, depth=24)
SPACE = "urn:ietf:params:xml:ns:geopriv:held"
_DEVICE = "urn:ietf:params:xml:ns:geopriv:held:id"
_URI = pattern(r"(?:https|sips|sip|pres):[A-Za-z0-9\-._~:/?#\[\]@!$&'*+,;=%()]{1,1000}", re.ASCII)


class Location(Struct, frozen=True):
    """A place, by reference."""

    uri: str
    """Whoever may know the place reads it there."""
    until: float | None
    """Seconds since 1970 when the reference ends; None where it does not say."""


def request(customer: str, mac: str, address: str) -> bytes:
    """Return the question where a device is: by its MAC, its address, and whose it is.

    `mac` has twelve hexadecimal digits; `address` is of either family, empty for none. The
    customer is the realm of a network access identifier, as RFC 6155 has no word for one.
    """
    parts = "-".join(mac[at : at + 2] for at in range(0, 12, 2)).upper()
    device = f"<mac>{parts}</mac>"
    if address:
        version = 6 if ":" in address else 4
        device = f'<ip v="{version}">{escape(address)}</ip>' + device
    if customer:
        device += f"<nai>SEP{mac.upper()}@{escape(customer)}</nai>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<locationRequest xmlns="{SPACE}"><locationType exact="true">locationURI</locationType>'
        f'<device xmlns="{_DEVICE}">{device}</device></locationRequest>'
    ).encode()


def response(body: bytes) -> Location:
    """Return where the device is.

    Raises:
        RemoteProtocolError: it is no response of HELD, says an error, or names no place.

    """
    root = read(body, LIMITS)
    if (root.space, root.name) == (SPACE, "error"):
        code, message = root.attributes.get("code", ""), root.words("message")
        raise RemoteProtocolError(f"HELD: {code[:60]} {message[:200]}".rstrip())
    if (root.space, root.name) != (SPACE, "locationResponse"):
        raise RemoteProtocolError(f"HELD: {root.name[:60]!r} is no locationResponse")
    for found in root.all("locationUriSet"):
        for one in found.all("locationURI"):
            if _URI.fullmatch(uri := one.text.strip()):
                return Location(uri, _until(found))
    raise RemoteProtocolError("HELD: the response has no location URI of scheme https or sip")


def _until(found: Element) -> float | None:
    text = found.attributes.get("expires", "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RemoteProtocolError(f"HELD: expires is no time: {text[:40]!r}") from None
    if at.tzinfo is None:
        raise RemoteProtocolError(f"HELD: expires has no time zone: {text[:40]!r}")
    return at.timestamp()
