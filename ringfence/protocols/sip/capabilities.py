"""What the phone can do, in one place: methods, extensions and bodies.

Source: RFC 3261 sections 8.2.1 to 8.2.3, 20.5 and 20.37.
"""

from ringfence.protocols.sip.agreement import OPTION as MEDIASEC
from ringfence.protocols.sip.message import Message

METHODS = tuple(b"INVITE ACK CANCEL BYE OPTIONS UPDATE PRACK INFO NOTIFY REFER".split())
FOREIGN = frozenset(b"MESSAGE PUBLISH REGISTER SUBSCRIBE".split())
"""Methods of the field that are understood but not allowed (405); others get 501."""
IN_DIALOG = frozenset((b"CANCEL", b"BYE", b"UPDATE", b"PRACK", b"INFO", b"REFER"))
"""Methods that mean nothing without a call or transaction that they belong to (481).

A REFER outside of a call would have us call whom a stranger names.
"""

ALLOW = (b"Allow", b", ".join(METHODS))
ACCEPT = (b"Accept", b"application/sdp")
TIMER, RELIABLE, REPLACES = b"timer", b"100rel", b"replaces"
_BODIES = (b"application/sdp", b"multipart/mixed")
_ACCEPTABLE = (b"application/sdp", b"application/*", b"*/*")


def supported(*, reliable: bool) -> tuple[bytes, bytes]:
    """Return the header Supported of a line; `reliable` where it acknowledges 1xx (RFC 3262)."""
    return (b"Supported", b"timer, replaces" + b", 100rel" * reliable)


def names(message: Message, field: bytes, option: bytes) -> bool:
    """Return whether a list of option tags has one."""
    return option in [word.lower() for word in message.values(field)]


def unsupported(message: Message, *, reliable: bool) -> list[bytes]:
    """Return what a request requires and the phone cannot do. Source: RFC 3261 section 8.2.2.3.

    ACK and CANCEL never have to be refused for it.
    """
    if message.method in (b"ACK", b"CANCEL"):
        return []
    known = (TIMER, REPLACES, MEDIASEC, RELIABLE) if reliable else (TIMER, REPLACES, MEDIASEC)
    return [tag for tag in message.values(b"require") if tag.lower() not in known]


def has_foreign_body(message: Message) -> bool:
    """Return whether a body has a type that is not understood (415)."""
    kind = _media_type(message.first(b"content-type"))
    return bool(message.body and kind and kind not in _BODIES)


def takes_sdp(message: Message) -> bool:
    """Return whether the sender of a request understands a session description (406 if not).

    Source: RFC 3261 section 20.1; RFC 4475 section 3.3.15.
    """
    kinds = [_media_type(value) for value in message.values(b"accept")]
    return not kinds or any(kind in _ACCEPTABLE for kind in kinds)


def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()
