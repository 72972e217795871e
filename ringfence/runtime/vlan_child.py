"""The process that is an 802.1Q port: it puts a tag on what the phone sends, and takes it off.

Started by `ringfence.runtime.host_vlan` with an open TAP interface and an open packet socket that
lets in one VLAN; it can read and write both, and do nothing else. Frames carry the header of
virtio before them, which says what their sender has left to hardware.
"""

import os
import select

from ringfence.runtime.confine import confine

_LONGEST = 1 << 17
_TAG_AT = 10 + 12
"""Bytes of the header, and of both addresses."""
_BATCH = 32


def main(parent: str, tap: str, port: str, tag: str) -> None:
    """Carry frames until `parent`, the phone, ends. `tag` is four bytes, hexadecimal."""
    inside, outside, mark = int(tap), int(port), bytes.fromhex(tag)
    poll = select.poll()
    poll.register(inside, select.POLLIN)
    poll.register(outside, select.POLLIN)
    confine(int(parent), "read", "write", "poll", polled=2)
    while True:
        for ready, _ in poll.poll():
            if ready == inside:
                _carry(inside, outside, mark)
            else:
                _carry(outside, inside, b"")


def _carry(source: int, target: int, mark: bytes) -> None:
    """Carry what waits; a frame that the other side does not take is lost, as on a wire."""
    for _ in range(_BATCH):
        try:
            frame = os.read(source, _LONGEST)
        except BlockingIOError:
            return
        except OSError:  # the port was switched off
            continue
        try:
            os.write(target, frame[:_TAG_AT] + mark + frame[_TAG_AT:])
        except OSError:
            continue
