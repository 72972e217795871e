"""How often somebody may guess; no clock of its own."""

import ipaddress


class Throttle:
    """Slows down whoever guesses: some failures are free, then each costs time."""

    def __init__(self, free: int = 5, cost: float = 12.0, addresses: int = 1024) -> None:
        self._allowance = (free - 1) * cost
        self._cost = cost
        """Seconds until one failure is forgiven."""
        self._addresses = addresses
        self._until: dict[str, float] = {}
        """`{address: when all is forgiven}`, the longest untouched first."""

    def wait(self, address: str, now: float) -> float:
        """Return how many seconds an address must wait before it may try again; 0 for none."""
        return max(0.0, self._until.get(_bucket(address), now) - now - self._allowance)

    def failed(self, address: str, now: float) -> None:
        """Count a failure."""
        bucket = _bucket(address)
        until = max(self._until.pop(bucket, now), now) + self._cost
        if len(self._until) >= self._addresses:
            del self._until[next(iter(self._until))]
        self._until[bucket] = until

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._until.pop(_bucket(address), None)


def _bucket(address: str) -> str:
    """Return what counts as one address: for IPv6 its /64, which a single host owns whole."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
