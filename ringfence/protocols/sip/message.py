"""SIP messages: bytes to headers that are read lazily, the gates a message must pass, and back."""

import re
from collections.abc import Iterable, Sequence

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.grammar import (
    TOKEN,
    Uri,
    is_address,
    is_via,
    parse_uri,
    parse_via,
    split_values,
)
from ringfence.protocols.sip.plain import BRANCH, RESPONSE_FIELDS, plain_response, plain_uri

MESSAGE_LIMIT = 65535
"""Longest message in bytes, whatever the transport."""
HEAD_LIMIT = 32768
"""Longest start line with header fields, in bytes."""
HEADER_LIMIT = 128
"""Most header fields."""
VALUE_LIMIT = 64
"""Most values of Via and Contact together."""

_COMPACT = {
    b"a": b"accept-contact",
    b"b": b"referred-by",
    b"c": b"content-type",
    b"e": b"content-encoding",
    b"f": b"from",
    b"i": b"call-id",
    b"k": b"supported",
    b"l": b"content-length",
    b"m": b"contact",
    b"o": b"event",
    b"r": b"refer-to",
    b"s": b"subject",
    b"t": b"to",
    b"u": b"allow-events",
    b"v": b"via",
    b"x": b"session-expires",
}
"""Compact forms. Source: IANA registry of SIP header fields."""

_USUAL = (
    b"Via From To Call-ID CSeq Contact Max-Forwards Content-Length Content-Type Record-Route Route"
    b" Allow Supported Require User-Agent Server Accept Expires Session-Expires Min-SE Date"
    b" WWW-Authenticate Authorization Proxy-Authenticate Proxy-Authorization P-Asserted-Identity"
).split()
_NAMES = {
    **_COMPACT,
    **{name.upper(): full for name, full in _COMPACT.items()},
    **{name: name.lower() for name in _USUAL},
}
"""Spellings met most, so that they cost one look-up."""

_SINGLE = frozenset(
    b"from to call-id cseq max-forwards content-length content-type expires".split()
)
_ADDRESSES = (b"from", b"to")
_NUMBERS = ((b"max-forwards", 255), (b"expires", 0xFFFFFFFF))
_MANDATORY = dict.fromkeys((b"via", b"from", b"to", b"call-id", b"cseq")).keys()

_FOLD = pattern(rb"\r\n[ \t]+")
_NAME = pattern(TOKEN)
_REQUEST_LINE = pattern(rb"(%b) ([^ \t\r\n]++) ([Ss][Ii][Pp]/[0-9]+\.[0-9]+)" % TOKEN)
_STATUS_LINE = pattern(rb"SIP/2\.0 ([0-9]++) ?(.*)", re.IGNORECASE | re.DOTALL)
_CSEQ = pattern(rb"([0-9]{1,10})[ \t]++(%b)" % TOKEN)
_DIGITS = pattern(rb"[0-9]{1,10}")


class Message:
    """A request or a response; values stay bytes until somebody asks.

    `defect` is the first structural fault found; `check_request` and `read_response` raise it.
    """

    __slots__ = ("_headers", "body", "defect", "head", "method", "reason", "status", "uri")

    def __init__(self, head: bytes) -> None:
        self.head = head
        """Start line and header fields as received, unfolded."""
        self._headers: dict[bytes, list[bytes]] = {}
        self.body = b""
        self.defect = ""
        self.method = b""
        """Of a request; empty for a response."""
        self.uri = b""
        self.status = 0
        """Of a response; 0 for a request."""
        self.reason = b""

    @property
    def start(self) -> bytes:
        """Request line or status line."""
        return self.head.partition(b"\r\n")[0]

    @property
    def headers(self) -> dict[bytes, list[bytes]]:
        """`{canonical lower-case name: values as received, unfolded}`."""
        return self._headers

    def first(self, name: bytes) -> bytes:
        """Return the first value of a header field, empty where there is none."""
        values = self._headers.get(name)
        return values[0] if values else b""

    def all(self, name: bytes) -> Sequence[bytes]:
        """Return every field value, as received."""
        return self._headers.get(name, ())

    def values(self, name: bytes) -> list[bytes]:
        """Return every value, comma-separated ones apart."""
        texts = self.all(name)
        if len(texts) == 1:
            return split_values(texts[0])
        return [value for text in texts for value in split_values(text)]

    @property
    def branch(self) -> bytes:
        """Of the topmost Via; empty where there is none. Source: RFC 3261 section 17.1.3."""
        vias = self.values(b"via")
        try:
            return parse_via(vias[0]).parameters.get(b"branch", b"") if vias else b""
        except RemoteProtocolError:
            return b""

    def cseq(self) -> tuple[int, bytes]:
        """Return number and method of CSeq.

        Raises:
            RemoteProtocolError: it is missing or malformed (400).

        """
        found = _CSEQ.fullmatch(self.first(b"cseq"))
        if not found or (number := int(found[1])) > 0x7FFFFFFF:
            raise RemoteProtocolError("malformed CSeq")
        return number, found[2]


