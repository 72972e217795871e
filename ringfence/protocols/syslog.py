"""Syslog messages in the form of RFC 3164."""

import enum
from datetime import UTC, datetime

FACILITY = 16
"""local0."""
LIMIT = 1024
"""Bytes of one packet. Source: RFC 3164 section 4.1."""
TAG = "ringfence"

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Severity(enum.IntEnum):
    """Numerical code of a message. Source: RFC 3164 section 4.1.1."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


def build(severity: Severity, wall: float, hostname: str, text: str) -> bytes:
    """Return one packet; `wall` is seconds since the epoch, written in UTC.

    A control character becomes a blank, so that a value inside `text` cannot begin a line of
    its own; a blank in `hostname` a hyphen.
    """
    when = datetime.fromtimestamp(wall, UTC)
    stamp = f"{_MONTHS[when.month - 1]} {when.day:2} {when:%H:%M:%S}"
    named = "-".join(_printable(hostname).split()) or "-"
    line = f"<{FACILITY * 8 + severity}>{stamp} {named} {TAG}: {_printable(text).strip()}"
    return line.encode()[:LIMIT].decode(errors="ignore").encode()


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
