"""Who calls: what our INVITE says of us, and whom one of theirs names.

Source: RFC 3323; RFC 3325; RFC 5009; draft-ietf-sip-privacy-04 (Remote-Party-ID).
"""

from collections.abc import Sequence

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.grammar import Address, parse_address, quote
from ringfence.protocols.sip.message import Message

HIDING = ("header", "session", "user", "id")
"""Values of Privacy that ask for something to be hidden."""
_NAMES = {"PAID": b"p-asserted-identity", "RPID": b"remote-party-id", "FROM": b"from"}
_EARLY = (b"sendrecv", b"sendonly")
"""Directions of P-Early-Media in which something may be heard before the answer."""


def announcement(
    address: str, display_name: str, *, privacy: str, remote_party: bool, early_media: bool
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the fields by which an INVITE says who we are, and what we wish.

    `privacy` is a value of the field Privacy, empty for none. Whom to hide from is up to the
    provider: From stays, and Remote-Party-ID says that it is not for the callee.
    """
    fields = []
    if remote_party:
        name = quote(display_name) + b" " if display_name else b""
        shown = b"full" if privacy in HIDING else b"off"
        value = b"%b<%b>;party=calling;privacy=%b" % (name, address.encode(), shown)
        fields.append((b"Remote-Party-ID", value))
    if privacy:
        fields.append((b"Privacy", privacy.encode()))
    if early_media:
        fields.append((b"P-Early-Media", b"supported"))
    return tuple(fields)


def caller(message: Message, order: Sequence[str], *, trusted: bool) -> Address:
    """Return who calls, by the first field of `order` (PAID, RPID, FROM) that names somebody.

    Only a proxy of the line may say more than From does (RFC 3325 section 5).
    """
    for word in order if trusted else ("FROM",):
        for value in message.values(_NAMES[word]):
            try:
                return parse_address(value)
            except RemoteProtocolError:
                continue
    return parse_address(message.first(b"from"))


def may_be_heard(message: Message) -> bool:
    """Return whether a provisional response lets us hear what comes before the answer.

    Source: RFC 5009 section 8.
    """
    values = [value.strip().lower() for value in message.values(b"p-early-media")]
    asked = [value.partition(b";")[0].strip() for value in values]
    directions = [one for one in asked if one in (*_EARLY, b"recvonly", b"inactive")]
    return not directions or directions[-1] in _EARLY