class PlainResponse(Message):
    """A response of `plain_response`: a value is taken out of it when somebody asks."""

    __slots__ = ("_found",)
    body = method = uri = b""
    defect = ""

    def __init__(self, found: re.Match[bytes]) -> None:
        self._found = found
        self.status = int(found[1])

    @property
    def head(self) -> bytes:  # type: ignore[override]
        """Start line and header fields as received."""
        return self._found.string[:-4]

    @property
    def reason(self) -> bytes:  # type: ignore[override]
        """Of the status line."""
        return self._found[2]

    @property
    def branch(self) -> bytes:
        """Of the topmost Via."""
        return self._found[BRANCH]

    @property
    def headers(self) -> dict[bytes, list[bytes]]:
        """`{canonical lower-case name: values as received, unfolded}`."""
        return {name: list(self.all(name)) for name in RESPONSE_FIELDS if self.all(name)}

    def first(self, name: bytes) -> bytes:
        """Return the value of a header field, empty where there is none."""
        group = RESPONSE_FIELDS.get(name)
        return (self._found[group] or b"") if group else b""

    def all(self, name: bytes) -> Sequence[bytes]:
        """Return the value of a header field, if there is one."""
        group = RESPONSE_FIELDS.get(name)
        value = self._found[group] if group else None
        return () if value is None else (value,)


def read_message(data: bytes) -> Message:
    """Return the message in `data`, with its first structural fault noted rather than raised.

    Bytes behind the body are passed over (RFC 3261 section 18.3).

    Raises:
        RemoteProtocolError: `data` is too long, or nothing that could be answered.

    """
    end = data.find(b"\r\n\r\n", 0, HEAD_LIMIT)
    if end < 0 or len(data) > MESSAGE_LIMIT:
        raise RemoteProtocolError("no end of headers within the limit", 513)
    head = data[:end]
    if b"\r\n " in head or b"\r\n\t" in head:
        head = _FOLD.sub(b" ", head)
    start, *fields = head.split(b"\r\n")
    if len(fields) >= HEADER_LIMIT:
        raise RemoteProtocolError("too many header fields")
    if b"SIP/" not in start[:4096].upper():
        raise RemoteProtocolError("not SIP")
    message = Message(head)
    if head.count(b"\n") != len(fields) or head.count(b"\r") != len(fields):
        message.defect = "half a line end"  # which others may take for a whole one
    _read_headers(message, fields)
    _read_start(message, start)
    _read_body(message, data, end + 4)
    return message


def _read_headers(message: Message, fields: list[bytes]) -> None:
    headers = message.headers
    known = _NAMES.get
    for line in fields:
        name, colon, value = line.partition(b":")
        key = known(name)
        if key is None:
            name = name.rstrip(b" \t").lower()
            key = _COMPACT.get(name, name)
            if not colon or not _NAME.fullmatch(key):
                message.defect = message.defect or "malformed header field"
                continue
        if key not in headers:
            headers[key] = [value.strip(b" \t")]
        elif key in _SINGLE:
            message.defect = message.defect or f"repeated {key.decode()}"
        else:
            headers[key].append(value.strip(b" \t"))


