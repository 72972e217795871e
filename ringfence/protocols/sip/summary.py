"""Messages that wait in a voice mailbox, as its server tells them. Source: RFC 3842 section 5.2."""

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.message import Message

TYPE = b"application/simple-message-summary"
MOST = 9999
"""More are told as this many."""
_WAITING = pattern(rb"(?im)^messages-waiting[ \t]*:[ \t]*(yes|no)[ \t]*\r?$")
_VOICE = pattern(rb"(?im)^voice-message[ \t]*:[ \t]*(\d{1,10})/(\d{1,10})")


class Summary(Struct, frozen=True):
    """A mailbox."""

    waiting: bool = False
    new: int = 0
    """Voice messages that nobody has heard; 0 also where the server does not count."""
    old: int = 0


def read_summary(message: Message) -> Summary:
    """Return what a NOTIFY tells of a mailbox.

    Raises:
        RemoteProtocolError: its body is of another type (415), or none (400).

    """
    kind = message.first(b"content-type").partition(b";")[0].strip().lower()
    if kind != TYPE:
        raise RemoteProtocolError("a summary of another type", 415)
    found = _WAITING.search(message.body)
    if found is None:
        raise RemoteProtocolError("a summary that does not say whether messages wait")
    counts = _VOICE.search(message.body)
    new, old = (min(int(text), MOST) for text in counts.groups()) if counts else (0, 0)
    return Summary(found[1].lower() == b"yes", new, old)
