"""Where the value of a parameter was written, for whoever must correct it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ringfence.config.snapshot import Origin, Snapshot

if TYPE_CHECKING:
    from ringfence.config.cfgxml import Document


class Places:
    """The files that were applied since boot, kept to find lines in them when one is asked for.

    A snapshot knows the origin of a value, but not its line: to find the lines of a whole file
    costs more than to read it, and they are wanted only where something went wrong.
    """

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._files: dict[str, Document] = {}
        self.count = 0
        """Files that were applied; whoever keeps what stands in them looks again where it grew."""

    def remember(self, name: str, document: "Document") -> None:
        """Keep the file that was applied last under a name, `the file of Profile_Rule`."""
        self._files.pop(name, None)
        self._files[name] = document
        self.count += 1

    def where(self, tag: str) -> tuple[int, str] | None:
        """Return the line that gave a parameter its value, and its file; None where none did."""
        held = self._snapshot().stored.get(tag)
        if held is None or held.origin is not Origin.PROFILE:
            return None
        for name, document in reversed(self._files.items()):
            entry = document.entries.get(tag)
            if entry is not None and entry.text.strip() == held.text:
                return entry.line, name
        return None

    def describe(self, tag: str) -> str:
        """Return `Proxy_1_ (line 12 of the file of Profile_Rule)`, or `Proxy_1_ (web page)`.

        What is no parameter, as `DHCP option 66`, is returned as it is.
        """
        snapshot = self._snapshot()
        if tag not in snapshot.stored:
            return tag
        if place := self.where(tag):
            line, name = place
            return f"{tag} (line {line} of {name})"
        return f"{tag} ({snapshot.origin(tag).value})"
