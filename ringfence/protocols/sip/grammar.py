"""The parts of a SIP header field: URI, address, Via, parameters.

Every expression is linear: a class that could give back what it took is possessive, and what a
repeated group may begin with ends the part before it. Groups themselves are not possessive: Python
before 3.11.5 matches too little then.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern

TOKEN = rb"[A-Za-z0-9\-.!%*_+`'~]++"
_QUOTED = rb'"[^"\\]*+(?:\\[\x00-\x7f][^"\\]*+)*"'
_WS = rb"[ \t]*+"
_PARAMETERS = rb"(?:%b;%b%b(?:%b=%b(?:%b|[^ \t;,\"]++))?)*%b" % (
    _WS,
    _WS,
    TOKEN,
    _WS,
    _WS,
    _QUOTED,
    _WS,
)
_HOST = rb"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9.\-_]++"
_ABSOLUTE = rb"[A-Za-z][A-Za-z0-9+.\-]*+:[^<> \t\x00-\x1f\x7f]++"

_TOKEN = pattern(TOKEN)
_PARAMETER = pattern(rb";%b(%b)(?:%b=%b(?:(%b)|([^ \t;,\"]++)))?" % (_WS, TOKEN, _WS, _WS, _QUOTED))
_NAME_ADDR = pattern(
    rb"(?:(%b)%b|([A-Za-z0-9\-.!%%*_+`'~ \t]*+))<(%b)>(%b)" % (_QUOTED, _WS, _ABSOLUTE, _PARAMETERS)
)
_ADDR_SPEC = pattern(rb"([A-Za-z][A-Za-z0-9+.\-]*+:[^<>\"?,; \t\x00-\x1f\x7f]++)(%b)" % _PARAMETERS)
_VIA = pattern(
    rb"[Ss][Ii][Pp]%b/%b[0-9]++\.[0-9]++%b/%b(%b)[ \t]++(%b)(?:%b:%b([0-9]{1,5}))?(%b)"
    % (_WS, _WS, _WS, _WS, TOKEN, _HOST, _WS, _WS, _PARAMETERS)
)
_SIP_URI = pattern(
    rb"([Ss][Ii][Pp][Ss]?):(?:([^@<>\" \t\x00-\x1f\x7f]++)@)?(%b)(?::([0-9]{1,5}))?"
    rb"((?:;[^;?@]*+)*)(\?.*)?" % _HOST
)
_COMMA = pattern(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"?|<[^>]*+>?|,', re.DOTALL)
_FOREIGN_URI = pattern(rb"(?!sips?:)" + _ABSOLUTE, re.IGNORECASE)
_COLONS = pattern(rb":::(?=[0-9]++\.)")
"""RFC 3261 let an IPv4 address end an IPv6 one so; it must be tolerated (RFC 5118 section 4.10)."""
_ESCAPED = pattern(rb"%([0-9A-Fa-f]{2})")
_PAIR = pattern(rb"\\(.)", re.DOTALL)


class Uri(Struct, frozen=True):
    """A SIP or SIPS URI. Source: RFC 3261 section 19.1."""

    scheme: str
    user: str
    """Unescaped, without a password; empty where the URI has none."""
    host: str
    port: int | None
    parameters: bytes = b""
    headers: bytes = b""
    """From the question mark on; forbidden in a Request-URI."""


class Address(Struct, frozen=True):
    """A name-addr or addr-spec with its header parameters. Source: RFC 3261 section 20.10."""

    uri: bytes
    parameters: Mapping[bytes, bytes]
    name: bytes = b""
    """Display name, without quotes and escapes."""


class Via(Struct, frozen=True):
    """One Via value. Source: RFC 3261 section 20.42."""

    transport: str
    host: str
    port: int | None
    parameters: Mapping[bytes, bytes] = {}


def split_values(text: bytes) -> list[bytes]:
    """Return the comma-separated values of a header field; commas in quotes and <> stay."""
    if b"," not in text:
        return [text.strip()]
    values: list[bytes] = []
    start = 0
    for hit in _COMMA.finditer(text):
        if hit[0] == b",":
            values.append(text[start : hit.start()].strip())
            start = hit.end()
    values.append(text[start:].strip())
    return values


def parse_parameters(text: bytes) -> dict[bytes, bytes]:
    """Return `{name: value}` of `;name=value;name`, names in lower case; the first one wins."""
    found: dict[bytes, bytes] = {}
    for name, quoted, plain in _PARAMETER.findall(text):
        found.setdefault(name.lower(), quoted[1:-1] if quoted else plain)
    return found


def is_token(text: bytes) -> bool:
    """Return whether `text` is a token, as option tags are."""
    return bool(_TOKEN.fullmatch(text))


def is_address(text: bytes) -> bool:
    """Return whether `text` is one name-addr or addr-spec with well-formed parameters."""
    return (_NAME_ADDR.fullmatch(text) or _ADDR_SPEC.fullmatch(text)) is not None


def parse_address(text: bytes) -> Address:
    """Return the address of a From, To or Contact value.

    Raises:
        RemoteProtocolError: it is neither a name-addr nor an addr-spec (400).

    """
    if found := _NAME_ADDR.fullmatch(text):
        name = _PAIR.sub(rb"\1", found[1].strip()[1:-1]) if found[1] else (found[2] or b"").strip()
        return Address(found[3], parse_parameters(found[4]), name)
    if found := _ADDR_SPEC.fullmatch(text):
        return Address(found[1], parse_parameters(found[2]))
    raise RemoteProtocolError("malformed address")


def is_via(text: bytes) -> bool:
    """Return whether `text` is one well-formed Via value."""
    found = _VIA.fullmatch(text)
    return found is not None and (not (port := found[3]) or 0 < int(port) < 65536)


def parse_via(text: bytes) -> Via:
    """Return one Via value.

    Raises:
        RemoteProtocolError: it is malformed (400).

    """
    found = _VIA.fullmatch(text)
    if not found or (found[3] and not 0 < int(found[3]) < 65536):
        raise RemoteProtocolError("malformed Via")
    return Via(
        found[1].decode().upper(),
        found[2].decode(),
        int(found[3]) if found[3] else None,
        parse_parameters(found[4]),
    )


def parse_uri(text: bytes) -> Uri:
    """Return a SIP or SIPS URI.

    Raises:
        RemoteProtocolError: another scheme (416), or it is malformed (400).

    """
    found = _SIP_URI.fullmatch(text)
    if not found and _FOREIGN_URI.fullmatch(text):
        raise RemoteProtocolError("unsupported URI scheme", 416)
    if not found:
        raise RemoteProtocolError("malformed SIP URI")
    scheme, user, host, digits, parameters, headers = found.groups()
    port = int(digits) if digits else None
    if host[:1] == b"[":
        host = _COLONS.sub(b"::", host)
    if not (port is None or 0 < port < 65536) or not _plausible(host):
        raise RemoteProtocolError("malformed SIP URI")
    return Uri(
        scheme.decode().lower(),
        _unescape(user.partition(b":")[0]).decode(errors="replace") if user else "",
        host.decode(),
        port,
        parameters,
        headers or b"",
    )


def _unescape(user: bytes) -> bytes:
    if b"%" not in user:
        return user
    return _ESCAPED.sub(lambda hit: bytes.fromhex(hit[1].decode()), user)


def _plausible(host: bytes) -> bool:
    """Tell an IPv6 reference of at most eight groups from one that swallowed a port."""
    if not host.startswith(b"["):
        return True
    groups = host[1:-1].split(b":")
    return len(groups) <= 9 and b":::" not in host


def escape_user(text: str) -> str:
    """Return `text` as the user part of a URI. Source: RFC 3261 section 25.1, user."""
    if text.isascii() and text.isalnum():
        return text
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode())


def quote(text: str) -> bytes:
    """Return `text` as a quoted-string."""
    return b'"%b"' % text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
