"""How many connections there may be, in all and from one network."""

import logging
from ipaddress import ip_network

from ringfence.provider.tally import TURNED_AWAY, Tally

logger = logging.getLogger(__name__)

PLACES = 512
"""Connections at once, of all workers; each has its part, and who finds it taken waits."""
SHARE = 64
"""Of these, connections of one IPv4 address or one IPv6 /64: phones behind a NAT share one.

It is counted over all workers. Two that take the last place in the same moment both get it.
"""
REMEMBERED = 1024
"""Networks that were turned away and are not told of again."""


class Places:
    """Who is connected to this worker; decides whether there is room for one more."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._crowd = tally.crowd
        self._crowd.clear()  # of a worker that died in this place
        self._places = max(1, PLACES // self._crowd.workers)
        self._taken = 0
        self._turned_away: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether all places are taken: who comes now waits in the kernel's queue."""
        return self._taken >= self._places

    def take(self, remote: str) -> bool:
        """Take a place for an address; return whether there was one."""
        network = _network(remote)
        held = self._crowd.of(network)
        if not self.full and held < SHARE:
            self._taken += 1
            self._crowd.change(network, 1)
            return True
        self._tally.add(TURNED_AWAY)
        if network not in self._turned_away:  # one line, however often it comes
            if len(self._turned_away) == REMEMBERED:
                self._turned_away.clear()
            self._turned_away.add(network)
            text = "provider.full: %s is turned away: it has %d connections, this process has %d"
            logger.warning(text, network, held, self._taken)
        return False

    def leave(self, remote: str) -> None:
        """Give a place back."""
        network = _network(remote)
        self._taken -= 1
        self._crowd.change(network, -1)
        if self._turned_away and not self._crowd.of(network):
            self._turned_away.discard(network)


def _network(remote: str) -> str:
    if ":" not in remote:
        return remote
    return str(ip_network((remote.partition("%")[0], 64), strict=False))
