"""A phone that upgrades, and what it says of that."""

from pathlib import Path
from typing import Any

from ringfence.runtime.control import ask
from tests.support.phone import RunningPhone

OWN = {
    "Resync_On_Reset": "No",
    "Resync_Error_Retry_Delay": "0",
    "Upgrade_Error_Retry_Delay": "0",
}
HANGS = {
    "ringfence/cli/phone_process.py": """\
import os, time
def boot(*words, **more):
    os.write(2, b"the image hangs\\n")
    time.sleep(600)
"""
}
"""An image that starts and does nothing."""
ENDS = {"ringfence/cli/phone_process.py": "import os\n\nos._exit(3)\n"}


def upgrade(phone: RunningPhone, rule: str = "", kind: str = "") -> dict[str, Any]:
    """Ask for an upgrade and return how it came out."""
    words = {key: text for key, text in (("rule", rule), ("kind", kind)) if text}
    answer = ask(phone.state, {"verb": "command", "name": "upgrade", "arguments": words})
    assert answer is not None
    return answer


def rows(phone: RunningPhone, name: str = "upgrade") -> list[tuple[str, str]]:
    """Return a section of the status."""
    return [tuple(row) for row in phone.status()["features"][name]["rows"]]


def row(phone: RunningPhone, label: str, name: str = "upgrade") -> str:
    """Return one row of the status, empty where it has none."""
    return dict(rows(phone, name)).get(label, "")


def started(phone: RunningPhone) -> str:
    """Return the file of the image that runs; empty for the installed phone."""
    (child,) = phone.children()
    words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    return next((Path(word.decode()).name for word in words if word.endswith(b".pyz")), "")
