"""Voice > Tr069."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tr069:
    """Parameters of the Tr069 tab."""
