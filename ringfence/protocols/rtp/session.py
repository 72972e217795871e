"""One call's audio, without socket, clock or key: linear samples in, packets out, and back.

The owner calls `next_packet` and `next_audio` once for every packet time. Source: RFC 3550;
RFC 3551 section 4; RFC 4733.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.rtp.events import event_payloads, read_event
from ringfence.protocols.rtp.g711 import RATE, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from ringfence.protocols.rtp.jitter import JitterBuffer
from ringfence.protocols.rtp.keys import EVENTS, GAP_MS, KEYS_LIMIT, Dtmf, known_keys
from ringfence.protocols.rtp.packet import Packet, build_packet, read_packet
from ringfence.protocols.rtp.rtcp import (
    Block,
    Reception,
    Sent,
    build_goodbye,
    build_report,
    middle,
    read_reports,
)
from ringfence.protocols.rtp.tones import key_sound


class Coding(NamedTuple):
    """How linear audio travels."""

    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]
    clock: int = 8000
    """Ticks of the timestamps a second."""


CODINGS: Mapping[str, Coding] = {
    "PCMU": Coding(encode_ulaw, decode_ulaw),
    "PCMA": Coding(encode_alaw, decode_alaw),
}
"""`{encoding name: its functions}`. Source: RFC 3551 table 4."""


class Format(Struct, frozen=True):
    """What both sides agreed on, as packets need it."""

    encoding: str
    payload_type: int
    """Of what we send."""
    receive_type: int
    ptime: int
    """Milliseconds of audio in a packet of ours."""
    sends: bool = True
    receives: bool = True
    events: int | None = None
    """Payload type of key presses that we send; None for none."""
    receive_events: int | None = None


class AudioSession:
    """One RTP stream each way."""

    def __init__(
        self,
        entropy: Callable[[int], bytes],
        codings: Callable[[str], Coding] = CODINGS.__getitem__,
    ) -> None:
        """Begin; `codings` returns the functions of an encoding, anew for each call."""
        self.sent = 0
        self.refused = 0
        """Datagrams that were no packet of this call."""
        self.keys: deque[str] = deque(maxlen=KEYS_LIMIT)
        """Keys that the other side pressed."""
        self.buffer = JitterBuffer()
        self.there: Block | None = None
        """How we arrive at the other side, as it reports; None before it does."""
        self.round_trip = 0.0
        """Seconds to the other side and back; 0 before a report tells."""
        self.source = int.from_bytes(entropy(4))
        """Our SSRC."""
        self._name = entropy(12).hex().encode()
        """Canonical name of this call alone. Source: RFC 7022 section 4.2."""
        self._octets = 0
        self._told = 0
        """Packets that our last report counted."""
        self._reception: Reception | None = None
        self._audio = bytearray()
        """Linear audio of packets that are longer than ours."""
        self._sequence = int.from_bytes(entropy(2))
        self._timestamp = int.from_bytes(entropy(4))
        self._format: Format | None = None
        self._codings = codings
        self._coding = CODINGS["PCMU"]
        self._pressed: deque[tuple[str, bool]] = deque(maxlen=KEYS_LIMIT)
        """Keys that wait, and whether they are to sound."""
        self._event: deque[bytes] = deque()
        self._event_timestamp = 0
        self._sound: deque[bytes] = deque()
        """What is left of a key that sounds."""
        self._mute = False
        """The pause after a key is silent, too, so that nothing else passes for a tone."""
        self._gap = 0
        """Packet times until the next key may begin."""
        self._talking = False
        self._heard: int | None = None
        """Timestamp of the last key that was noted."""

    def configure(self, form: Format) -> None:
        """Go on as a new offer and answer have it; numbers continue."""
        if self._format is None or self._format.encoding != form.encoding:
            self._coding = self._codings(form.encoding)
            self.buffer.count(self._coding.clock)
        self._format = form

    def press(self, digits: str, dtmf: Dtmf = EVENTS) -> None:
        """Queue keys, as far as they travel beside the sound or in it.

        Raises:
            ValueError: one is no key, or the other side takes no telephone events, and nothing
                else may be sent.

        """
        keys, form = known_keys(digits), self._format
        if dtmf.events and form and form.events is not None:
            self._pressed.extend((key, False) for key in keys)
        elif dtmf.tones and form:
            self._pressed.extend((key, True) for key in keys)
        elif not dtmf.info:
            raise ValueError("the other side takes no telephone events")

    @property
    def samples(self) -> int:
        """Samples of one packet of ours."""
        return RATE * (self._format.ptime if self._format else 20) // 1000

    def next_packet(self, audio: bytes) -> bytes | None:
        """Return the packet of this packet time; None where nothing is to be sent.

        `audio` are `samples` linear samples; a key that is down takes their place.
        """
        form = self._format
        ticks = self._coding.clock * (form.ptime if form else 20) // 1000
        if form is None or not form.sends:
            self._timestamp = (self._timestamp + ticks) & 0xFFFFFFFF
            self._talking = False
            return None
        begins = bool(self._pressed) and not (self._event or self._sound or self._gap)
        if begins:
            self._begin_key(form)
        if self._event:
            packet = self._key(form, marker=begins)
        else:
            encoded = self._coding.encode(self._sounding(form, audio))
            marker, self._talking = not self._talking, True
            packet = self._packet(form.payload_type, self._timestamp, encoded, marker=marker)
        self._timestamp = (self._timestamp + ticks) & 0xFFFFFFFF
        return packet

    def receive(self, data: bytes, now: float) -> bool:
        """Take a datagram that passed SRTP; return whether it belongs to the call."""
        form = self._format
        try:
            packet = read_packet(data)
        except RemoteProtocolError:
            self.refused += 1
            return False
        if form is None or packet.payload_type not in (form.receive_type, form.receive_events):
            self.refused += 1
            return False
        is_key = packet.payload_type == form.receive_events
        if not is_key and not form.receives:
            self.refused += 1
            return False
        if self._reception is None or self._reception.source != packet.source:
            self._reception = Reception(packet.source, packet.sequence)
        self._reception.receive(packet.sequence)
        self.buffer.push(packet, now, timed=not is_key)
        if is_key:
            self._hear(packet)
        return True

    def next_audio(self) -> bytes:
        """Return the linear audio of this packet time; silence where there is none."""
        size = 2 * self.samples
        while self._format and len(self._audio) < size and (packet := self.buffer.pop()):
            if packet.payload_type == self._format.receive_type:
                self._audio += self._coding.decode(packet.payload)
            else:
                self._audio += bytes(size)  # a key is no sound
        audio = bytes(self._audio[:size])
        del self._audio[:size]
        return audio.ljust(size, b"\0")

    def report(self, now: float) -> bytes:
        """Return a report of what was sent and how the other side arrives.

        Times are seconds since the epoch, here and in `receive` and `receive_report`.
        """
        sent = Sent(now, self._timestamp, self.sent, self._octets)
        active, self._told = self.sent > self._told, self.sent
        blocks: tuple[Block, ...] = ()
        if self._reception:
            blocks = (self._reception.block(self.buffer.jitter, self._coding.clock, now),)
        return build_report(self.source, self._name, sent if active else None, blocks)

    def goodbye(self, now: float) -> bytes:
        """Return the last report, which says that nothing follows. Source: RFC 3550 section 6.1."""
        return self.report(now) + build_goodbye(self.source)

    def receive_report(self, data: bytes, now: float) -> bool:
        """Take RTCP that passed SRTP; return whether it was understood."""
        try:
            heard = read_reports(data)
        except RemoteProtocolError:
            self.refused += 1
            return False
        for one in heard:
            if one.last and self._reception and self._reception.source == one.source:
                self._reception.receive_report(one.last, now)
            for block in one.blocks:
                if block.source == self.source:
                    self.there = block
                    if block.last:
                        ticks = (middle(now) - block.last - block.delay) & 0xFFFFFFFF
                        self.round_trip = ticks / 65536 if ticks < 0x80000000 else 0.0
        return True

    def _begin_key(self, form: Format) -> None:
        key, self._mute = self._pressed.popleft()
        if self._mute:
            self._sound.extend(key_sound(key, form.ptime))
        else:
            self._event.extend(event_payloads(key, form.ptime, self._coding.clock))
            self._event_timestamp = self._timestamp

    def _sounding(self, form: Format, audio: bytes) -> bytes:
        """Return what is to be heard of us in this packet time."""
        if self._sound:
            audio = self._sound.popleft()
            if not self._sound:
                self._gap = max(GAP_MS // form.ptime, 1)
        elif self._gap:
            self._gap -= 1
            audio = bytes(len(audio)) if self._mute else audio
        return audio

    def _key(self, form: Format, *, marker: bool) -> bytes:
        payload = self._event.popleft()
        if not self._event:
            self._gap = max(GAP_MS // form.ptime, 1)
        events = form.events if form.events is not None else 0
        return self._packet(events, self._event_timestamp, payload, marker=marker)

    def _packet(self, kind: int, timestamp: int, payload: bytes, *, marker: bool) -> bytes:
        made = Packet(kind, self._sequence, timestamp, self.source, payload, marker)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.sent += 1
        self._octets += len(payload)
        return build_packet(made)

    def _hear(self, packet: Packet) -> None:
        """Note a key once, whichever of its packets comes first."""
        event = read_event(packet.payload)
        if event and packet.timestamp != self._heard:
            self._heard = packet.timestamp
            self.keys.append(event[0])
