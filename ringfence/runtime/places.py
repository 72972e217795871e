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

    def remember(self, name: str, document: "Document") -> None:
        """Keep the file that was applied last under a name, `the file of Profile_Rule`."""
        self._files.pop(name, None)
        self._files[name] = document

    def describe(self, tag: str) -> str:
        """Return `Proxy_1_ (line 12 of the file of Profile_Rule)`, or `Proxy_1_ (web page)`.

        What is no parameter, as `DHCP option 66`, is returned as it is.
        """
        snapshot = self._snapshot()
        held = snapshot.stored.get(tag)
        if held is None:
            return tag
        if held.origin is Origin.PROFILE:
            for name, document in reversed(self._files.items()):
                entry = document.entries.get(tag)
                if entry is not None and entry.text.strip() == held.text:
                    return f"{tag} (line {entry.line} of {name})"
        return f"{tag} ({snapshot.origin(tag).value})"
