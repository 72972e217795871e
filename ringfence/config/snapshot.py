"""What is stored of the settings, with origin and access, and how a submission changes it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ringfence.config.catalog.values import EmptyMeans as EmptyMeans
from ringfence.config.parameter import Access
from ringfence.config.settings import Settings, decode, encode, slots
from ringfence.errors import ConfigError


class Origin(enum.Enum):
    """Who gave a parameter its present value."""

    DEFAULT = "default"
    DHCP = "DHCP"
    PROFILE = "profile"
    PAGE = "web page"
    SCREEN = "phone screen"
    ACS = "ACS"
    COMMAND = "command line"


@dataclass(frozen=True, slots=True)
class Stored:
    """One parameter as it was received."""

    text: str
    origin: Origin
    access: Access | None = None
    """The `ua` that the last profile gave; None keeps the catalogue's."""


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter of a submission; `text` None changes only the access."""

    text: str | None
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All values, and where each that is not a default came from."""

    settings: Settings
    stored: Mapping[str, Stored] = field(default_factory=dict)
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
    texts = {
        tag: change.text.strip()
        for tag, change in changes.items()
        if change.text is not None and _differs(snapshot, tag, change.text)
    }
    settings, errors = decode(texts, snapshot.settings)
    refused = {error.parameter for error in errors}
    stored = dict(snapshot.stored)
    for tag, change in changes.items():
        held = stored.get(tag)
        access = change.access or (held.access if held else None)
        if tag in texts and tag not in refused:
            stored[tag] = Stored(texts[tag], origin, access)
        elif access is not None and (held is None or held.access is not access):
            kept = held or Stored(encode(snapshot.settings, tag), Origin.DEFAULT)
            stored[tag] = Stored(kept.text, kept.origin, access)
    if not texts and stored == snapshot.stored:
        return snapshot, errors
    return Snapshot(settings, stored), errors


def _differs(snapshot: Snapshot, tag: str, text: str) -> bool:
    held = snapshot.stored.get(tag)
    return held is None or held.text != text.strip()


def restore(virgin: Settings, stored: Mapping[str, Stored]) -> tuple[Snapshot, list[ConfigError]]:
    """Return the snapshot that a store held; a value that no longer decodes is the default."""
    settings, errors = decode({tag: held.text for tag, held in stored.items()}, virgin)
    return Snapshot(settings, stored), errors
