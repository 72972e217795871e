"""The audio of live calls: one thread, absolute deadlines, nothing else on it.

All calls share their deadlines, so that one wake-up reads, plays and sends for all of them. What
came meanwhile waited in the kernel, which noted when: a packet is played at a deadline anyway.
Sockets, SRTP and devices are touched by that thread alone; the rest of the phone hands it
changes under a lock that it holds for one packet time's work at most.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import ceil

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from ringfence.errors import ComponentError
from ringfence.protocols.rtp.g711 import RATE, prepare
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.rtp.mix import mixed
from ringfence.protocols.rtp.session import AudioSession, Format
from ringfence.protocols.sip.negotiation import Keys, Stream
from ringfence.runtime.audio_codecs import coding, load_codecs
from ringfence.runtime.audio_ports import Ports, bind_pair, come, drain, send
from ringfence.runtime.handset import Handset
from ringfence.runtime.host import Host
from ringfence.runtime.host_sound import Devices, open_devices
from ringfence.runtime.state import Sound

logger = logging.getLogger(__name__)

REPORTS = 0.5
"""Seconds between looks for reports of the other side."""
BEHIND = 1.0
"""Seconds of delay after which the thread gives up catching up."""
LONGEST_PASSED = 120
"""Most milliseconds of audio that wait between two calls in conference."""

_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


class CallAudio:
    """The ports, keys and devices of one call."""

    def __init__(
        self,
        engine: "AudioEngine",
        ports: Ports,
        devices: Devices,
        interval: int,
        name: str,
    ) -> None:
        self.name = name
        """For the log."""
        self.socket, self.rtcp = ports
        self.port = int(self.socket.getsockname()[1])
        self.due = 0.0
        """When the next packet time begins; 0 while there is nothing to send."""
        self.stream: Stream | None = None
        self._step = 0.0
        """Seconds of a packet time."""
        self._engine = engine
        self._interval = interval
        """Seconds between our reports; 0 for none."""
        self._report_due = self._look_due = 0.0
        self._devices = devices
        self._session = AudioSession(engine.host.entropy, coding)
        self._protect: Session | None = None
        self._unprotect: Session | None = None
        self._failed = 0
        """Packets that SRTP refused."""
        self._tell: Callable[[str], object] = self._ignore
        self._other: CallAudio | None = None
        """The call in conference with this one."""
        self._passed = bytearray()
        """Audio of the other call that waits to be sent here."""

    @staticmethod
    def _ignore(reason: str) -> None:
        """Tell nobody."""

    def watch(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called in the running loop with the reason once the audio breaks."""
        loop = asyncio.get_running_loop()
        self._tell = lambda reason: loop.call_soon_threadsafe(tell, reason)

    def fail(self, error: Exception) -> None:
        """End the audio after a bug; called by the thread, under its lock."""
        logger.error("audio.bug: %s", self.name, exc_info=error)
        self.stream, self.due = None, 0.0
        self._tell(f"the audio ended by an internal error, {type(error).__name__}")

    def start(self, stream: Stream) -> None:
        """Send and receive as agreed, from now on; a key that stays keeps its counters."""
        with self._engine.lock:
            before, self.stream = self.stream, stream
            if before is None:  # it would be played, and all that follows, too late
                drain((self.socket, self.rtcp))
            if before is None or before.protect != stream.protect:
                self._protect = _srtp(stream.protect, Policy.SSRC_ANY_OUTBOUND)
            if before is None or before.unprotect != stream.unprotect:
                self._unprotect = _srtp(stream.unprotect, Policy.SSRC_ANY_INBOUND)
            self._session.configure(_form(stream))
            step, self._step = self._step, stream.ptime / 1000
            if step != self._step:
                self.due = ceil(self._engine.host.now() / self._step) * self._step
            if (other := self._other) and other.encrypted is not self.encrypted:
                self.part()
        self._engine.wake()

    @property
    def encrypted(self) -> bool:
        """Return whether what is sent is protected."""
        return bool(self.stream and self.stream.protect)

    def join(self, port: int) -> None:
        """Let the other side of this call and that of the call at another port hear each other.

        Raises:
            ComponentError: there is no such call, or one is encrypted and the other is not.

        """
        with self._engine.lock:
            other = self._engine.at(port)
            if other is None or other is self or not (self.stream and other.stream):
                raise ComponentError("conference", "both calls must have audio")
            if other.encrypted is not self.encrypted:
                raise ComponentError("conference", "one call is encrypted and the other is not")
            self.part()
            other.part()
            self._other, other._other = other, self
            # One of the two may bring its audio in longer pieces than the other sends them.
            waiting = bytes(2 * round(RATE * max(self._step, other._step)))
            self._passed, other._passed = bytearray(waiting), bytearray(waiting)

    def part(self) -> None:
        """End a conference; called under the lock."""
        if other := self._other:
            self._other = other._other = None

    def _with_other(self, heard: bytes, spoken: bytes) -> bytes:
        """Hand what is heard here to the other call, and return what is sent with its own."""
        if (other := self._other) is None:
            return spoken
        other._passed += heard
        del other._passed[: -2 * RATE * LONGEST_PASSED // 1000]
        there = bytes(self._passed[: len(spoken)]).ljust(len(spoken), b"\0")
        del self._passed[: len(spoken)]
        return mixed(spoken, there)

    def press(self, digits: str, dtmf: Dtmf) -> None:
        """Queue key presses.

        Raises:
            ComponentError: one is no key, or the other side takes none as they are to be sent.

        """
        try:
            with self._engine.lock:
                self._session.press(digits, dtmf)
        except ValueError as error:
            raise ComponentError("call", str(error)) from error

    def report(self) -> Mapping[str, object]:
        """Return what was agreed on and how it goes, as JSON values."""
        with self._engine.lock:
            stream, session = self.stream, self._session
            return {
                "joined": self._other.port if self._other else 0,
                "codec": stream.codec.name if stream else "",
                "srtp": stream.protect.suite if stream and stream.protect else "",
                "sent": session.sent,
                "received": session.buffer.received,
                "lost": session.buffer.lost,
                "late": session.buffer.late,
                "refused": session.refused + self._failed,
                "jitter_ms": round(session.buffer.jitter * 1000, 1),
                "lost_there": session.there.lost if session.there else None,
                "round_trip_ms": round(session.round_trip * 1000, 1),
                "keys": "".join(session.keys),
            }

    def stop(self) -> None:
        """Say goodbye where reports were sent, free the ports and finish the recording.

        Source: RFC 3550 section 6.3.7.
        """
        self._engine.forget(self)
        if self.stream and self._report_due:
            self._send_report(self.stream, self._session.goodbye(self._engine.host.wall()))
        self._tell = self._ignore  # holds the call, which holds us
        self.socket.close()
        self.rtcp.close()
        self._devices.microphone.close()
        self._devices.speaker.close()

    def step(self, now: float) -> None:
        """Read, play and send one packet time; called by the thread, under its lock."""
        stream, session = self.stream, self._session
        if stream is None:
            return
        self.due += self._step
        if now - self.due > BEHIND:
            self.due = ceil(now / self._step) * self._step
        self._read(stream)
        heard, handset = session.next_audio(), self._engine.handset
        self._devices.speaker.write(handset.played(heard))
        spoken = handset.spoken(self._devices.microphone.read(session.samples))
        packet = session.next_packet(self._with_other(heard, spoken))
        if packet:
            if self._protect:
                packet = self._protect.protect(packet)
            send(self.socket, packet, stream.address, stream.port)
        if now >= self._look_due:
            self._look_due = now + REPORTS
            self._read_reports(stream)
        if self._interval and now >= self._report_due:
            self._report_due = now + self._interval
            self._send_report(stream, session.report(self._engine.host.wall()))

    def _send_report(self, stream: Stream, report: bytes) -> None:
        if self._protect:
            report = self._protect.protect_rtcp(report)
        send(self.rtcp, report, stream.address, stream.port + 1)

    def _read(self, stream: Stream) -> None:
        for data, came in self._come(self.socket, stream.address):
            try:
                clear = self._unprotect.unprotect(data) if self._unprotect else data
            except (SrtpError, ValueError):
                self._failed += 1
            else:
                self._session.receive(clear, came)

    def _read_reports(self, stream: Stream) -> None:
        for data, came in self._come(self.rtcp, stream.address):
            try:
                clear = self._unprotect.unprotect_rtcp(data) if self._unprotect else data
            except (SrtpError, ValueError):
                self._failed += 1
            else:
                self._session.receive_report(clear, came)

    def _come(self, way: socket.socket, address: str) -> Iterator[tuple[bytes, float]]:
        """Yield what came from an address, and when; what came from others is counted."""
        for data, source, noted in come(way, self._engine.host.wall):
            if source == address:
                yield data, noted
            else:
                self._session.refused += 1


class AudioEngine:
    """The thread and the calls that it serves."""

    def __init__(self, host: Host, sound: Sound, handset: Handset) -> None:
        self.host = host
        self.handset = handset
        self._sound = sound
        self.lock = threading.Lock()
        self._calls: set[CallAudio] = set()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        prepare()  # before there is a call whose audio would wait for it
        if sound.codecs:
            load_codecs()

    def open(self, address: str, ports: tuple[int, int], name: str, interval: int) -> CallAudio:
        """Bind an even port and the next one for a call, and open its devices.

        `name` is part of the name of its recording, and in the log; `interval` are the seconds
        between reports (RTCP), 0 for none. Source: RFC 3550 section 11.

        Raises:
            ComponentError: no pair of ports is free, or a device cannot be opened.

        """
        bound, rtcp = bind_pair(self.host, address, *ports)
        stamp = datetime.fromtimestamp(self.host.wall(), UTC).strftime("%Y%m%d-%H%M%S")
        try:
            devices = open_devices(self._sound, RATE, f"{stamp}-{name}")
        except ComponentError:
            bound.close()
            rtcp.close()
            raise
        made = CallAudio(self, (bound, rtcp), devices, interval, name)
        with self.lock:
            self._calls.add(made)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
            self._thread.start()
        return made

    def at(self, port: int) -> CallAudio | None:
        """Return the call of a local port; called under the lock."""
        return next((call for call in self._calls if call.port == port), None)

    def forget(self, call: CallAudio) -> None:
        """Leave a call alone from now on; after the last one the microphone is on again."""
        with self.lock:
            self._calls.discard(call)
            call.part()
            self.handset.muted = self.handset.muted and bool(self._calls)

    def wake(self) -> None:
        """Have the thread look at its calls again."""
        self._changed.set()

    def close(self) -> None:
        """End the thread, and the audio of every call."""
        self._closed = True
        self.wake()
        if self._thread:
            self._thread.join()
        for call in list(self._calls):
            call.stop()

    def _run(self) -> None:
        while not self._closed:
            with self.lock:
                due = min((call.due for call in self._calls if call.due), default=None)
            self._changed.wait(None if due is None else max(due - self.host.now(), 0))
            self._changed.clear()
            now = self.host.now()
            with self.lock:
                for call in self._calls:
                    if call.due and now >= call.due:
                        try:
                            call.step(now)
                        except Exception as error:  # noqa: BLE001 - a bug ends one call's audio alone
                            call.fail(error)


def _srtp(keys: Keys | None, kind: int) -> Session | None:
    if keys is None:
        return None
    return Session(Policy(keys.material, kind, 0, _PROFILES[keys.suite]))


def _form(stream: Stream) -> Format:
    return Format(
        stream.codec.name.upper(),
        stream.codec.payload,
        stream.receive_payload,
        stream.ptime,
        stream.sends,
        stream.receives,
        stream.events,
        stream.receive_events,
    )
