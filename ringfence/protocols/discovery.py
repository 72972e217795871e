"""Who is at the other end of the wire, and when the phone presents itself; no I/O.

Source: phone-facts 1.2, VLAN Settings, and 6; IEEE 802.1AB 9; ANSI/TIA-1057 11.2.1.
"""

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import RemoteProtocolError
from ringfence.protocols import cdp, lldp
from ringfence.protocols.neighbour import MULTICAST_CDP, Neighbour, Own, is_sound, text

MOST = 64
"""Neighbours that are remembered."""
FAST_COUNT, FAST_INTERVAL = 4, 1.0
"""LLDP-MED frames, and the seconds between them, when the wire gets a carrier."""
LLDP_INTERVAL, CDP_INTERVAL = 30.0, 60.0
RECALL = 65.0
"""Seconds after a carrier in which a VLAN of before it is believed: a switch that speaks CDP alone
takes up to 60."""
BATCH = 16
"""Frames that are read at once."""


class Heard(Struct, frozen=True):
    """What some frames said: all that a process hands over that reads them."""

    neighbours: tuple[Neighbour, ...] = ()
    """At most `BATCH`."""
    refused: int = 0
    """Frames that broke a rule."""
    why: str = ""
    """What the last one of them broke, and who sent it."""


def hear(frames: Iterable[bytes], own: bytes, protocols: Container[str]) -> Heard:
    """Return what frames say that are not from `own`, by the protocols that are spoken."""
    neighbours, refused, why = [], 0, ""
    for frame in frames:
        is_cdp = frame[:6] == MULTICAST_CDP
        if frame[6:12] == own or ("CDP" if is_cdp else "LLDP") not in protocols:
            continue
        try:
            neighbours.append(cdp.parse(frame) if is_cdp else lldp.parse(frame))
        except RemoteProtocolError as error:
            refused += 1
            why = f"{error} (from {frame[6:12].hex(':')})"
    return Heard(tuple(neighbours), refused, why)


class Discovery:
    """One port: what it says, when, and whom it heard."""

    def __init__(self, *, cdp: bool, lldp_med: bool, delay: float) -> None:
        self._cdp, self._lldp = cdp, lldp_med
        self._delay = delay
        """Seconds from a carrier to the first LLDP-MED frame."""
        self._next_cdp: float | None = None
        self._next_lldp: float | None = None
        self._fast = 0
        """Fast frames that are still to come."""
        self._heard: dict[bytes, tuple[float, Neighbour]] = {}
        """`{key: (when it is over, what it said)}`, the one unheard for longest first."""
        self._giver: Mapping[str, bytes] = {}
        """`{protocol: key}` of whom the VLAN came from."""
        self._recalled: dict[str, int] = {}
        """`{protocol: VLAN}` that was given before the carrier came, or before this process."""
        self._recalled_until: float | None = None
        self.refused = 0
        """Frames that broke a rule."""
        self.last_refusal = ""

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """Return who is there, the one unheard for longest first."""
        return tuple(one for _, one in self._heard.values())

    def receive_carrier(self, connected: bool, now: float) -> None:
        """Begin when the wire has a carrier; be silent and forget everybody when it has none.

        The VLAN is remembered: a wire that was away for a moment leads to the same switch.
        """
        for protocol in ("LLDP", "CDP"):
            if vlan := self.voice_vlan(protocol):
                self._recalled[protocol] = vlan
        self._recalled_until = now + RECALL if connected else None
        self._heard, self._giver, self._fast = {}, {}, FAST_COUNT
        self._next_cdp = now if connected and self._cdp else None
        self._next_lldp = now + self._delay if connected and self._lldp else None

    def recall(self, protocol: str, vlan: int) -> None:
        """Believe a VLAN of an earlier life for a while after the next carrier."""
        self._recalled[protocol] = vlan

    def receive_heard(self, heard: Heard, now: float) -> None:
        """Take what frames said.

        Raises:
            RemoteProtocolError: no frame says so; whoever read them is not to be believed.

        """
        if len(heard.neighbours) > BATCH or not all(map(is_sound, heard.neighbours)):
            raise RemoteProtocolError("discovery: read what no frame says")
        self.refused += max(0, heard.refused)
        self.last_refusal = text(heard.why.encode()) or self.last_refusal
        for said in heard.neighbours:
            self._take(said, now)

    def _take(self, said: Neighbour, now: float) -> None:
        self._heard.pop(said.key, None)
        if said.is_switch:  # what it gives now counts, and be it nothing
            self._recalled.pop(said.protocol, None)
        if said.hold:
            self._heard[said.key] = (now + said.hold, said)
        self._choose()
        if len(self._heard) > MOST:
            # Whoever gave the VLAN stays: a crowd of strangers must not push the switch out.
            kept = set(self._giver.values())
            del self._heard[next(key for key in self._heard if key not in kept)]

    def frames_to_send(self, own: Own, now: float) -> list[bytes]:
        """Return the frames that are due."""
        frames = []
        if self._next_lldp is not None and now >= self._next_lldp:
            self._fast = max(0, self._fast - 1)
            self._next_lldp = now + (FAST_INTERVAL if self._fast else LLDP_INTERVAL)
            frames.append(lldp.build(replace(own, voice_vlan=self.voice_vlan("LLDP"))))
        if self._next_cdp is not None and now >= self._next_cdp:
            self._next_cdp = now + CDP_INTERVAL
            frames.append(cdp.build(own))
        return frames

    def farewell(self, own: Own) -> list[bytes]:
        """Return what a phone that stops says, so that nobody waits for it to time out."""
        return [lldp.build(own, hold=0)] if self._next_lldp is not None else []

    def get_timer(self) -> float | None:
        """Return when to call again; None without a carrier."""
        clocks = (self._next_cdp, self._next_lldp, self._recalled_until if self._recalled else None)
        times = [time for time in clocks if time is not None]
        times += [over for over, _ in self._heard.values()]
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Forget who has not been heard for as long as it said."""
        self._heard = {key: held for key, held in self._heard.items() if held[0] > now}
        if self._recalled_until is not None and now >= self._recalled_until:
            self._recalled = {}
        self._choose()

    def voice_vlan(self, protocol: str) -> int | None:
        """Return the VLAN that a switch gave by `CDP` or `LLDP`, else one that is remembered.

        What any switch gives goes before what is remembered.
        """
        if giver := self._giver.get(protocol):
            return self._heard[giver][1].voice_vlan
        return None if self._giver else self._recalled.get(protocol)

    def _choose(self) -> None:
        """Keep believing whom we believe; else believe the first switch that gives a VLAN."""
        chosen = {}
        for protocol in ("LLDP", "CDP"):
            giving = [
                key
                for key, (_, one) in self._heard.items()
                if one.protocol == protocol and one.is_switch and one.voice_vlan
            ]
            if giving:
                before = self._giver.get(protocol)
                chosen[protocol] = before if before in giving else giving[0]
        self._giver = chosen
