"""What the kernel tells of a process."""

import re
from pathlib import Path


def resident(pid: int) -> int:
    """Return the kilobytes of memory that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
