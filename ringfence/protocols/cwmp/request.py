"""How an ACS asks for a session by UDP: a signed request, which no answer follows.

Source: TR-069, annex on connection requests via NAT gateway.
"""

import hmac
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

LARGEST = 2048
"""Bytes of a datagram that is read."""
FIELDS = 8
"""Most fields of its query."""


class UdpRequest(Struct, frozen=True):
    """A request whose signature is right."""

    at: int
    """Its time stamp."""
    id: str


def read_udp(data: bytes, user: str, password: str) -> UdpRequest | None:
    """Return the request in a datagram; None where its signature or user is wrong."""
    line, _, _ = data[:LARGEST].partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if not password or len(words) != 3 or words[0] != "GET" or not words[2].startswith("HTTP/1."):
        return None
    try:
        query = parse_qs(urlsplit(words[1]).query, max_num_fields=FIELDS)
        at, number, named, nonce, signature = (
            query[name][0] for name in ("ts", "id", "un", "cn", "sig")
        )
    except (ValueError, KeyError):
        return None
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        return None
    text = (at + number + named + nonce).encode()
    expected = hmac.digest(password.encode(), text, "sha1").hex()
    same = hmac.compare_digest(expected.encode(), signature.lower().encode())
    return UdpRequest(int(at), number) if same and named == user else None
