"""Who is behind one port of a bridge, by what the kernel tells over rtnetlink; no I/O.

Source: rtnetlink(7); linux/if_bridge.h, linux/neighbour.h.
"""

import struct
from collections.abc import Iterator

from ringfence.protocols.rtnetlink import attributes, messages

GROUPS = (1, 3)
"""Links, and neighbours, among which are the stations that a bridge learnt."""
MOST = 64
"""Stations that are remembered: a flood of invented ones costs no memory."""
_NEW_LINK, _OLD_LINK, _GET_LINK = 16, 17, 18
_NEW_NEIGHBOUR, _GET_NEIGHBOUR = 28, 30
_DUMP_FLAGS = 0x301
_UNSPEC, _BRIDGE = 0, 7
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_UP, _RUNNING = 0x1, 0x40
_BY_HAND = 0xC0
"""States of an entry that was not learnt: permanent, or without ageing."""
_HARDWARE = 2


class Port:
    """One port of a bridge, and the stations that it has learnt there.

    One that falls silent is remembered until the carrier goes or it is learnt elsewhere: the
    kernel forgets it after five minutes, and before it tells that the carrier went.
    """

    def __init__(self, index: int) -> None:
        self._index = index
        self.up = self.connected = False
        """Whether it is switched on, and whether it has a carrier."""
        self.gone = False
        """Whether it does not exist any more."""
        self._stations: dict[bytes, None] = {}
        self._left: dict[bytes, None] = {}

    @property
    def stations(self) -> tuple[bytes, ...]:
        """Return the hardware addresses that are behind it."""
        return tuple(self._stations)

    @property
    def full(self) -> bool:
        """Return whether no further station will be remembered."""
        return len(self._stations) == MOST

    def left(self) -> list[bytes]:
        """Return the stations that went away with the carrier, each once."""
        left, self._left = list(self._left), {}
        return left

    def receive_notices(self, data: bytes) -> None:
        """Take messages of the kernel."""
        for kind, body in messages(data):
            if kind in (_NEW_LINK, _OLD_LINK) and len(body) >= _LINK.size:
                self._take_link(kind, body)
            elif kind == _NEW_NEIGHBOUR and len(body) >= _NEIGHBOUR.size:
                self._take_station(body)

    def _take_link(self, kind: int, body: bytes) -> None:
        family, _, index, flags, _ = _LINK.unpack_from(body)
        if index != self._index:
            return
        # A port that leaves its bridge is an old link of the bridge's family alone.
        self.gone = self.gone or (kind == _OLD_LINK and family == _UNSPEC)
        connected = bool(flags & _RUNNING) and kind == _NEW_LINK
        if self.connected and not connected:
            self._left |= self._stations
            self._stations = {}
        self.connected, self.up = connected, bool(flags & _UP) and kind == _NEW_LINK

    def _take_station(self, body: bytes) -> None:
        family, index, state, _, _ = _NEIGHBOUR.unpack_from(body)
        hardware = dict(attributes(body[_NEIGHBOUR.size :])).get(_HARDWARE, b"")
        if family != _BRIDGE or len(hardware) != 6 or hardware[0] & 1 or state & _BY_HAND:
            return
        if index != self._index:
            self._stations.pop(hardware, None)
        elif self.connected and not self.full:
            self._stations[hardware] = None


def questions(*, stations: bool) -> Iterator[bytes]:
    """Yield what asks for the present links, and for the stations; each answer ends with DONE."""
    yield _question(_GET_LINK, struct.pack("=B15x", _UNSPEC))
    if stations:
        yield _question(_GET_NEIGHBOUR, struct.pack("=B11x", _BRIDGE))


def _question(kind: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, _DUMP_FLAGS, 1, 0) + body
