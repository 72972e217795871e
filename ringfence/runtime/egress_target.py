"""What Egress is asked for, and what it shows."""

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import NetworkError, PolicyError
from ringfence.policy import domains, hostname
from ringfence.policy.applications import PROXY, Application, NameCheck
from ringfence.policy.network import written
from ringfence.policy.route import DIRECT, Route, Routing
from ringfence.policy.tls import TlsPolicy


class Target(Struct, frozen=True):
    """Where an application wants to go, with everything the connection depends on."""

    application: Application
    host: str
    """As configured: a name or an address; the reference identity (rulings 4)."""
    port: int
    tls: TlsPolicy | None
    """None for clear text."""
    domains: str = ""
    """Restricted Access Domains as stored."""
    resolvers: tuple[str, ...] = ()
    """DNS servers, in order."""
    source_ports: tuple[int, int] | None = None
    """Range of local TCP ports to use, inclusive (SIP TCP Port Min/Max)."""
    exact_domains: bool = False
    """Restricted Access Domains allow no sub-domain of what they list."""
    records: tuple[str, ...] = ("A",)
    """DNS record types to ask for, in order: A, AAAA."""
    named_by: str = ""
    """Who names the server, for refusals: the cfg.xml tag, or `DHCP option 66`."""
    routing: Routing = Routing()
    """What decides on the ways there."""
    via: Route = DIRECT
    """The way that is taken."""

    @property
    def hop(self) -> "Target":
        """Return where the connection goes first: the proxy of the way, else the server."""
        if not self.via.host:
            return self
        host, port = self.via.host, self.via.port
        return replace(self, application=PROXY, host=host, port=port, tls=None, via=DIRECT)

    @property
    def unconfirmed(self) -> bool:
        """Return whether the server's address cannot be compared with DNS (PRV-05)."""
        asked = self.tls is not None and self.tls.names is NameCheck.PROVISIONING
        return bool(self.via.host) and asked and hostname.address(self.host) is None

    def place(self, address: str) -> str:
        """Return who is there, for messages: `pv.telco.test at 192.0.2.7:443`."""
        hop = self.hop
        at = f"at {written(address, hop.port)}"
        return f"{self.host} by the proxy {hop.host} {at}" if self.via.host else f"{self.host} {at}"


class ProxyAnsweredError(NetworkError):
    """A proxy answered, and the way ends there or behind it: no other way is tried."""


class Verdict(Struct, frozen=True):
    """What became of the last request of an application that goes by the proxy."""

    at: float
    """Seconds since the epoch."""
    server: str
    """`https://pv.telco.test:443`."""
    route: str
    """In the words of a PAC file; empty where there was none."""
    problem: str
    """Why nothing came of it; empty where the proxy or the server answered."""
    unconfirmed: bool = False
    """The server's address was not compared with DNS, because a proxy is between (PRV-05)."""


class Shown(Struct, frozen=True):
    """What a server showed of itself in a handshake, accepted or not."""

    chain: tuple[bytes, ...]
    """DER certificates as they were sent, unverified, the server's own first."""
    version: str
    """Empty where the handshake did not come to an end."""
    suite: str
    """OpenSSL name; empty where none was agreed."""


class Destination(Struct, frozen=True):
    """Where datagrams may go; only Egress issues one."""

    address: str
    port: int


def permit(target: Target) -> None:
    """Let Restricted Access Domains decide. Raises `PolicyError`."""
    if not target.application.restricted:
        return
    verdict = domains.judge(target.domains, target.host, exact_only=target.exact_domains)
    if not verdict.allowed:
        raise PolicyError("domain-not-allowed", verdict.reason)


def server_name(host: str) -> bytes | None:
    """Return the name to ask for in the ClientHello (RFC 6066 section 3); never an address."""
    try:
        return None if hostname.address(host) else hostname.name(host).encode()
    except ValueError:
        return None
