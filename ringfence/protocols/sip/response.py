"""Responses that need no state: where they go, and what they repeat of the request."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.grammar import parse_address, parse_via, split_values
from ringfence.protocols.sip.message import Message, build_message

DEFAULT_PORT = 5060

REASONS: Mapping[int, bytes] = {
    100: b"Trying",
    180: b"Ringing",
    183: b"Session Progress",
    200: b"OK",
    202: b"Accepted",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    406: b"Not Acceptable",
    408: b"Request Timeout",
    415: b"Unsupported Media Type",
    416: b"Unsupported URI Scheme",
    420: b"Bad Extension",
    422: b"Session Interval Too Small",
    480: b"Temporarily Unavailable",
    481: b"Call/Transaction Does Not Exist",
    482: b"Loop Detected",
    486: b"Busy Here",
    487: b"Request Terminated",
    488: b"Not Acceptable Here",
    489: b"Bad Event",
    491: b"Request Pending",
    500: b"Server Internal Error",
    501: b"Not Implemented",
    504: b"Server Time-out",
    505: b"Version Not Supported",
    603: b"Decline",
}

_RPORT = pattern(rb";[ \t]*+rport[ \t]*+(?=;|\Z)", re.IGNORECASE)
_RECEIVED = pattern(rb";[ \t]*+received[ \t]*+=[^;]*+", re.IGNORECASE)


class Source(Struct, frozen=True):
    """Where a request came from."""

    address: str
    port: int
    known: bool = False
    """It is a proxy of one of the lines, or the connection that we opened to it."""
    reliable: bool = False
    """It came over a connection."""


class Reply(Struct, frozen=True):
    """A message, and where it goes: for a response back to its source, at this port."""

    data: bytes
    port: int
    address: str = ""
    """Of the source; empty where the message travels the path of its call."""


def stamp(via: bytes, source: Source) -> tuple[bytes, int]:
    """Return the first Via field of a response, and the port to answer to.

    Only the port is ever taken from the sender's word, never the address (no `maddr`).
    Source: RFC 3261 sections 18.2.1 and 18.2.2; RFC 3581 section 4.

    Raises:
        RemoteProtocolError: the topmost Via is malformed, so there is nowhere to answer.

    """
    value = split_values(via)[0] if b"," in via else via
    parsed, rest = parse_via(value), via[len(value) :]
    value = _RECEIVED.sub(b"", value)
    if b"rport" in parsed.parameters:
        value = _RPORT.sub(b";rport=%d" % source.port, value, count=1)
        return value + received(source) + rest, source.port
    if parsed.host.strip("[]").lower() != source.address:
        value += received(source)
    return value + rest, parsed.port or DEFAULT_PORT


def received(source: Source) -> bytes:
    """Return the Via parameter that tells the sender its address."""
    return b";received=" + source.address.partition("%")[0].encode()  # RFC 4007: a zone is ours


def to_tag(key: bytes, call: bytes, sender: bytes) -> bytes:
    """Return a To tag that is the same for every retransmission of a request.

    Source: RFC 3261 section 8.2.7.
    """
    return hashlib.blake2s(call + b"\0" + sender, key=key, digest_size=6).hexdigest().encode()


def is_tagged(to: bytes) -> bool:
    """Return whether a To value has a tag, so that the request is inside a dialog."""
    if b"tag" not in to.lower():
        return False
    try:
        return b"tag" in parse_address(to).parameters
    except RemoteProtocolError:
        return False


def build_response(  # noqa: PLR0913 - a response has as many parts
    request: Message,
    via: bytes,
    key: bytes,
    status: int,
    fields: Sequence[tuple[bytes, bytes]] = (),
    body: bytes = b"",
) -> bytes:
    """Return a response that repeats what it must of the request.

    `via` is the stamped topmost Via; what the request lacks is left out; a body is SDP.
    """
    head = [(b"Via", via)]
    head += [(b"Via", other) for other in request.all(b"via")[1:]]
    call, sender = request.first(b"call-id"), request.first(b"from")
    if sender:
        head.append((b"From", sender))
    if to := request.first(b"to"):
        head.append(
            (b"To", to if is_tagged(to) else b"%b;tag=%b" % (to, to_tag(key, call, sender)))
        )
    if call:
        head.append((b"Call-ID", call))
    if cseq := request.first(b"cseq"):
        head.append((b"CSeq", cseq))
    head += fields
    if body:
        head.append((b"Content-Type", b"application/sdp"))
    return build_message(b"SIP/2.0 %d %b" % (status, REASONS[status]), head, body)
