"""A time server among liars: `python -m tests.support.time_liar ADDRESS`.

It answers each question with what somebody sends who does not see the question, or sees it and
breaks a rule, and at last with the truth and five seconds.
"""

import os
import socket
import struct
import sys
import time
from collections.abc import Iterator


def lie(question: bytes) -> Iterator[bytes]:
    """Yield what somebody sends who does not see the question, or sees it and lies, then truth."""
    now = int(time.time()) + 2208988800
    far, past = (now + 50_000_000) << 32, 3_700_000_000 << 32
    cookie, wrong = question[40:48], os.urandom(8)

    def made(first: int, stratum: int, origin: bytes, at: int) -> bytes:
        return struct.pack("!BBbbIII", first, stratum, 6, -20, 0, 0, 0) + struct.pack(
            "!Q8sQQ", at, origin, at, at
        )

    yield made(0x24, 1, wrong, far)
    yield made(0x24, 1, bytes(8), far)
    yield made(0x24, 0, wrong, far)
    yield made(0x23, 1, cookie, far)
    yield made(0xE4, 1, cookie, far)
    yield made(0x24, 1, cookie, past)
    yield b""
    yield os.urandom(48)
    yield made(0x24, 2, cookie, (now + 5) << 32)


def main(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 123))
        print("ready", flush=True)
        while True:
            question, asker = server.recvfrom(100)
            for answer in lie(question):
                server.sendto(answer, asker)


if __name__ == "__main__":
    main(*sys.argv[1:])
