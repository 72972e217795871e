"""What openconnect runs when the tunnel comes and goes: one line of JSON, and nothing else.

What the server said stands in the environment alone and reaches no shell; the
phone judges it. Source: vpnc-script of openconnect.
"""

import json
import os

NAMES = (
    "INTERNAL_IP4_ADDRESS",
    "INTERNAL_IP4_NETMASK",
    "INTERNAL_IP4_MTU",
    "INTERNAL_IP4_DNS",
    "INTERNAL_IP6_ADDRESS",
    "INTERNAL_IP6_NETMASK",
    "INTERNAL_IP6_DNS",
)
LONGEST = 256
"""Characters of each that are told; with all of them a line fits into one write to a pipe."""


def main(reports: str) -> None:
    """Write the line; `reports` is the descriptor for it."""
    told = {name: os.environ[name][: LONGEST + 1] for name in NAMES if name in os.environ}
    reason = os.environ.get("reason", "")  # noqa: SIM112 - openconnect writes it so
    line = json.dumps({"reason": reason[:32], **told})
    os.write(int(reports), line.encode() + b"\n")
