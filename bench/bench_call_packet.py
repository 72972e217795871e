"""A packet of an encrypted call, there and back, over a plain asyncio design in the same run.

Ours is the audio thread of the phone with everything in it: devices, jitter buffer, counters. The
peer is what is written first: a DatagramProtocol for each call and a task that encodes, protects,
sends and sleeps; receiving unprotects and decodes. Both use the same codec and the same libsrtp.
Every call talks to another of the same process; the CPU time of the process is the measure. Both
run by turns, the first one changing, and the median of the ratios counts.

Seen were 0.31 to 0.54, the latter while many other programs took both cores: presumably because
more of our time is Python's, which suffers more from empty caches than the kernel's and timers'.

Exits 1 when the limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import os
import statistics
import struct
import sys
import time
from pathlib import Path

from pylibsrtp import Policy, Session

from ringfence.protocols.rtp.g711 import decode_ulaw, encode_ulaw
from ringfence.protocols.sip.negotiation import Keys, Stream
from ringfence.protocols.sip.sdp import Codec
from ringfence.runtime.audio import AudioEngine
from ringfence.runtime.handset import Handset
from ringfence.runtime.host import Host
from ringfence.runtime.state import Sound

MOST = 0.4
"""CPU time of ours as a share of the peer's."""
ROUNDS, SECONDS = 10, 1.5
CALLS = 8
"""The most that the phone has at once."""
HERE = "127.0.0.1"
SUITE, PROFILE = "AES_CM_128_HMAC_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80
HEADER = struct.Struct("!BBHII")
PTIME = 0.02


def ours() -> float:
    """Return the CPU microseconds of one packet sent and received by the phone's audio thread."""
    engine = AudioEngine(Host(Path()), Sound("tone:440", "null"), Handset(Host(Path())))
    calls = [engine.open(HERE, (20000, 20999), "bench", 0) for _ in range(CALLS)]
    for number, call in enumerate(calls):
        key = [Keys(SUITE, bytes([number ^ way]) * 30) for way in (0, 1)]
        there = calls[number ^ 1].port
        codec = Codec("PCMU", 8000, 0)
        call.start(Stream(codec, 0, HERE, there, True, True, None, None, 20, key[0], key[1]))
        time.sleep(PTIME / CALLS)
    began, first = time.process_time(), received(calls)
    time.sleep(SECONDS)
    spent, packets = time.process_time() - began, received(calls) - first
    engine.close()
    return spent / packets * 1e6


def received(calls: list) -> int:  # type: ignore[type-arg]
    return sum(call.report()["received"] for call in calls)


class Plain(asyncio.DatagramProtocol):
    """One call of the plain design."""

    def __init__(self, number: int) -> None:
        keys = [bytes([number ^ way]) * 30 for way in (0, 1)]
        self.number, self.received = number, 0
        self.protect = Session(Policy(keys[0], Policy.SSRC_ANY_OUTBOUND, 0, PROFILE))
        self.unprotect = Session(Policy(keys[1], Policy.SSRC_ANY_INBOUND, 0, PROFILE))
        self.audio = os.urandom(320)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: object) -> None:
        decode_ulaw(self.unprotect.unprotect(data)[12:])
        self.received += 1

    async def talk(self, there: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.number * PTIME / CALLS)
        due, count = loop.time(), 0
        while True:
            count += 1
            header = HEADER.pack(0x80, 0, count & 0xFFFF, count * 160, self.number)
            packet = self.protect.protect(header + encode_ulaw(self.audio))
            self.transport.sendto(packet, there)  # type: ignore[attr-defined]
            due += PTIME
            await asyncio.sleep(due - loop.time())


async def plain() -> float:
    """Return the CPU microseconds of one packet sent and received by the plain design."""
    loop = asyncio.get_running_loop()
    calls = [Plain(number) for number in range(CALLS)]
    for call in calls:
        await loop.create_datagram_endpoint(lambda call=call: call, local_addr=(HERE, 0))  # type: ignore[misc]
    ports = [call.transport.get_extra_info("sockname") for call in calls]
    tasks = [loop.create_task(call.talk(ports[call.number ^ 1])) for call in calls]
    await asyncio.sleep(PTIME * 2)
    began, first = time.process_time(), sum(call.received for call in calls)
    await asyncio.sleep(SECONDS)
    spent = time.process_time() - began
    packets = sum(call.received for call in calls) - first
    for task in tasks:
        task.cancel()
    for call in calls:
        call.transport.close()
    return spent / packets * 1e6


def main() -> int:
    rounds = []
    for number in range(ROUNDS):
        both = {False: ours, True: lambda: asyncio.run(plain())}
        spent = {which: both[which]() for which in (number % 2 == 1, number % 2 == 0)}
        rounds.append((spent[False], spent[True]))
    ratio = statistics.median(one / other for one, other in rounds)
    own, peer = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"SRTP packet sent and received, {CALLS} calls: {own:.1f} µs of CPU")
    print(f"plain asyncio DatagramProtocol and a sleeping task: {peer:.1f} µs")
    print(f"ratio {ratio:.2f}, at most {MOST}")
    return ratio > MOST


if __name__ == "__main__":
    sys.exit(main())
