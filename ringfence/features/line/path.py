"""How the messages and the audio of one call travel."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from ringfence.features.line.plan import LinePlan
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.negotiation import Stream
from ringfence.protocols.sip.response import Reply, Source


class Media(Protocol):
    """The audio of one call."""

    port: int
    """Local port of RTP."""

    def start(self, stream: Stream) -> None:
        """Send and receive as agreed, from now on."""

    def press(self, digits: str, dtmf: Dtmf) -> None:
        """Send key presses, as far as they are part of the media."""

    def join(self, port: int) -> None:
        """Let the other side hear that of the call at another local port, and be heard there."""

    def watch(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with the reason once the audio breaks."""

    def report(self) -> Mapping[str, object]:
        """Return codec, SRTP suite, packets, loss and jitter as JSON values."""
        ...

    def stop(self) -> None:
        """Free sockets and devices."""


PathOf = Callable[[str, Source], "Path | None"]
"""Takes the user part of a Request-URI and a source; returns the path of a call from there.

Raises `ComponentError` where there is no route to it.
"""
Elsewhere = Callable[[], "tuple[Path, str] | None"]
"""Returns another path, and the SIP URI to call there; None where there is none."""
WayOut = Callable[[int], "Path"]
"""Returns the path of a new call of Ext(n). Raises `ComponentError` where it can place none."""
OpenMedia = Callable[["Path"], Media]
"""Bind the ports of a call. Raises `ComponentError` where none is free."""


class Path(Struct, frozen=True, eq=False):
    """How the messages of a line travel: the flow, and who sends over it."""

    line: LinePlan
    flow: Flow
    peer: str
    """Address of the other end."""
    send: Callable[[Reply], None]
    """Takes a message; one without a place goes to the other end."""
    agreement: Agreement
    """The line's, on the security of media."""
    account: Account
    """Of the registrar in use."""
    realm: bytes = b""
    """In which the registrar asked for the password."""
    known: bool = True
    """It leads to a proxy of the line."""
    bound: str = ""
    """Our own address with its zone, which is nobody else's business (RFC 4007 section 6); empty
    where it has none."""


def located(path: Path, uri: str) -> Path:
    """Return a path whose calls say where the phone is, and may be routed by it.

    Source: RFC 6442 sections 4.1 and 4.2.
    """
    fields = ((b"Geolocation", b"<%b>" % uri.encode()), (b"Geolocation-Routing", b"yes"))
    account = replace(path.account, announces=(*path.account.announces, *fields))
    return replace(path, account=account)


def secured(path: Path, *, secure: bool | None) -> Path:
    """Return a path whose offers are encrypted, or not; None leaves them as they are."""
    if secure is None:
        return path
    terms, tls_terms = (
        replace(terms, encrypts=secure) for terms in (path.line.terms, path.line.tls_terms)
    )
    return replace(path, line=replace(path.line, terms=terms, tls_terms=tls_terms))
