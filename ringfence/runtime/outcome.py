"""What became of the last request of an application that a person sets off."""

from msgspec import Struct

from ringfence.messages import _
from ringfence.runtime.egress_stream import Secured
from ringfence.runtime.state import stamp

LONGEST = 400
"""Characters of a reason."""


class Outcome(Struct, frozen=True):
    """How it came out, for the status page."""

    at: float
    """Seconds since the epoch."""
    server: str
    """URL without credentials."""
    tls: str = ""
    """Version, suite and the name that was accepted; empty for none."""
    problem: str = ""
    """Why nothing came of it; empty where something did."""

    def rows(self, label: str) -> tuple[tuple[str, str], ...]:
        """Return it as rows of a status, each beginning with `label`."""
        server, last = _("{name} Server", name=label), _("{name} Last", name=label)
        return ((server, self.server), (last, self.words()))

    def words(self) -> str:
        """Return when that was, and how it came out."""
        how = f"failed: {self.problem}" if self.problem else f"good; {self.tls or 'no TLS'}"
        return f"{stamp(self.at)} {how}"


def outcome(at: float, server: str, secured: Secured | None, problem: str = "") -> Outcome:
    """Return how a request came out that was sent at a time."""
    words = f"{secured.version}, {secured.suite}, {secured.matched}" if secured else ""
    return Outcome(at, server, words, problem[:LONGEST])
