"""Changes that are undone unless somebody confirms them in time.

What a parameter had before is kept with the changed value, in one generation of the store: no
power cut lies between a change and its way back.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.parameter import Effect
from ringfence.config.settings import slots
from ringfence.config.snapshot import Snapshot, Stored

INTENT = "unconfirmed"
"""Name under which the store keeps it."""


class Unconfirmed(Struct, frozen=True):
    """The way back from changes that nobody has confirmed yet."""

    within: float
    """Seconds that a confirmation may take."""
    before: Mapping[str, Stored | None]
    """`{tag: what was stored of it}`; None where the parameter had its default."""
    boot: str = ""
    """Which start of the machine counts the time; empty where nobody knows."""
    until: float | None = None
    """Monotonic seconds of that start at which the changes are undone; None while they are not
    in force: their time begins when the phone starts with them."""

    def is_over(self, boot: str, now: float) -> bool:
        """Return whether the changes must be undone: time is up, or nobody counted it."""
        if self.until is None:
            return False
        return not boot or boot != self.boot or now >= self.until

    def counted(self, boot: str, now: float) -> "Unconfirmed":
        """Return the same with its time begun."""
        return replace(self, boot=boot, until=now + self.within)


def begin(
    held: Unconfirmed | None, before: Snapshot, after: Snapshot, within: float
) -> Unconfirmed | None:
    """Return the way back from `after`, beyond changes that are `held` already.

    One confirmation and one time hold for all of them, and that time has yet to begin. None where
    nothing changed.
    """
    old, new = before.stored, after.stored
    changed = {tag: old.get(tag) for tag in {**old, **new} if old.get(tag) != new.get(tag)}
    way = {**changed, **(held.before if held else {})}
    return Unconfirmed(within, way) if way else None


def takes_effect(held: Unconfirmed) -> bool:
    """Return whether the changes are in force before a reboot: what may cut off, where any may."""
    rows = [slots()[tag].row for tag in held.before]
    decisive = [row for row in rows if row.cuts_off] or rows
    return any(row.effect is not Effect.REBOOT for row in decisive)


def spare(held: Unconfirmed | None, tags: Iterable[str]) -> Unconfirmed | None:
    """Return what is left to undo once somebody else has set some of the parameters for good."""
    if held is None:
        return None
    set_since = frozenset(tags)
    way = {tag: one for tag, one in held.before.items() if tag not in set_since}
    return replace(held, before=way) if way else None


def undone(stored: Mapping[str, Stored], held: Unconfirmed) -> Mapping[str, Stored]:
    """Return what is stored once the changes are undone."""
    kept = {tag: one for tag, one in stored.items() if tag not in held.before}
    return kept | {tag: one for tag, one in held.before.items() if one is not None}


def encode(held: Unconfirmed) -> str:
    """Return the text that the store keeps."""
    return msgspec.json.encode(held).decode()


def decode(text: str | None) -> Unconfirmed | None:
    """Return what the store kept; None where it kept nothing.

    Raises:
        ValueError: the text is none of ours.

    """
    return None if text is None else msgspec.json.decode(text, type=Unconfirmed)
