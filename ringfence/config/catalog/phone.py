"""Voice > Phone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """Parameters of the Phone tab."""
