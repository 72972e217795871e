"""What a cfg.xml says of one parameter."""

from typing import NamedTuple

from ringfence.config.parameter import Access


class Entry(NamedTuple):
    """The value of one parameter in a document."""

    text: str
    access: Access | None
    line: int
    column: int

    def __repr__(self) -> str:
        """Return the position only, because the text may be a secret."""
        return f"Entry({self.line}:{self.column})"
