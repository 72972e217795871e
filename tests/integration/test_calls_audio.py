"""The thread of all calls' audio, on sockets of the kernel: deadlines, stalls, joining, leaving."""

import asyncio
import logging
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.protocols.rtp.packet import read_packet
from ringfence.protocols.sip.negotiation import Stream
from ringfence.protocols.sip.sdp import Codec
from ringfence.runtime.audio import AudioEngine, CallAudio
from ringfence.runtime.handset import Handset
from ringfence.runtime.host import Host
from ringfence.runtime.state import Sound

HERE = "127.0.0.1"
LATER = 0.4
"""Seconds after a stall that are still counted."""
PATIENCE = 10.0
"""Seconds after which an awaited count counts as missing."""


def inside(pair: tuple[Namespace, Namespace], body: Callable[["Studio"], Any]) -> Any:
    """Run a test's body in the phone's namespace, with a thread of its own."""

    def run() -> Any:
        studio = Studio()
        try:
            return body(studio)
        finally:
            studio.close()

    return pair[0].call(run)


class Studio:
    """The thread, and sockets of the other sides."""

    def __init__(self) -> None:
        self.engine = AudioEngine(Host(Path()), Sound("tone:700", "null"), Handset(Host(Path())))
        self.far: list[socket.socket] = []
        self.got: dict[socket.socket, list[int]] = {}

    def open(self, interval: int = 0) -> CallAudio:
        return self.engine.open(HERE, (20000, 20999), "test", interval)

    def stream(self, ptime: int = 20, *, sends: bool = True) -> Stream:
        """Return what was agreed with another side, whose socket is the last of `far`."""
        far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        far.bind((HERE, 0))
        far.setblocking(False)
        self.far.append(far)
        self.got[far] = []
        port = far.getsockname()[1]
        return Stream(Codec("PCMU", 8000, 0), 0, HERE, port, sends, True, None, None, ptime)

    def listen(self, seconds: float) -> None:
        """Take what the other sides get next, and wait so long at most where it is nothing."""
        for far in select.select(self.far, [], [], max(seconds, 0))[0]:
            self.got[far].append(read_packet(far.recv(2048)).sequence)

    def heard(self, far: socket.socket) -> list[int]:
        """Return the sequence numbers that another side got since it was asked last."""
        while select.select([far], [], [], 0)[0]:
            self.got[far].append(read_packet(far.recv(2048)).sequence)
        held, self.got[far] = self.got[far], []
        return held

    def until(self, call: CallAudio, name: str, least: int) -> None:
        """Return once a call has counted so far."""
        end = time.monotonic() + PATIENCE
        while int(str(call.report()[name])) < least:
            assert time.monotonic() < end, call.report()
            self.listen(0.01)

    def close(self) -> None:
        self.engine.close()
        for far in self.far:
            far.close()


@pytest.fixture
def own(component: list[str]) -> None:
    component.append("own-peer")


@pytest.mark.proves("CALL-02")
def test_calls_of_other_packet_times_join_and_leave_without_a_gap_for_others(
    pair: tuple[Namespace, Namespace], own: None
) -> None:
    def body(studio: Studio) -> tuple[list[int], float]:
        first = studio.open()
        first.start(studio.stream())
        studio.until(first, "sent", 5)
        slow = studio.open()
        slow.start(studio.stream(30))
        began = first.report()["sent"], slow.report()["sent"]
        for _ in range(20):
            passer = studio.open()
            passer.start(studio.stream(10))
            studio.until(passer, "sent", 2)
            passer.stop()
        studio.until(first, "sent", int(str(began[0])) + 60)
        done = first.report()["sent"], slow.report()["sent"]
        fast, late = (int(str(done[n])) - int(str(began[n])) for n in (0, 1))
        return studio.heard(studio.far[0]), fast / late

    heard, pace = inside(pair, body)
    assert heard == [(heard[0] + n) & 0xFFFF for n in range(len(heard))]
    assert pace == pytest.approx(1.5, rel=0.1)


