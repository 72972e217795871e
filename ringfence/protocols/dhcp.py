"""DHCPv4: messages, and a client without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lease:
    """What a server granted. Times are seconds from the acknowledgement."""

    address: str
    prefix: int
    server: str
    """Server identifier, option 54."""
    routers: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    domain: str = ""
    ntp: tuple[str, ...] = ()
    lease_time: float = 0.0
    renewal_time: float = 0.0
    rebinding_time: float = 0.0
    options: Mapping[int, bytes] = field(default_factory=dict)
    """Every option as received, parts joined (RFC 3396)."""
