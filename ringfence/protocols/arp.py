"""ARP about one IPv4 address of ours: whether anybody else uses it.

Theory of operation. Whoever got an address starts a `Claim`, sends `frames_to_send`, hands in the
frames that speak of the address, and obeys the events. Three probes ask whether somebody has it;
afterwards two announcements say that we do. Later claims of others are answered once in ten
seconds; a second one in that time is a reason to give the address up.

Source: RFC 826; RFC 5227.
"""

import struct
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from ringfence.protocols.dhcp.options import packed

ETHERTYPE = 0x0806
_HEADER = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_REQUEST = 1
_EVERYONE, _NOBODY, _NOWHERE = b"\xff" * 6, bytes(6), bytes(4)

PROBES, PROBE_LEAST, PROBE_MOST = 3, 1.0, 2.0
"""Probes, and the seconds between them. Source: RFC 5227 1.1."""
ANNOUNCE_WAIT, ANNOUNCEMENTS, ANNOUNCE_INTERVAL = 2.0, 2, 2.0
DEFEND_INTERVAL = 10.0
"""Seconds in which one claim of another is answered, and no second one is borne."""

_LOAD_HALF, _LOAD_WORD, _JUMP_EQUAL, _RETURN = 0x28, 0x20, 0x15, 0x06


def program(address: str) -> bytes:
    """Return the classic BPF program that passes ARP about an address and nothing else."""
    wanted = int.from_bytes(packed(address), "big")
    instructions = (
        (_LOAD_HALF, 0, 0, 12),
        (_JUMP_EQUAL, 0, 5, ETHERTYPE),
        (_LOAD_WORD, 0, 0, 28),
        (_JUMP_EQUAL, 2, 0, wanted),
        (_LOAD_WORD, 0, 0, 38),
        (_JUMP_EQUAL, 0, 1, wanted),
        (_RETURN, 0, 0, 0x40000),
        (_RETURN, 0, 0, 0),
    )
    return b"".join(struct.pack("=HBBI", *one) for one in instructions)


class Taken(Struct, frozen=True):
    """Somebody else has the address, and we must not use it."""

    hardware: str
    """MAC address, `02:00:00:00:00:09`."""


class Contested(Struct, frozen=True):
    """Somebody else claimed the address, and was told that it is ours."""

    hardware: str


Event = Taken | Contested


class Claim:
    """One address on one wire."""

    def __init__(
        self, hardware: bytes, address: str, entropy: Callable[[int], bytes], *, firm: bool = False
    ) -> None:
        """Claim an address for a MAC address of six bytes; one that is `firm` is never given up."""
        self.address = address
        self._hardware = hardware
        self._packed = packed(address)
        self._entropy = entropy
        self._firm = firm
        self._frames: list[bytes] = []
        self._events: deque[Event] = deque()
        self._probes = self._announcements = 0
        """How many are yet to be sent."""
        self._timer: float | None = None
        self._defended_at = -DEFEND_INTERVAL

    def start(self, now: float) -> None:
        """Ask whether anybody has the address; an address that was in use before needs no start."""
        self._probes, self._announcements = PROBES, ANNOUNCEMENTS
        self._timer = now
        self.handle_timer(now)

    def frames_to_send(self) -> list[bytes]:
        """Return the Ethernet frames that are to be sent now, once."""
        ready, self._frames = self._frames, []
        return ready

    def receive_frame(self, frame: bytes, now: float) -> None:
        """Take an Ethernet frame that came in; one about anything else is passed over."""
        if len(frame) < _HEADER.size:
            return
        _, _, kind, network, protocol, *sizes, _, sender, claimed, _, wanted = _HEADER.unpack_from(
            frame
        )
        if (kind, network, protocol, *sizes) != (ETHERTYPE, 1, 0x0800, 6, 4):
            return
        if sender == self._hardware:
            return
        probing = self._probes > 0 or self._announcements == ANNOUNCEMENTS
        if claimed == self._packed or (probing and claimed == _NOWHERE and wanted == self._packed):
            self._meet(sender.hex(":"), now, probing=probing)

    def get_timer(self) -> float | None:
        """Return when `handle_timer` is due; None while nothing is."""
        return self._timer

    def handle_timer(self, now: float) -> None:
        """Send the next probe or announcement, if it is time to."""
        if self._timer is None or now < self._timer:
            return
        self._timer = None
        if self._probes:
            self._probes -= 1
            self._frames.append(self._frame(_NOWHERE))
            spread = int.from_bytes(self._entropy(2), "big") / 0xFFFF
            pause = PROBE_LEAST + spread * (PROBE_MOST - PROBE_LEAST)
            self._timer = now + (pause if self._probes else ANNOUNCE_WAIT)
        elif self._announcements:
            self._announcements -= 1
            self._frames.append(self._frame(self._packed))
            self._timer = now + ANNOUNCE_INTERVAL if self._announcements else None

    def next_event(self) -> Event | None:
        """Return the next event; None when there is none."""
        return self._events.popleft() if self._events else None

    def _meet(self, hardware: str, now: float, *, probing: bool) -> None:
        again = now - self._defended_at < DEFEND_INTERVAL
        if not self._firm and (probing or again):
            self._probes = self._announcements = 0
            self._timer = None
            self._events.append(Taken(hardware))
        elif not again:
            self._defended_at = now
            self._frames.append(self._frame(self._packed))
            self._events.append(Contested(hardware))

    def _frame(self, sender: bytes) -> bytes:
        """Return a request for our own address: a probe if it names no sender."""
        return _HEADER.pack(
            *(_EVERYONE, self._hardware, ETHERTYPE, 1, 0x0800, 6, 4, _REQUEST),
            *(self._hardware, sender, _NOBODY, self._packed),
        )
