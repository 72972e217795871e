"""What the messages of a transfer say: whom to call, in the place of which call, and how it went.

Source: RFC 3515; RFC 3891; RFC 3892; RFC 3420; RFC 5589.
"""

from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.dialog import Dialog, tag_of
from ringfence.protocols.sip.grammar import parse_address, parse_parameters, parse_uri
from ringfence.protocols.sip.message import Message

FRAGMENT = b"message/sipfrag"
_STATUS = pattern(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*+))?(?:\r?\n|\Z)")
_METHOD = pattern(rb"(?i);method=([^;?]*+)")
_PRINTABLE = pattern(rb"[\x21-\x7e]{1,512}")
_CALL_ID = pattern(rb"[^;, \t]++")


class Replaces(Struct, frozen=True):
    """Which dialog of its receiver an INVITE takes the place of."""

    call_id: bytes
    local: bytes
    """Tag of the receiver."""
    remote: bytes
    early_only: bool

    def fits(self, dialog: Dialog | None) -> bool:
        """Return whether a dialog of ours is the one that is meant."""
        return bool(dialog and dialog.key == (self.call_id, self.local, self.remote))


class Referral(Struct, frozen=True):
    """Whom a REFER wants us to call."""

    target: bytes
    """SIP URI without header fields."""
    replaces: bytes
    """Value of the field Replaces of that INVITE; empty for none."""
    by: bytes
    """Value of Referred-By; empty for none."""


def read_replaces(message: Message) -> Replaces | None:
    """Return what an INVITE replaces, None where it replaces nothing.

    Raises:
        RemoteProtocolError: it is malformed, or says so twice (400).

    """
    values = message.all(b"replaces")
    if not values:
        return None
    head, _, rest = values[0].strip().partition(b";")
    parameters = parse_parameters(b";" + rest)
    local, remote = parameters.get(b"to-tag", b""), parameters.get(b"from-tag", b"")
    if len(values) > 1 or not _CALL_ID.fullmatch(head.strip()) or not (local and remote):
        raise RemoteProtocolError("malformed Replaces")
    return Replaces(head.strip(), local, remote, b"early-only" in parameters)


def read_referral(message: Message) -> Referral:
    """Return whom a REFER wants us to call.

    Of the header fields in its URI Replaces alone is taken: nobody else writes our requests.

    Raises:
        RemoteProtocolError: it names not one SIP URI to INVITE (400, 416).

    """
    values = message.values(b"refer-to")
    if len(values) != 1:
        raise RemoteProtocolError("not one Refer-To")
    whole = parse_address(values[0]).uri
    uri = parse_uri(whole)
    target, method = whole.removesuffix(uri.headers), _METHOD.search(uri.parameters)
    if method and method[1].upper() != b"INVITE":
        raise RemoteProtocolError("Refer-To asks for something else than a call")
    pairs = [pair.partition(b"=") for pair in uri.headers.removeprefix(b"?").split(b"&")]
    wanted = [unquote_to_bytes(value) for name, _, value in pairs if name.lower() == b"replaces"]
    by = message.first(b"referred-by")
    if len(wanted) > 1 or not all(map(_PRINTABLE.fullmatch, (target, *wanted))):
        raise RemoteProtocolError("malformed Refer-To")
    return Referral(_METHOD.sub(b"", target), wanted[0] if wanted else b"", by[:512])


def refer_to(target: bytes, consulted: Dialog | None = None) -> bytes:
    """Return a value of Refer-To; with `consulted` the call is to take its place."""
    if consulted is None:
        return b"<%b>" % target
    text = b"%b;to-tag=%b;from-tag=%b" % (
        consulted.call_id,
        tag_of(consulted.remote),
        tag_of(consulted.local),
    )
    return b"<%b?Replaces=%b>" % (target, quote(text, safe="").encode())


def bare_uri(value: bytes) -> bytes:
    """Return the SIP URI of an address without the header fields in it.

    Raises:
        RemoteProtocolError: it has none (400, 416).

    """
    uri = parse_address(value).uri
    return uri.removesuffix(parse_uri(uri).headers)


def read_fragment(body: bytes) -> tuple[int, str]:
    """Return status and reason of a SIP fragment; status 0 where it is none."""
    found = _STATUS.match(body)
    if not found:
        return 0, ""
    return int(found[1]), (found[2] or b"").decode(errors="replace")[:120]


def moved_to(message: Message) -> bytes:
    """Return the SIP URI to which a 300, 301 or 302 redirects; empty for none that is usable."""
    if message.status not in (300, 301, 302):
        return b""
    for value in message.values(b"contact"):
        try:
            uri = bare_uri(value)
        except RemoteProtocolError:
            continue
        if _PRINTABLE.fullmatch(uri):
            return uri
    return b""
