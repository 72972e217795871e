"""A jitter buffer: packets in any order, audio in one. Source: RFC 3550 sections 6.4.1 and A.8."""

from ringfence.protocols.rtp.packet import Packet

LONGEST = 50
"""Most packets that wait, one second of audio."""
SLACK, PATIENCE = 10, 50
"""Packets beyond the depth that may wait for so many packet times: what was held up on its way, or
comes from a faster clock, must not delay the rest of a call."""
STRANGE = 3000
"""A jump of the sequence by more begins the stream anew. Source: RFC 3550 appendix A.1."""


class JitterBuffer:
    """Orders the packets of one source and counts what is missing.

    `pop` is called once for every packet time. The depth follows the jitter seen: at least
    `least` packets are held back before play starts.
    """

    def __init__(self, least: int = 2, rate: int = 8000) -> None:
        self.received = 0
        self.lost = 0
        """Packets whose time came and that were not there."""
        self.late = 0
        """Packets that came after their time, or twice."""
        self.jitter = 0.0
        """Interarrival jitter in seconds."""
        self._least = least
        self._rate = rate
        self._waiting: dict[int, Packet] = {}
        self._next: int | None = None
        """Sequence number to play next; None while the buffer fills."""
        self._transit: float | None = None
        self._source: int | None = None
        self._behind = 0
        """Packet times in a row with too many packets that wait."""

    def count(self, rate: int) -> None:
        """Take timestamps for so many ticks a second from now on."""
        self._rate, self._transit = rate, None

    def push(self, packet: Packet, now: float, *, timed: bool = True) -> None:
        """Take a packet that arrived at a time in seconds.

        One that is not `timed` says nothing about jitter: all packets of a key press carry the
        timestamp of its beginning.
        """
        if packet.source != self._source:
            self._reset(packet.source)
        self.received += 1
        if timed:
            self._measure(packet, now)
        if self._next is not None:
            ahead = (packet.sequence - self._next) & 0xFFFF
            if ahead >= 0x8000:
                if 0x10000 - ahead > STRANGE:
                    self._reset(packet.source)
                else:
                    self.late += 1
                    return
            elif ahead > STRANGE:
                self._reset(packet.source)
        if packet.sequence in self._waiting:
            self.late += 1
        elif len(self._waiting) < LONGEST:
            self._waiting[packet.sequence] = packet
        else:
            self._drop_oldest(packet)

    def pop(self) -> Packet | None:
        """Return the packet whose time has come; None for silence or a lost one."""
        if self._next is None:
            if len(self._waiting) < self.depth:
                return None
            self._next = self._first()
        waiting = len(self._waiting)
        self._behind = self._behind + 1 if waiting > SLACK and waiting > self.depth + SLACK else 0
        if self._behind > PATIENCE:
            self._catch_up()
        packet = self._waiting.pop(self._next, None)
        if packet is None and not self._waiting:
            self._next = None  # the sender paused: fill up again
            return None
        self._next = (self._next + 1) & 0xFFFF
        if packet is None:
            self.lost += 1
        return packet

    @property
    def depth(self) -> int:
        """Packets held back before play starts: twice the jitter, in packets of 20 ms."""
        return min(max(self._least, round(2 * self.jitter / 0.02)), LONGEST // 2)

    def _catch_up(self) -> None:
        """Play on with the newest packets."""
        self._behind = 0
        while len(self._waiting) > self.depth:
            oldest = self._oldest()
            del self._waiting[oldest]
            self.late += 1
            self._next = (oldest + 1) & 0xFFFF

    def _first(self) -> int:
        """Return the oldest sequence number that waits, across the wrap."""
        some = next(iter(self._waiting))
        return min(self._waiting, key=lambda number: (number - some + 0x8000) & 0xFFFF)

    def _oldest(self) -> int:
        """Return the sequence number that is to be played before all others that wait."""
        if self._next is None:
            return self._first()
        start = self._next
        return min(self._waiting, key=lambda number: (number - start) & 0xFFFF)

    def _drop_oldest(self, packet: Packet) -> None:
        oldest = self._oldest()
        del self._waiting[oldest]
        self.lost += 1
        self._waiting[packet.sequence] = packet
        if self._next is not None:
            self._next = (oldest + 1) & 0xFFFF

    def _measure(self, packet: Packet, now: float) -> None:
        transit = now - packet.timestamp / self._rate
        if self._transit is not None:
            step = abs(transit - self._transit)
            if step < 1:  # a wrapped timestamp or a pause says nothing about jitter
                self.jitter += (step - self.jitter) / 16
        self._transit = transit

    def _reset(self, source: int) -> None:
        self._source, self._next, self._transit = source, None, None
        self._waiting.clear()
