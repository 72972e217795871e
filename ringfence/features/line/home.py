"""Where a line registers, and what its registrations agree on. Pure.

Source: chapter, Table 7; phone-facts 5.2 and 5.5.
"""

from msgspec import Struct

from ringfence.features.line.ways import Way
from ringfence.policy.tls import TlsPolicy
from ringfence.protocols.sip.account import Account
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.locate import AUTO


class MediaSec(Struct, frozen=True):
    """How a line negotiates media plane security. Source: chapter, Table 7."""

    initiates: bool = False
    over_tls_only: bool = False
    required: bool = False
    """Calls must be secure, so a registrar that does not know media plane security is refused."""
    proxy_require: tuple[str, ...] = ()
    """Option tags that the line sends anyway."""

    def words(self, transport: str) -> str:
        """Return what comes of it over a transport, for people."""
        if self.over_tls_only and transport == AUTO:
            return "over TLS alone"
        if self.over_tls_only and transport != "TLS":
            return f"never over {transport}"
        return "asked for by the phone" if self.initiates else "where the server asks for it"

    def agreement(self) -> Agreement:
        """Return a new agreement."""
        return Agreement(
            initiates=self.initiates,
            over_tls_only=self.over_tls_only,
            required=self.required,
            proxy_require=[tag.encode() for tag in self.proxy_require],
        )


class Home(Struct, frozen=True):
    """The registrars of a line, and everything that reaching them depends on."""

    transport: str
    """UDP, TCP, TLS or Auto, as configured."""
    ways: tuple[Way, ...]
    """The proxy, then the alternate one."""
    address: str
    """The phone's own IPv4 address; empty while it has none."""
    tls: TlsPolicy | None
    """Of hops over TLS; None where there are none."""
    domains: str
    exact_domains: bool
    resolvers: tuple[str, ...]
    source_ports: tuple[int, int] | None
    """Local TCP ports, inclusive; None for any."""
    returns_after: float = 0.0
    """Seconds after which a preferred server is tried again; 0 for never."""
    returns_at_register: bool = True
    """Whether that waits for the next REGISTER."""
    mediasec: MediaSec = MediaSec()
    both: bool = False
    """The line registers at all of them at the same time."""

    @property
    def account(self) -> Account:
        """Return the account at the proxy."""
        return self.ways[0].account
