"""The only door for outgoing connections.

Order: restricted domains, route, DNS of the next hop, connect, TLS, chain, name check, stream.
Source: rulings 13.
"""

from dataclasses import dataclass

from ringfence.policy.applications import Application
from ringfence.policy.tls import TlsPolicy
from ringfence.runtime.host import Host


@dataclass(frozen=True, slots=True)
class Target:
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


@dataclass(frozen=True, slots=True)
class Secured:
    """How a TLS connection came out."""

    version: str
    suite: str
    """OpenSSL name."""
    matched: str
    """The name in the certificate that was accepted; empty where the check was skipped."""


class Stream:
    """A connected, checked byte stream."""

    peer: tuple[str, int]
    local: tuple[str, int]
    secured: Secured | None

    async def read(self, limit: int = 65536) -> bytes:
        """Return the next bytes, empty at the end.

        Raises:
            NetworkError: the connection broke; a TLS alert counts as a refused handshake.

        """
        raise NotImplementedError

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connection; never raises."""


class Egress:
    """Opens what policy allows."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def resolve(self, target: Target) -> tuple[str, ...]:
        """Return the addresses of the target's host, in the order of the answer.

        An address literal resolves to itself. A and, where asked, AAAA; never SRV.

        Raises:
            PolicyError: Restricted Access Domains forbid the host; nothing was asked of DNS.
            NetworkError: no address was found.

        """
        raise NotImplementedError

    async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Stream:
        """Return a stream to one address of the target.

        Raises:
            PolicyError: domains, chain or name check refused; not one byte of the application
                was sent.
            NetworkError: the address did not answer in `timeout` seconds.

        """
        raise NotImplementedError
