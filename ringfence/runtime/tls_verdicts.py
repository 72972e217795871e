"""What became of the last TLS handshake of each application."""

from msgspec import Struct

from ringfence.policy.applications import Application
from ringfence.policy.route import DIRECT
from ringfence.runtime.egress_stream import Secured

LONGEST = 400
"""Characters of a reason."""


class TlsVerdict(Struct, frozen=True):
    """How a handshake came out."""

    at: float
    """Seconds since the epoch."""
    peer: str
    """`pv.telco.test:443`; of the web server the address of whoever called."""
    route: str
    """`DIRECT`, or the proxy in the words of a PAC file."""
    secured: Secured | None
    """None where it was refused."""
    reason: str
    """Why it was refused, by whichever end; empty where it was not."""
    count: int
    """How many there were since the phone has started."""

    @property
    def words(self) -> str:
        """Return it without its time."""
        where = self.peer if self.route == str(DIRECT) else f"{self.peer} by {self.route}"
        if self.secured is None:
            return f"{where} refused: {self.reason}"
        held = self.secured
        name = f", matches {held.matched}" if held.matched else ""
        return f"{where} accepted: {held.version}, {held.suite}{name}"


class TlsVerdicts:
    """`last` is `{name of the application: verdict}`."""

    def __init__(self) -> None:
        self.last: dict[str, TlsVerdict] = {}

    def note(
        self,
        application: Application,
        at: float,
        peer: str,
        came: Secured | str,
        route: str = str(DIRECT),
    ) -> None:
        """Remember how a handshake came out: as agreed, or why it was refused."""
        before = self.last.get(application.name)
        secured = came if isinstance(came, Secured) else None
        reason = came[:LONGEST] if isinstance(came, str) else ""
        count = before.count + 1 if before else 1
        self.last[application.name] = TlsVerdict(at, peer, route, secured, reason, count)
