"""How the last attempt to get something from a server came out, kept over a restart."""

import logging

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.runtime.host import Host
from ringfence.runtime.state import stamp

logger = logging.getLogger(__name__)


class Attempt(Struct, frozen=True):
    """How one attempt came out."""

    at: float = 0.0
    """Seconds since the epoch; 0 where there was none."""
    url: str = ""
    reason: str = ""
    """Why it failed; empty where it did not."""

    def words(self, what: str) -> str:
        """Return it as the status page of the field's phones has it (phone-facts 1.7)."""
        return f"Last {what} {'failed' if self.reason else 'succeeded'} on {stamp(self.at)}"


def recorded(host: Host, file: str) -> Attempt:
    """Return the last attempt before this boot; one that cannot be read counts as none."""
    if not host.names(file):
        return Attempt()
    try:
        return msgspec.json.decode(host.read(file), type=Attempt)
    except (ComponentError, msgspec.MsgspecError):
        return Attempt()


def record(host: Host, file: str, attempt: Attempt) -> None:
    """Keep an attempt; a disk that refuses is logged."""
    try:
        host.write(file, msgspec.json.encode(attempt))
    except ComponentError as error:
        logger.warning("attempt.not_noted: %s: %s", file, error)
