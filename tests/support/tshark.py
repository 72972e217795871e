"""tshark as the judge of what went over a wire."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ringfence.lab.namespaces import Namespace

PATIENCE = 15.0
"""Seconds after which an awaited packet counts as missing."""


def version() -> str:
    """Return the name and version of the installed tshark."""
    text = subprocess.run(["tshark", "-v"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"TShark \(Wireshark\) ([0-9.]+)", text)
    assert found
    return f"tshark {found[1].rstrip('.')}"


@contextlib.contextmanager
def captured(space: Namespace, interface: str, path: Path) -> Iterator[None]:
    """Capture everything on an interface into a file, from the first line on."""
    words = ("dumpcap", "-q", "-i", interface, "-w", str(path))
    process = space.popen(*words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        while not (line := process.stderr.readline()).startswith("File:"):
            assert line, "dumpcap ended"
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def fields(path: Path, wanted: str, *names: str) -> list[tuple[str, ...]]:
    """Return the fields of every packet that a display filter wants; several values by commas."""
    options = [word for name in names for word in ("-e", name)]
    words = ("tshark", "-r", str(path), "-Y", wanted, "-T", "fields", *options)
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [tuple(line.split("\t")) for line in listed.splitlines()]


class Capture:
    """tshark in a namespace: one line of text for each packet as it comes, fields between tabs."""

    def __init__(self, space: Namespace, kernel_filter: str, *fields: str) -> None:
        words = [word for field in fields for word in ("-e", field)]
        self.process = space.popen(
            *("tshark", "-i", "eth0", "-l", "-f", kernel_filter, "-T", "fields", *words),
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
