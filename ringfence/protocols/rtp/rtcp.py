"""Reports on RTP: what each side sent, and how it arrived. Source: RFC 3550 sections 6 and A.3."""

import struct
from collections.abc import Iterator

from msgspec import Struct

from ringfence.errors import RemoteProtocolError

LARGEST = 1500
"""Most bytes of a compound packet that is read."""
SENDER, RECEIVER, DESCRIPTION, GOODBYE = 200, 201, 202, 203
KINDS = range(192, 224)
"""What may be told from RTP. Source: RFC 5761 section 4."""
EPOCH = 2208988800
"""Seconds from 1900 to 1970: NTP counts from the former."""
CNAME = 1
_HEAD = struct.Struct("!BBH")
_SENDER = struct.Struct("!IIIII")
_BLOCK = struct.Struct("!IIIIII")


class Block(Struct, frozen=True):
    """How one source arrives at the reporter."""

    source: int
    """SSRC of the sender that is reported on."""
    fraction: int = 0
    """Share of packets lost since the report before, in 256ths."""
    lost: int = 0
    """Packets lost since the beginning; negative where some came twice."""
    highest: int = 0
    """Highest sequence number, with the number of its rounds above 16 bits."""
    jitter: int = 0
    """In units of the timestamp."""
    last: int = 0
    """Middle 32 bits of the NTP time of the sender's last report; 0 for none."""
    delay: int = 0
    """Since that report, in 65536ths of a second."""


class Reception:
    """Counts what one source sends, as reports have it. Source: RFC 3550 sections A.1 and A.3."""

    def __init__(self, source: int, sequence: int) -> None:
        self.source = source
        self.received = 0
        self._base = self._highest = sequence
        self._reported = (0, 0)
        """Expected and received at the last report."""
        self._last, self._came = 0, 0.0

    def receive(self, sequence: int) -> None:
        """Take the sequence number of a packet that arrived."""
        self.received += 1
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead

    def receive_report(self, last: int, now: float) -> None:
        """Take the middle of the NTP time of a report of the source."""
        self._last, self._came = last, now

    @property
    def lost(self) -> int:
        """Packets lost since the beginning; negative where some came twice."""
        return self._highest - self._base + 1 - self.received

    def block(self, jitter: float, rate: int, now: float) -> Block:
        """Return what to report now, with a jitter in seconds, and begin the next interval."""
        expected = self._highest - self._base + 1
        wanted, got = expected - self._reported[0], self.received - self._reported[1]
        self._reported = (expected, self.received)
        missing = max(wanted - got, 0)
        return Block(
            self.source,
            min(missing * 256 // wanted, 255) if wanted else 0,
            max(min(self.lost, 0x7FFFFF), -0x800000),
            self._highest & 0xFFFFFFFF,
            min(round(jitter * rate), 0xFFFFFFFF),
            self._last,
            self._delay(now) if self._last else 0,
        )

    def _delay(self, now: float) -> int:
        """Return the time since the last report; 0 where the clock was set back meanwhile."""
        return min(max(round((now - self._came) * 65536), 0), 0xFFFFFFFF)


class Sent(Struct, frozen=True):
    """What the reporter itself sent."""

    wall: float
    """Seconds since 1970."""
    timestamp: int
    """Of RTP, at the same instant."""
    packets: int
    octets: int


def middle(wall: float) -> int:
    """Return the middle 32 bits of an NTP time."""
    return round((wall + EPOCH) * 65536) & 0xFFFFFFFF


def build_report(source: int, name: bytes, sent: Sent | None, blocks: tuple[Block, ...]) -> bytes:
    """Return a compound packet: sender or receiver report, and the canonical name."""
    body = struct.pack("!I", source)
    if sent:
        seconds, fraction = divmod(sent.wall + EPOCH, 1)
        when = (int(seconds) & 0xFFFFFFFF, int(fraction * 2**32), sent.timestamp)
        body += _SENDER.pack(*when, sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF)
    for block in blocks:
        loss = block.fraction << 24 | block.lost & 0xFFFFFF
        rest = (block.highest, block.jitter, block.last, block.delay)
        body += _BLOCK.pack(block.source, loss, *rest)
    item = struct.pack("!IBB", source, CNAME, len(name)) + name
    item += bytes(4 - len(item) % 4)  # at least one zero ends the items
    report = _packet(SENDER if sent else RECEIVER, len(blocks), body)
    return report + _packet(DESCRIPTION, 1, item)


def build_goodbye(source: int) -> bytes:
    """Return the packet that ends a compound one, and the source. Source: RFC 3550 section 6.6."""
    return _packet(GOODBYE, 1, struct.pack("!I", source))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


class Heard(Struct, frozen=True):
    """A report of the other side."""

    source: int
    last: int
    """Middle of its NTP time; 0 for a receiver report."""
    blocks: tuple[Block, ...]


def read_reports(data: bytes) -> list[Heard]:
    """Return the sender and receiver reports of a packet; other kinds are passed over.

    It need not begin with a report. Source: RFC 5506 section 3.

    Raises:
        RemoteProtocolError: it is no RTCP packet, or truncated.

    """
    heard = []
    for kind, count, body in _packets(data):
        if kind not in (SENDER, RECEIVER):
            continue
        start = 24 if kind == SENDER else 4
        if len(body) < start + count * _BLOCK.size:
            raise RemoteProtocolError("truncated RTCP report")
        last = int.from_bytes(body[6:10]) if kind == SENDER else 0
        blocks = (_block(body, start + n * _BLOCK.size) for n in range(count))
        heard.append(Heard(int.from_bytes(body[:4]), last, tuple(blocks)))
    return heard


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    if not 8 <= len(data) <= LARGEST:
        raise RemoteProtocolError("not the size of an RTCP packet")
    while data:
        if len(data) < 4:
            raise RemoteProtocolError("truncated RTCP packet")
        first, kind, words = _HEAD.unpack_from(data)
        end = 4 + 4 * words
        if first >> 6 != 2 or kind not in KINDS or end > len(data):
            raise RemoteProtocolError("not an RTCP packet")
        yield kind, first & 0x1F, data[4:end]
        data = data[end:]


def _block(body: bytes, at: int) -> Block:
    source, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, at)
    lost = loss & 0xFFFFFF
    lost -= 0x1000000 if lost & 0x800000 else 0
    return Block(source, loss >> 24, lost, highest, jitter, last, delay)
