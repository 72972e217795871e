"""What the kernel says of a running phone: its process, memory, user and privileges."""

from collections.abc import Mapping
from pathlib import Path


def phone_of(keeper: int) -> int:
    """Return the process id of the phone itself, the keeper's only child.

    Raises:
        ProcessLookupError: it is between two lives.

    """
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    if not children:
        raise ProcessLookupError(keeper)
    return int(children[0])


def status(pid: int) -> Mapping[str, str]:
    """Return /proc/PID/status as the kernel writes it. Source: proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: text.strip() for name, _, text in pairs}


def capabilities(pid: int) -> tuple[int, ...]:
    """Return what the kernel lets a process do, by number."""
    held = int(status(pid)["CapEff"], 16)
    return tuple(bit for bit in range(64) if held >> bit & 1)


def memory(pid: int) -> int:
    """Return the resident memory in KiB."""
    return int(status(pid)["VmRSS"].split()[0])