def _read_start(message: Message, start: bytes) -> None:
    if start[:4].upper() == b"SIP/":
        found = _STATUS_LINE.fullmatch(start)
        if not found or len(found[1]) != 3 or not 100 <= int(found[1]) <= 699:
            raise RemoteProtocolError("malformed status line")
        message.status, message.reason = int(found[1]), found[2]
        return
    found = _REQUEST_LINE.fullmatch(start)
    if found:
        message.method, message.uri, version = found.groups()
        if version.upper() != b"SIP/2.0":
            message.defect = "version"
        return
    message.method = start.partition(b" ")[0]
    message.defect = message.defect or "malformed request line"


def _read_body(message: Message, data: bytes, start: int) -> None:
    length = message.first(b"content-length")
    if not length:
        message.body = data[start:]
    elif not _DIGITS.fullmatch(length) or int(length) > len(data) - start:
        message.defect = message.defect or "Content-Length"
    else:
        message.body = data[start : start + int(length)]


def check_request(message: Message) -> Uri:
    """Return the Request-URI of a request that a user agent server may act on.

    Source: RFC 3261 sections 8.1.1, 8.2 and 25; RFC 4475.

    Raises:
        RemoteProtocolError: with the status to answer (400, 416, 505).

    """
    if not message.defect and message.headers.keys() >= _MANDATORY:
        uri = plain_uri(message.head)
        if uri is not None:
            return uri
    return check_fully(message)


def check_fully(message: Message) -> Uri:
    """Do what `check_request` does without the short way; the oracle of its tests."""
    if message.defect:
        raise RemoteProtocolError(message.defect, 505 if message.defect == "version" else 400)
    _check_common(message)
    if message.cseq()[1] != message.method:
        raise RemoteProtocolError("CSeq names another method")
    uri = parse_uri(message.uri)
    if uri.headers:
        raise RemoteProtocolError("headers in the Request-URI")
    return uri


def read_response(data: bytes) -> Message:
    """Return a response that a user agent client may act on.

    Raises:
        RemoteProtocolError: it must be dropped.

    """
    found = plain_response(data)
    if found is not None:
        return PlainResponse(found)
    message = read_message(data)
    check_response(message)
    return message


def check_response(message: Message) -> None:
    """Do what `read_response` does with what is not plain; the oracle of its tests.

    Source: RFC 3261 section 8.1.3.3 (one Via alone).

    Raises:
        RemoteProtocolError: it must be dropped.

    """
    if message.defect:
        raise RemoteProtocolError(message.defect)
    _check_common(message)
    if len(message.values(b"via")) > 1:
        raise RemoteProtocolError("a response for somebody else: more than one Via")
    message.cseq()


def _check_common(message: Message) -> None:
    headers = message.headers
    for name in _MANDATORY:
        if name not in headers or not headers[name][0]:
            raise RemoteProtocolError(f"missing {name.decode()}")
    for name in _ADDRESSES:
        if not is_address(headers[name][0]):
            raise RemoteProtocolError(f"malformed {name.decode()}")
    _check_values(message)
    for name, most in _NUMBERS:
        text = message.first(name)
        if text and (not _DIGITS.fullmatch(text) or int(text) > most):
            raise RemoteProtocolError(f"malformed {name.decode()}")


def _check_values(message: Message) -> None:
    vias, contacts = message.values(b"via"), message.values(b"contact")
    if len(vias) + len(contacts) > VALUE_LIMIT:
        raise RemoteProtocolError("too many values")
    for value in vias:
        if not is_via(value):
            raise RemoteProtocolError("malformed Via")
    for value in contacts:
        if value != b"*" and not is_address(value):
            raise RemoteProtocolError("malformed contact")


def said(text: bytes, longest: int = 80) -> str:
    """Return words of the other side for people: in one line, printable, and not too long."""
    shown = text[: 4 * longest].decode(errors="replace")[:longest]
    return "".join(c if c.isprintable() else "?" for c in shown)


def build_message(start: bytes, fields: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """Return a message; Content-Length is added.

    `fields` come from checked settings or from a parsed message, so no value has a line end.
    """
    lines = [start]
    lines += [b"%b: %b" % field for field in fields]
    lines.append(b"Content-Length: %d\r\n\r\n" % len(body))
    return b"\r\n".join(lines) + body
