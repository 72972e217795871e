"""A trace: what goes over the phone's interface, in a file that holds the keys to read it.

Nothing of the configuration can ask for one; whoever starts the phone does. While it runs, the
phone says so wherever it shows itself.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from ringfence import __version__
from ringfence.errors import ComponentError
from ringfence.protocols import pcapng
from ringfence.runtime.host_capture import LONGEST, Capture
from ringfence.runtime.host_trace import KeyLog, TraceFile
from ringfence.runtime.state import Health, Status

logger = logging.getLogger(__name__)

LIMIT = 64 << 20
"""Bytes of a file; then the trace ends."""
BATCH = 64
"""Frames that are written before others have their turn."""
ROOM, SPARE = 64 << 10, 16 << 10
"""Bytes that are set aside for keys, and how many of them must be left: a connection whose first
packets are written already finds room before them."""
REST = 1.0
"""Most seconds until keys reach the file."""
END = 1 << 10
"""Bytes kept for the block that ends a file."""


def banner(name: str | Path) -> str:
    """Return what people must see who start a trace."""
    stars = "*" * 78
    return (
        f"{stars}\n"
        f"TRACE: the keys of every TLS connection of this phone are being written to\n"
        f"  {name}\n"
        "Whoever has this file reads passwords, profiles, signalling and the keys of calls.\n"
        "Keep it to yourself, and delete it when you are done.\n"
        f"{stars}"
    )


class Trace:
    """The trace of one life of the phone."""

    def __init__(self, wall: Callable[[], float], file: TraceFile, interface: str) -> None:
        """Begin to capture; what comes before `start` waits in the kernel.

        `wall` returns the seconds since the epoch.

        Raises:
            ComponentError: no such interface, or not allowed.

        """
        self.ended = ""
        """Why nothing is written any more; empty while it is."""
        self._wall = wall
        self._file = file
        self._interface = interface
        self._capture = Capture(interface)
        self._keys = KeyLog()
        self._packets = self._lines = 0
        self._rooms: list[tuple[int, int]] = []
        """Place and size of what is left for keys."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def key_log(self) -> str:
        """Path that the TLS library must leave its keys at."""
        return self._keys.path

    def start(self) -> None:
        """Write from now on, in the running loop."""
        logger.warning("trace.keys: TLS keys of this phone are written to %s", self._file.name)
        asyncio.get_running_loop().add_reader(self._capture, self._read)
        self._file.trim()
        head = pcapng.section(f"Ringfence {__version__}")
        self._write(head + pcapng.interface(self._interface, LONGEST))
        self._set_aside(ROOM)
        self._rest()

    def close(self) -> None:
        """Write what waits, and end the file."""
        if self._timer:
            self._timer.cancel()
        while not self.ended and self._read():
            pass
        self._end("the phone stopped")

    def heads(self, most: int) -> bytes:
        """Return who spoke with whom and when: no keys, and nothing that was said.

        At most so many bytes, the newest packets; may take a second.

        Raises:
            ComponentError: the file cannot be read.

        """
        try:
            return pcapng.heads(self._file.read(), most)
        except ValueError as error:
            raise ComponentError(f"trace {self._file.name}", str(error)) from error

    def status(self) -> Status:
        """Return the warning that this trace is."""
        name, size = self._file.name, self._file.size
        text = f"TLS keys of this phone are written to {name}: whoever has it reads everything"
        if self.ended:
            text = f"ended, {self.ended}; {name} holds TLS keys of this phone"
        rows = (("TRACE", text), ("Packets", str(self._packets)), ("Bytes", f"{size} of {LIMIT}"))
        data = {
            "file": name,
            "bytes": size,
            "limit": LIMIT,
            "packets": self._packets,
            "keys": self._lines,
            "ended": self.ended,
        }
        health = Health.DISABLED if self.ended else Health.RUNNING
        return Status(health, rows, data, "Trace")

    def _rest(self) -> None:
        """Take keys now and then, also where no frame comes with them."""
        self._take_keys()
        self._timer = asyncio.get_running_loop().call_later(REST, self._rest)

    def _read(self) -> int:
        """Write the frames that wait; return how many they were."""
        self._take_keys()
        blocks = []
        for _ in range(BATCH):
            frame = self._capture.receive()
            if frame is None:
                break
            direction = pcapng.OUTBOUND if frame.outgoing else pcapng.INBOUND
            blocks.append(pcapng.packet(frame.data, frame.nanoseconds, direction))
        self._write(b"".join(blocks))
        self._packets += len(blocks)
        return len(blocks)

    def _take_keys(self) -> None:
        lines = self._keys.take()
        if not lines or self.ended:
            return
        if all(left < len(lines) for _, left in self._rooms):
            self._set_aside(len(lines) + ROOM)
        place = next((n for n, room in enumerate(self._rooms) if room[1] >= len(lines)), None)
        if place is None:  # the file is full
            return
        at, left = self._rooms[place]
        self._guard(lines, at)
        self._lines += lines.count(b"\n")
        self._rooms[place] = (at + len(lines), left - len(lines))
        if self._rooms[-1][1] < SPARE:
            self._set_aside(ROOM)

    def _set_aside(self, size: int) -> None:
        """Make room for keys, ahead of the packets that follow."""
        at = self._file.size + pcapng.SECRETS_HEAD
        self._write(pcapng.secrets(size))
        if not self.ended:
            self._rooms = [*self._rooms[-1:], (at, size)]

    def _write(self, blocks: bytes) -> None:
        if self._file.size + len(blocks) > LIMIT - END:
            self._end(f"the file has its {LIMIT >> 20} MiB")
        elif blocks and not self.ended:
            self._guard(blocks)

    def _guard(self, data: bytes, at: int | None = None) -> None:
        """Write at a place, or at the end; a disk that refuses ends the trace, not the phone."""
        try:
            if at is None:
                self._file.append(data)
            else:
                self._file.overwrite(at, data)
        except ComponentError as error:
            self._end(error.detail)

    def _end(self, reason: str) -> None:
        """Capture no more, and say why in the file and in the log."""
        if self.ended:
            return
        self.ended = reason
        asyncio.get_running_loop().remove_reader(self._capture)
        dropped = self._capture.dropped()
        self._capture.close()
        logger.warning("trace.ended: %s: %s; keep it to yourself", self._file.name, reason)
        now = int(self._wall() * 1e9)
        last = pcapng.statistics(now, self._packets + dropped, dropped, reason)
        try:
            self._file.trim()
            self._file.append(last)
        except ComponentError as error:
            logger.warning("trace.incomplete: %s", error)
            self._file.trim()
