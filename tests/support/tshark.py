"""tshark as the judge of what went over a wire."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ringfence.lab.namespaces import Namespace


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
