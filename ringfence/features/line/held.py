"""One call of the phone with all that belongs to it, and what it tells of itself."""

from collections.abc import Iterator

from msgspec import Struct

from ringfence.features.line.path import Elsewhere, Media, Path
from ringfence.features.line.recent import Recent, kind
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.negotiation import Negotiation


class Held(Struct, eq=False):
    """One call, its path and its audio."""

    number: int
    call: Call
    path: Path
    media: Media
    negotiation: Negotiation
    peer: str
    incoming: bool
    state: str
    offered: bytes | None = None
    """An offer that nobody answered yet."""

    elsewhere: Elsewhere | None = None
    """Where an INVITE goes that nobody takes."""
    redirected: int = 0
    """How often it was redirected."""
    wanted_by: "Held | None" = None
    """The call whose other side wanted this one, and hears how it goes."""
    transfer: str = ""
    """How far a transfer of this call came, in words."""
    keys: str = ""
    """Keys that the other side told by INFO."""
    name: str = ""
    """How the other side names itself; empty where it does not."""
    began: float = 0.0
    """Seconds since 1970."""
    answered: float | None = None
    """Monotonic seconds; None where nobody has answered."""

    def peers(self) -> Iterator[str]:
        """Yield the addresses that responses come from."""
        yield self.path.peer
        yield from self.call.places

    def naming(self) -> dict[str, object]:
        """Return which call it is, as JSON values."""
        return {
            "call": self.number,
            "line": self.path.line.n,
            "peer": self.peer,
            "name": self.name,
            "direction": "in" if self.incoming else "out",
        }

    def seconds(self, now: float) -> int | None:
        """Return how long it has been answered; None where nobody has."""
        return None if self.answered is None else int(now - self.answered)

    def recent(self, now: float, ended: str) -> Recent:
        """Return it as a call that is over."""
        stream, answered = self.negotiation.stream, self.answered is not None
        return Recent(
            kind=kind(incoming=self.incoming, answered=answered, ended=ended),
            line=self.path.line.n,
            peer=self.peer,
            name=self.name,
            at=self.began,
            seconds=None if self.answered is None else round(now - self.answered),
            transport=self.path.flow.transport,
            srtp=stream.protect.suite if stream and stream.protect else "",
            ended=ended,
        )

    def doing(self) -> str:
        """Return how it is doing, in words."""
        stream = self.negotiation.stream
        if self.state != "established" or stream is None:
            return self.state
        if stream.held:
            return "held by both sides" if stream.held_there else "held"
        return "held by the other side" if stream.held_there else self.state
