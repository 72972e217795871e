"""What is stored of the settings, with origin and access, and how a submission changes it."""

import enum
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config import wholes
from ringfence.config.catalog.values import EmptyMeans as EmptyMeans
from ringfence.config.parameter import Access
from ringfence.config.settings import Settings, decode, encode, slots
from ringfence.errors import ConfigError

_MASK = "***"


class Origin(enum.Enum):
    """Who gave a parameter its present value."""

    DEFAULT = "default"
    DHCP = "DHCP"
    PROFILE = "profile"
    PAGE = "web page"
    SCREEN = "phone screen"
    ACS = "ACS"
    ACTIVATION = "activation server"
    COMMAND = "command line"


class Stored(Struct, frozen=True, gc=False):
    """One parameter as it was received; the text may be a secret, so `repr` leaves it out."""

    text: str
    """For the origin DEFAULT only the access counts, and the value is the default."""
    origin: Origin
    access: Access | None = None
    """The `ua` that the last profile gave; None keeps the catalogue's."""

    def __repr__(self) -> str:
        """Leave out the text."""
        return f"Stored({self.origin}, {self.access})"


class Change(Struct, frozen=True, gc=False):
    """One parameter of a submission; `text` None changes only the access."""

    text: str | None
    access: Access | None = None

    def __repr__(self) -> str:
        """Leave out the text."""
        return f"Change({self.access})"


class Snapshot(Struct, frozen=True):
    """All values, and where each that is not a default came from."""

    settings: Settings
    stored: Mapping[str, Stored] = {}
    """`{canonical tag: what was received}`, only what differs from a virgin phone."""

    def origin(self, tag: str) -> Origin:
        """Return who set a parameter."""
        held = self.stored.get(tag)
        return held.origin if held else Origin.DEFAULT

    def access(self, tag: str) -> Access:
        """Return the present `ua` of a parameter."""
        held = self.stored.get(tag)
        return held.access if held and held.access else slots()[tag].row.access


def submit(
    snapshot: Snapshot, changes: Mapping[str, Change], origin: Origin
) -> tuple[Snapshot, list[ConfigError]]:
    """Return the snapshot with every acceptable change, and the refusals.

    The one write path: cfg.xml, page, screen, command line and ACS all come here. Only what
    differs from what is stored is decoded. Whether one refusal spoils the submission is the
    caller's choice (rulings 1: for a profile no, for the page yes).
    """
    known, held_by = slots(), snapshot.stored
    errors: list[ConfigError] = []
    texts: dict[str, str] = {}
    for tag, change in changes.items():
        if tag not in known:
            errors.append(
                ConfigError(tag, "no parameter has this tag", "see `ringfence parameters`")
            )
        elif change.text is not None:
            text, held = change.text.strip(), held_by.get(tag)
            if held is None or held.text != text or held.origin is Origin.DEFAULT:
                texts[tag] = text
    settings, refused = _taken(texts, snapshot.settings)
    stored = {**held_by, **_received(texts, changes, held_by, origin)}
    for tag, change in changes.items():
        if tag not in texts and tag in known and change.access is not None:
            one = stored.get(tag) or Stored(encode(settings, tag), Origin.DEFAULT)
            if one.access is not change.access:
                stored[tag] = replace(one, access=change.access)
    if not texts and stored == held_by:
        return snapshot, errors + refused
    return Snapshot(settings, stored), errors + refused


def _taken(texts: dict[str, str], base: Settings) -> tuple[Settings, list[ConfigError]]:
    """Return `base` with the acceptable texts, and the refusals; leave only the former in `texts`.

    A group of parameters that would be incomplete is left out as a whole (PXY-07).
    """
    settings, refused = decode(texts, base)
    for error in refused:
        del texts[error.parameter]
    for half in tuple(wholes.broken(settings, texts)):
        refused += wholes.refusals(half, settings, [error.parameter for error in refused])
        for tag in wholes.tags(half) & texts.keys():
            del texts[tag]
        settings, _ = decode(texts, base)
    return settings, refused


def _received(
    texts: Mapping[str, str],
    changes: Mapping[str, Change],
    held_by: Mapping[str, Stored],
    origin: Origin,
) -> Mapping[str, Stored]:
    """Return what to store of each text; many parameters share the few texts of a profile."""
    found: dict[str, Stored] = {}
    shared: dict[str, Stored] = {}
    for tag, text in texts.items():
        access = changes[tag].access
        if access is None and (held := held_by.get(tag)):
            access = held.access
        one = shared.get(text)
        if one is None or one.access is not access:
            one = shared[text] = Stored(text, origin, access)
        found[tag] = one
    return found


def restore(virgin: Settings, stored: Mapping[str, Stored]) -> tuple[Snapshot, list[ConfigError]]:
    """Return the snapshot that a store held; a value that no longer decodes is the default.

    A tag that this release does not know is dropped.
    """
    stored = {tag: held for tag, held in stored.items() if tag in slots()}
    given = {tag: held.text for tag, held in stored.items() if held.origin is not Origin.DEFAULT}
    settings, errors = decode(given, virgin)
    lost = {error.parameter for error in errors}
    return Snapshot(settings, {tag: stored[tag] for tag in stored if tag not in lost}), errors


def shown(snapshot: Snapshot, tag: str) -> str:
    """Return the text of a parameter as it may be shown: a secret that is set as `***`."""
    text = encode(snapshot.settings, tag)
    return _MASK if text and slots()[tag].row.secret else text
