"""The immutable snapshot of every parameter, and the one way to build it from text."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.ext import Ext
from ringfence.config.catalog.phone import Phone
from ringfence.config.catalog.provisioning import Provisioning
from ringfence.config.catalog.regional import Regional
from ringfence.config.catalog.sip import Sip
from ringfence.config.catalog.system import System
from ringfence.config.catalog.tr069 import Tr069
from ringfence.config.catalog.user import User
from ringfence.config.parameter import Effect, Param, Tab
from ringfence.errors import ConfigError
from ringfence.messages import _

LINES = 16
"""Extensions of the largest model. Source: phone-facts 1.1."""


class Settings(Struct, frozen=True):
    """One value for every parameter; `settings.system.firewall` is Voice > System > Firewall.

    `settings.ext[0]` is Ext(1). A changed snapshot shares every tab that did not change.
    """

    system: System = System()
    sip: Sip = Sip()
    provisioning: Provisioning = Provisioning()
    regional: Regional = Regional()
    phone: Phone = Phone()
    user: User = User()
    ext: tuple[Ext, ...] = (Ext(),) * LINES
    tr069: Tr069 = Tr069()


TABS: Mapping[str, type[Tab]] = {
    "system": System,
    "sip": Sip,
    "provisioning": Provisioning,
    "regional": Regional,
    "phone": Phone,
    "user": User,
    "ext": Ext,
    "tr069": Tr069,
}
"""`{field of Settings: its tab}`, in page order."""

ROWS: Mapping[str, Mapping[str, Param]] = {tab: kind.rows for tab, kind in TABS.items()}
"""`{tab: {field: row}}`, the whole catalogue in page order."""


class Slot(NamedTuple):
    """Where the value of one cfg.xml tag lives in `Settings`."""

    tab: str
    name: str
    n: int
    """Extension from 1; 0 outside Ext(n)."""
    row: Param


@cache
def slots() -> Mapping[str, Slot]:
    """Return `{canonical tag: slot}` for every parameter of every extension, in page order."""
    found: dict[str, Slot] = {}
    for tab, tab_rows in ROWS.items():
        for n in range(1, LINES + 1) if tab == "ext" else (0,):
            for name, row in tab_rows.items():
                found[row.tag.replace("{n}", str(n))] = Slot(tab, name, n, row)
    return found


@cache
def aliases() -> Mapping[str, str]:
    """Return `{other spelling: canonical tag}`."""
    return {
        alias.replace("{n}", str(slot.n)): tag
        for tag, slot in slots().items()
        for alias in slot.row.aliases
    }


def canonical(tag: str) -> str | None:
    """Return the catalogue's spelling of a tag or an alias; None where it knows neither."""
    return tag if tag in slots() else aliases().get(tag)


def value(settings: Settings, slot: Slot) -> Any:
    """Return the value that `settings` holds for a slot."""
    tab = settings.ext[slot.n - 1] if slot.n else getattr(settings, slot.tab)
    return getattr(tab, slot.name)


def encode(settings: Settings, tag: str) -> str:
    """Return the canonical text of a parameter; a secret comes in clear, so mind where it goes.

    Raises:
        KeyError: no parameter has this tag.

    """
    slot = slots()[tag]
    return slot.row.codec.encode(value(settings, slot))


def decode(texts: Mapping[str, str], base: Settings) -> tuple[Settings, list[ConfigError]]:
    """Return `base` changed by every canonical tag in `texts`, and the values that were refused.

    A refused value keeps what `base` has and never spoils its neighbours. Unknown tags are
    the reader's business and are passed over. Source: rulings 1.
    """
    errors: list[ConfigError] = []
    known = slots()
    given: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for tag, text in texts.items():
        if (slot := known.get(tag)) is None:
            continue
        tab, name, n, row = slot
        try:
            decoded = row.codec.decode(text.strip())
        except ValueError as error:
            allowed = _("allowed: {allowed}", allowed=row.codec.describe())
            errors.append(ConfigError(tag, error.args[0], allowed))
            continue
        given[tab, n][name] = decoded
    return _with(base, given), errors


def _with(base: Settings, given: Mapping[tuple[str, int], Mapping[str, Any]]) -> Settings:
    """Return `base` with other values; it keeps every tab that has these already."""
    tabs: dict[str, Any] = {}
    ext = list(base.ext)
    for (tab, n), values in given.items():
        old = ext[n - 1] if n else getattr(base, tab)
        new = replace(old, **values)
        if new == old:
            continue
        if n:
            ext[n - 1] = new
            tabs["ext"] = ext
        else:
            tabs[tab] = new
    if "ext" in tabs:
        tabs["ext"] = tuple(ext)
    return replace(base, **tabs) if tabs else base


def changed(old: Settings, new: Settings) -> Iterator[str]:
    """Yield the tag of every parameter that differs, in page order."""
    for tag, slot in slots().items():
        before = old.ext[slot.n - 1] if slot.n else getattr(old, slot.tab)
        after = new.ext[slot.n - 1] if slot.n else getattr(new, slot.tab)
        if before is not after and getattr(before, slot.name) != getattr(after, slot.name):
            yield tag


def effective(stored: Settings, booted: Settings) -> Settings:
    """Return `stored` with every parameter that needs a reboot still as it was at boot.

    Source: phone-facts 1.8; `Effect`.
    """
    if stored is booted:  # as it is until something is stored
        return stored
    known = slots()
    changes: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for tag in changed(stored, booted):
        slot = known[tag]
        if slot.row.effect is Effect.REBOOT:
            changes[slot.tab, slot.n][slot.name] = value(booted, slot)
    return _with(stored, changes)


def virgin(firmware: str = "11.3") -> Settings:
    """Return the factory defaults of a firmware profile, 11.3 or 12.0.

    Source: phone-facts 0, release drift.
    """
    base = Settings()
    if firmware == "11.3":
        return base
    newer = {
        (tab, 0): {
            name: row.newer_default
            for name, row in tab_rows.items()
            if row.newer_default != row.default
        }
        for tab, tab_rows in ROWS.items()
        if tab != "ext"
    }
    return _with(base, {place: values for place, values in newer.items() if values})
