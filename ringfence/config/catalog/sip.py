"""Voice > Sip."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sip:
    """Parameters of the Sip tab."""