@pytest.mark.proves("CALL-02")
def test_what_came_before_the_answer_is_not_played_late(
    pair: tuple[Namespace, Namespace], own: None
) -> None:
    def body(studio: Studio) -> dict[str, Any]:
        call, stream = studio.open(), studio.stream()
        for _ in range(200):
            studio.far[-1].sendto(bytes([0x80, 0]) + bytes(170), (HERE, call.port))
        call.start(stream)
        studio.until(call, "sent", 5)
        return dict(call.report())

    told = inside(pair, body)
    assert (told["received"], told["lost"], told["refused"]) == (0, 0, 0)


@pytest.mark.proves("CALL-02")
@pytest.mark.parametrize(("stall", "made_up"), [(0.5, True), (1.5, False)])
def test_a_short_stall_is_made_up_for_and_a_long_one_is_left_out(
    pair: tuple[Namespace, Namespace], own: None, stall: float, made_up: bool
) -> None:
    missed = round(stall / 0.02)

    def body(studio: Studio) -> list[float]:
        """Return, again and again, how many packets came beyond those of the time since."""
        call = studio.open()
        call.start(studio.stream())
        studio.until(call, "sent", 5)
        with studio.engine.lock:  # as if the machine did nothing else for a while
            studio.heard(studio.far[0])
            time.sleep(stall)
            goes_on = time.monotonic()
        count, beyond = 0, [0.0]
        while time.monotonic() < goes_on + LATER or (made_up and beyond[-1] < missed - 8):
            assert time.monotonic() < goes_on + PATIENCE, beyond
            studio.listen(0.02)
            count += len(studio.heard(studio.far[0]))
            beyond.append(count - (time.monotonic() - goes_on) / 0.02)
        return [count, max(beyond)]

    count, beyond = inside(pair, body)
    assert count > 0
    assert beyond <= (missed if made_up else 0) + 8


@pytest.mark.proves("CALL-01")
def test_a_held_call_sends_no_sound_and_goes_on_reporting(
    pair: tuple[Namespace, Namespace], own: None
) -> None:
    def body(studio: Studio) -> tuple[list[int], list[int]]:
        call = studio.open(interval=1)
        call.start(studio.stream(sends=False))
        other = studio.open()
        other.start(studio.stream())
        studio.until(other, "sent", 60)
        silent = studio.heard(studio.far[0])
        call.start(studio.stream())
        studio.until(call, "sent", 3)
        return silent, studio.heard(studio.far[-1])

    silent, heard = inside(pair, body)
    assert silent == []
    assert heard


@pytest.mark.proves("CALL-02")
def test_the_thread_and_the_ports_end_with_the_phone(
    pair: tuple[Namespace, Namespace], own: None
) -> None:
    def body(studio: Studio) -> list[str]:
        call = studio.open()
        call.start(studio.stream())
        studio.until(call, "sent", 1)
        port = call.port
        studio.engine.close()
        for number in (port, port + 1):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind((HERE, number))
        return [thread.name for thread in threading.enumerate()]

    assert "audio" not in inside(pair, body)


@pytest.mark.proves("CALL-02")
def test_a_bug_in_the_audio_of_one_call_ends_that_audio_alone_and_tells_the_call(
    pair: tuple[Namespace, Namespace], own: None
) -> None:
    class Broken:
        def read(self, samples: int) -> bytes:
            raise KeyError(samples)

        def close(self) -> None: ...

    async def body(studio: Studio) -> tuple[str, list[str], bool]:
        told: asyncio.Queue[str] = asyncio.Queue()
        logged: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        logging.getLogger("ringfence.runtime.audio").addHandler(QueueHandler(logged))
        broken, good = studio.open(), studio.open()
        broken.watch(told.put_nowait)
        broken._devices.microphone = Broken()
        good.start(studio.stream())
        broken.start(studio.stream())
        async with asyncio.timeout(PATIENCE):
            reason = await told.get()
        studio.until(good, "sent", int(str(good.report()["sent"])) + 20)
        broken.stop()
        lines = [logged.get_nowait().getMessage() for _ in range(logged.qsize())]
        return reason, lines, told.empty()

    reason, logged, once = inside(pair, lambda studio: asyncio.run(body(studio)))
    assert reason == "the audio ended by an internal error, KeyError"
    assert [line.partition("\n")[0] for line in logged] == ["audio.bug: test"]
    assert once
