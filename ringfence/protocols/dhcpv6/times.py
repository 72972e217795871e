"""Where a DHCPv6 client is, and when it repeats itself. Source: RFC 8415 7.6, 15."""

import enum
from collections.abc import Mapping

from msgspec import Struct

from ringfence.protocols.dhcpv6.message import MessageType


class State(enum.Enum):
    """Where the client is."""

    IDLE = "Idle"
    SOLICITING = "Soliciting"
    REQUESTING = "Requesting"
    CONFIRMING = "Confirming"
    BOUND = "Bound"
    RENEWING = "Renewing"
    REBINDING = "Rebinding"
    DECLINING = "Declining"
    INFORMING = "Informing"
    INFORMED = "Informed"


class Times(Struct, frozen=True):
    """How a message is repeated."""

    kind: MessageType
    first: float
    """IRT, seconds."""
    largest: float = 0.0
    """MRT, seconds; 0 for none."""
    tries: int = 0
    """MRC; 0 for no end."""
    duration: float = 0.0
    """MRD, seconds; 0 for no end."""


TIMES: Mapping[State, Times] = {
    State.SOLICITING: Times(MessageType.SOLICIT, 1, 3600),
    State.REQUESTING: Times(MessageType.REQUEST, 1, 30, tries=10),
    State.CONFIRMING: Times(MessageType.CONFIRM, 1, 4, duration=10),
    State.RENEWING: Times(MessageType.RENEW, 10, 600),
    State.REBINDING: Times(MessageType.REBIND, 10, 600),
    State.DECLINING: Times(MessageType.DECLINE, 1, tries=4),
    State.INFORMING: Times(MessageType.INFORMATION_REQUEST, 1, 3600),
}


def wait(state: State, former: float, largest: float, entropy: bytes) -> float:
    """Return the seconds to the next message, after an interval of `former`, 0 for the first.

    `largest` is MRT, which a server may set, 0 for none; `entropy` are two random bytes.
    """
    spread = int.from_bytes(entropy, "big") / 0xFFFF * 0.2 - 0.1
    if not former and state is State.SOLICITING:
        spread = abs(spread) or 0.1  # advertisements get the whole first second
    next_one = former * (2 + spread) if former else TIMES[state].first * (1 + spread)
    return largest * (1 + spread) if largest and next_one > largest else next_one
