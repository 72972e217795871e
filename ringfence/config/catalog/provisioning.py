"""Voice > Provisioning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioning:
    """Parameters of the Provisioning tab."""
