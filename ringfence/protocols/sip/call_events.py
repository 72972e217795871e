"""Where a call stands, and what happens in it."""

import enum

from msgspec import Struct

from ringfence.protocols.sip.transfer import Referral


class State(enum.Enum):
    """Where a call stands."""

    CALLING = "calling"
    """Our INVITE has no final response."""
    INCOMING = "incoming"
    """Their INVITE has none of ours."""
    ESTABLISHED = "established"
    ENDED = "ended"


class Ringing(Struct, frozen=True):
    """The other side is alerted, or sends early media described by `body`."""

    status: int
    body: bytes


class Answered(Struct, frozen=True):
    """Our offer was answered; the call is established."""

    body: bytes


class Offered(Struct, frozen=True):
    """An offer waits for `answer` or `refuse`; an empty body asks for an offer of ours."""

    body: bytes


class OfferRefused(Struct, frozen=True):
    """Our re-INVITE was refused; what was agreed before still holds."""

    status: int


class RefreshDue(Struct, frozen=True):
    """The session must be refreshed by `reoffer`: the other side knows no UPDATE."""


class KeyPressed(Struct, frozen=True):
    """The other side pressed a key, and told so by INFO."""

    key: str


class KeysLost(Struct, frozen=True):
    """The other side does not take key presses by INFO."""

    count: int
    """How many it did not get."""
    status: int


class Referred(Struct, frozen=True):
    """The other side wants us to call somebody else; `accept` or `decline` answers it."""

    referral: Referral


class Transferred(Struct, frozen=True):
    """What became of a transfer of ours: the final status of the call that it made, 0 for none."""

    status: int
    reason: str


class Ended(Struct, frozen=True):
    """The call is over."""

    status: int
    """The final response that ended it; 200 for a BYE, 0 where nobody answered."""
    reason: str
    unreached: bool = False
    """Our INVITE was taken by nobody (RFC 3263 section 4.3): another server may take it."""
    moved: bytes = b""
    """SIP URI where it may be taken (RFC 3261 section 8.1.3.4); empty for none."""


Event = (
    Ringing
    | Answered
    | Offered
    | OfferRefused
    | RefreshDue
    | KeyPressed
    | KeysLost
    | Referred
    | Transferred
    | Ended
)
