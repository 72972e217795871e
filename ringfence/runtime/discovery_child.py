"""The process that reads CDP and LLDP: frames of anybody come in, small values go out.

Started by `ringfence.runtime.discovery_reader` with an open packet socket; it can read that, write
to its standard output, and wait.
"""

import os
import socket
import time
from collections.abc import Iterator

import msgspec

from ringfence.protocols.discovery import BATCH, hear
from ringfence.protocols.neighbour import LARGEST_FRAME
from ringfence.runtime.confine import confine

REST = 0.02
"""Seconds after `BATCH` frames: a flood costs calls nothing."""


def main(parent: str, handle: str, own: str, *protocols: str) -> None:
    """Read until the phone ends.

    `parent` started this process, `handle` is the descriptor of the socket, `own` the phone's
    hardware address.
    """
    frames = socket.socket(fileno=int(handle))
    encode = msgspec.json.encode
    confine(int(parent), "read", "write", "recvfrom", "sleep")
    while True:
        heard = hear(_waiting(frames), bytes.fromhex(own), protocols)
        data = encode(heard) + b"\n"
        while data:
            data = data[os.write(1, data) :]


def _waiting(frames: socket.socket) -> Iterator[bytes]:
    """Yield the frames that wait, after the first has come."""
    try:
        yield frames.recv(LARGEST_FRAME + 1)
        for _ in range(BATCH - 1):
            yield frames.recv(LARGEST_FRAME + 1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return
    except OSError:  # the port is off; the phone sees that, too
        pass
    time.sleep(REST)
