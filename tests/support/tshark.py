"""tshark as the judge of what went over a wire."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from ringfence.lab.namespaces import Namespace
from tests.support.office import Raw

PATIENCE = 30.0
"""Seconds after which an awaited packet counts as missing."""

LAST_WORDS = b"the end of the capture"
NOBODY, EXPERIMENTAL = bytes.fromhex("02005e000001"), bytes.fromhex("88b5")
"""Who gets the frame that has them, of the EtherType for experiments (IEEE 802)."""


def version() -> str:
    """Return the name and version of the installed tshark."""
    text = subprocess.run(["tshark", "-v"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"TShark \(Wireshark\) ([0-9.]+)", text)
    assert found
    return f"tshark {found[1].rstrip('.')}"


@contextlib.contextmanager
def captured(space: Namespace, interface: str, path: Path) -> Iterator[None]:
    """Capture everything on an interface into a file, from the first line to the last.

    A frame of our own marks the end: the kernel hands packets over in blocks, and what a
    dumpcap that is told to stop has not been handed yet is lost.
    """
    words = ("dumpcap", "-q", "-i", interface, "-w", "-")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    came = threading.Event()
    with (
        space.popen(*words, stdin=subprocess.DEVNULL, bufsize=0, **pipes) as process,
        ThreadPoolExecutor(1) as thread,
    ):
        assert process.stdout
        assert process.stderr
        thread.submit(_written, process.stdout, path, came)
        try:
            while not (line := process.stderr.readline()).startswith(b"File:"):
                assert line, "dumpcap ended"
            yield
            _end(space, "lo" if interface == "any" else interface)
            assert came.wait(PATIENCE), "the capture has no end"
        finally:
            process.send_signal(signal.SIGINT)


def _end(space: Namespace, interface: str) -> None:
    """Send the last frame, from the interface's own address: whoever hears it knows that one."""
    own = space.run("cat", f"/sys/class/net/{interface}/address").stdout.strip()
    wire = Raw(space, interface)
    wire.send(NOBODY + bytes.fromhex(own.replace(":", "")) + EXPERIMENTAL + LAST_WORDS)
    wire.close()


def _written(pipe: IO[bytes], path: Path, came: threading.Event) -> None:
    """Write a capture into a file, and tell when the frame that ends it came."""
    seen = b""
    with path.open("wb") as file:
        while more := pipe.read(65536):
            file.write(more)
            seen = seen[-len(LAST_WORDS) :] + more
            if LAST_WORDS in seen:
                came.set()


def fields(
    path: Path, wanted: str, *names: str, decoded: Sequence[str] = ()
) -> list[tuple[str, ...]]:
    """Return the fields of every packet that a display filter wants; several values by commas.

    `decoded` says what is spoken at odd ports, `tcp.port==10000,tls`.
    """
    options = [word for name in names for word in ("-e", name)]
    options += [word for rule in decoded for word in ("-d", rule)]
    words = ("tshark", "-r", str(path), "-Y", wanted, "-T", "fields", *options)
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [tuple(line.split("\t")) for line in listed.splitlines()]


class Capture:
    """tshark in a namespace: one line of text for each packet as it comes, fields between tabs."""

    def __init__(
        self, space: Namespace, kernel_filter: str, *fields: str, interface: str = "eth0"
    ) -> None:
        words = [word for field in fields for word in ("-e", field)]
        self.process = space.popen(
            *("tshark", "-i", interface, "-l", "-f", kernel_filter, "-T", "fields", *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._until(self.process.stderr, b"Capturing")

    def wait_for(self, text: str) -> list[str]:
        """Return the lines up to a packet that reads like this, and those that came with it."""
        return self._until(self.process.stdout, text.encode()).decode().splitlines()

    @staticmethod
    def _until(pipe: IO[bytes] | None, text: bytes) -> bytes:
        assert pipe
        seen, end = b"", time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while text not in seen:
                ready = selector.select(max(end - time.monotonic(), 0))
                more = os.read(pipe.fileno(), 65536) if ready else b""
                assert more, f"no such packet, but: {seen.decode(errors='replace')}"
                seen += more
        return seen

    def stop(self) -> None:
        """End it, and dumpcap with it, which it would leave behind if it were killed."""
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)
