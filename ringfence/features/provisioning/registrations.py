"""For how long lines 1 and 2 have been without their registrar: the macros REGTMR1 and REGTMR2.

Source: phone-facts 2.6.
"""

from collections.abc import Iterable, Mapping

LINES = (1, 2)


class Registrations:
    """Remembers when a line was seen without registration for the first time."""

    def __init__(self) -> None:
        self._lost: dict[int, float] = {}

    def see(self, lines: Iterable[Mapping[str, object]], now: float) -> None:
        """Look at what the lines tell of themselves; one that wants no registrar lost none."""
        held = {line["n"]: bool(line["registered"]) or not line["used"] for line in lines}
        for n in LINES:
            if held.get(n, True):
                self._lost.pop(n, None)
            else:
                self._lost.setdefault(n, now)

    def values(self, now: float) -> Mapping[str, str]:
        """Return the macros; 0 for a line that is registered, at least 1 for one that is not."""
        lost = {n: max(1, int(now - self._lost[n])) if n in self._lost else 0 for n in LINES}
        return {f"REGTMR{n}": str(seconds) for n, seconds in lost.items()}
