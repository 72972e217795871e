"""The catalogue as forms: what web page, phone screen and TR-069 show of it and let change."""

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.codecs import Number, NumberOrNone, Password, Seconds, Secret
from ringfence.config.parameter import Access, Effect, Level, Param, Status
from ringfence.config.settings import LINES, ROWS, Settings, Slot, encode, slots, value
from ringfence.config.snapshot import Change, Origin, Snapshot
from ringfence.config.spoken import LanguageName
from ringfence.errors import ConfigError, Finding
from ringfence.messages import _
from ringfence.messages.language import ENGLISH, Language
from ringfence.policy import levels
from ringfence.policy.dictionaries import offered

CLEAR = "clear:"
"""Prefix of the form entry that empties a secret; an empty secret entry changes nothing."""

_SPELLED = {"sip": "SIP", "tr069": "TR-069"}
"""Titles of tabs that are not just the tab's name."""
SET_BY: Mapping[Origin, str] = {
    Origin.DEFAULT: "",
    Origin.DHCP: _("set by DHCP"),
    Origin.PROFILE: _("set by profile"),
    Origin.PAGE: _("set by web page"),
    Origin.SCREEN: _("set by phone screen"),
    Origin.ACS: _("set by ACS"),
    Origin.ACTIVATION: _("set by activation server"),
    Origin.COMMAND: _("set by command line"),
}


class Kind(enum.Enum):
    """Which control a field needs."""

    TEXT = "text"
    NUMBER = "number"
    LIST = "list"
    SECRET = "secret"  # noqa: S105 - the name of a control


class Field(Struct, frozen=True):
    """One parameter as a form shows it."""

    tag: str
    label: str
    kind: Kind
    text: str
    """Present text; always empty for a secret."""
    filled: bool
    """There is a value, which for a secret is all that may be told."""
    clearable: bool
    """A secret that may be emptied; the password of an account may only be changed."""
    choices: tuple[str, ...]
    allowed: str
    """Allowed values and limits in words."""
    default: str
    """Text of a virgin phone; empty for a secret."""
    help: str
    source: str
    since: str
    effect: Effect
    status: Status
    origin: Origin
    access: Access
    editable: bool
    pending: bool = False
    """Edited, not submitted yet."""
    error: str = ""
    """Why the last submission refused it."""


class Section(Struct, frozen=True):
    """Fields under one heading."""

    title: str
    fields: tuple[Field, ...]


class Place(NamedTuple):
    """One tab under Voice."""

    name: str
    """Word for addresses: `system`, `ext1`."""
    title: str
    tab: str
    """Field of `Settings`."""
    n: int
    """Extension from 1; 0 outside Ext(n)."""


class Tab(Struct, frozen=True):
    """One tab with everything that an account may see on it."""

    place: Place
    sections: tuple[Section, ...]


class Draft(Struct, frozen=True):
    """What was typed on any tab and not submitted yet, and what the last submission refused."""

    edits: Mapping[str, str] = {}
    """`{tag: text}`; secrets among them, so this goes nowhere but to a submission."""
    errors: Mapping[str, str] = {}
    """`{tag: why}`."""

    @property
    def changes(self) -> Mapping[str, Change]:
        """Return the edits as a submission."""
        return {tag: Change(text) for tag, text in self.edits.items()}


NOTHING = Draft()


def _places() -> Iterator[Place]:
    for tab in ROWS:
        for n in range(1, LINES + 1) if tab == "ext" else (0,):
            title = _SPELLED.get(tab, tab.capitalize()) + (f" {n}" if n else "")
            yield Place(f"{tab}{n or ''}", title, tab, n)


PLACES: Mapping[str, Place] = {place.name: place for place in _places()}
"""`{name: tab}`, every tab in page order."""


def places(snapshot: Snapshot, level: Level) -> tuple[Place, ...]:
    """Return the tabs on which an account sees anything, in page order."""
    return tuple(
        place for place in PLACES.values() if any(True for _ in _visible(snapshot, place, level))
    )


def tab(
    snapshot: Snapshot,
    place: Place,
    level: Level,
    draft: Draft = NOTHING,
    firmware: str = "11.3",
) -> Tab:
    """Return one tab as an account sees it, with its draft laid over it.

    A secret comes without its text, edited or not. `firmware` decides which defaults are told.
    """
    sections: dict[str, list[Field]] = {}
    for tag, slot in _visible(snapshot, place, level):
        row = slot.row
        shown = replace(
            _field(snapshot, tag, slot, level, draft.edits.get(tag)),
            default=_default(row, firmware),
            error=draft.errors.get(tag, ""),
        )
        sections.setdefault(row.section, []).append(shown)
    return Tab(place, tuple(Section(title, tuple(held)) for title, held in sections.items()))


def search(
    snapshot: Snapshot, level: Level, draft: Draft, words: str, language: Language = ENGLISH
) -> tuple[tuple[Place, str, Field], ...]:
    """Return what has all of the words in tag, label, section or help, in page order.

    They may be English, as in books, or of the language of the page.
    Each with its tab and section. Where an extension is meant by no word, only Ext 1 is named.
    """
    wanted = words.casefold().split()
    found: list[tuple[Place, str, Field]] = []
    for place in PLACES.values() if wanted else ():
        if place.n > 1 and not any(word.strip("_").endswith(str(place.n)) for word in wanted):
            continue
        for tag, slot in _visible(snapshot, place, level):
            row = slot.row
            said = language.say(row.help)
            text = f"{tag} {row.label} {row.section} {row.help} {place.title} {said}".casefold()
            if all(word in text for word in wanted):
                edit = draft.edits.get(tag)
                found.append((place, row.section, _field(snapshot, tag, slot, level, edit)))
    return tuple(found)


def on_screen(
    snapshot: Snapshot, tags: Iterable[str], *, obeys_access: bool, read_only: bool
) -> Mapping[str, Field]:
    """Return the fields of the phone's screen, `{tag: field}`, without what is not to be seen.

    With `obeys_access` the access of a parameter decides, else all can be seen and changed.
    Source: phone-facts 2.2.
    """
    found: dict[str, Field] = {}
    for tag in tags:
        slot = slots()[tag]
        may = levels.on_screen(
            slot.row, snapshot.access(tag), obeys_access=obeys_access, read_only=read_only
        )
        if may is not Access.NONE:
            made = _field(snapshot, tag, slot, Level.ADMIN, None)
            found[tag] = replace(made, editable=may is Access.WRITE)
    return found


def kept(
    draft: Draft,
    data: Mapping[str, str],
    snapshot: Snapshot,
    level: Level,
    shown: Snapshot | None = None,
) -> Draft:
    """Return the draft with a filled-in form laid over it; see `changes` for `shown`.

    What was put back as it was is no edit any more; a secret left empty stays as it was typed.
    """
    found = changes(data, snapshot, level, shown)
    edits = {
        tag: text
        for tag, text in draft.edits.items()
        if tag not in data or (_kind(slots()[tag].row) is Kind.SECRET and not data[tag])
    }
    edits |= {tag: change.text or "" for tag, change in found.items()}
    return Draft(edits, draft.errors)


def changes(
    data: Mapping[str, str], snapshot: Snapshot, level: Level, shown: Snapshot | None = None
) -> Mapping[str, Change]:
    """Return what a filled-in form changes.

    Only what the account may edit counts. An empty secret is unchanged unless its `CLEAR` entry
    is there. `shown` is the snapshot that the form was made from: a field left as it was is no
    change, even where a resync has changed the parameter since.
    """
    seen = (shown or snapshot).settings
    found: dict[str, Change] = {}
    for tag, slot in slots().items():
        if tag not in data and CLEAR + tag not in data:
            continue
        if not _editable(snapshot, tag, slot.row, level):
            continue
        text = data.get(tag, "").strip()
        if isinstance(slot.row.default, Secret):
            if text or CLEAR + tag in data:
                found[tag] = Change(text)
        elif text != encode(seen, tag):
            found[tag] = Change(text)
    return found


def differences(draft: Draft, snapshot: Snapshot) -> tuple[tuple[str, str, str, str], ...]:
    """Return what a draft changes: tag, title, text in force and text to be; no secret's."""
    found = []
    for tag, text in draft.edits.items():
        secret = _kind(slots()[tag].row) is Kind.SECRET
        before, after = ("***", "***") if secret else (encode(snapshot.settings, tag), text)
        found.append((tag, title(tag), before, after))
    return tuple(found)


def weak_passwords(submitted: Mapping[str, Change], shortest: int = 8) -> list[ConfigError]:
    """Return a refusal for every password of a submission that a person should not choose.

    A profile may set one, with a warning; where a person chooses, it is refused. `shortest` is
    the surface's: 8 characters on the page, 4 on the screen.
    Source: phone-facts 1.2, User Password.
    """
    refused: list[ConfigError] = []
    for tag, change in submitted.items():
        codec = slots()[tag].row.codec
        if isinstance(codec, Password):
            strict = replace(codec, first=max(codec.first, shortest))
            if doubt := strict.doubt(change.text or ""):
                refused.append(
                    ConfigError(tag, doubt, _("choose {allowed}", allowed=strict.describe()))
                )
    return refused


def doubts(submitted: Mapping[str, Change]) -> list[str]:
    """Return a warning for every accepted value that may not do what its author meant."""
    found = ((tag, slots()[tag].row.codec.doubt(c.text or "")) for tag, c in submitted.items())
    return [
        _("{parameter} {doubt}.", parameter=title(tag), doubt=doubt)
        for tag, doubt in found
        if doubt
    ]


def told(findings: Iterable[Finding]) -> list[str]:
    """Return what was found in accepted values, by their titles."""
    return [
        _(
            "{parameter}: {message}; {remedy}.",
            parameter=title(one.tag) if one.tag else _("Settings"),
            message=one.message,
            remedy=one.remedy,
        )
        for one in findings
    ]


def effects(tags: Iterable[str]) -> Mapping[Effect, tuple[str, ...]]:
    """Return `{when it takes effect: titles}` of changed parameters, those at once first."""
    titles: dict[Effect, list[str]] = {effect: [] for effect in Effect}
    for tag in tags:
        titles[slots()[tag].row.effect].append(title(tag))
    return {effect: tuple(held) for effect, held in titles.items() if held}


def title(tag: str) -> str:
    """Return the label of a parameter, with its extension where it has one."""
    slot = slots()[tag]
    return f"Ext {slot.n} {slot.row.label}" if slot.n else slot.row.label


def place_of(tag: str) -> Place:
    """Return the tab that a parameter is on."""
    slot = slots()[tag]
    return PLACES[f"{slot.tab}{slot.n or ''}"]


def _visible(snapshot: Snapshot, place: Place, level: Level) -> Iterator[tuple[str, Slot]]:
    for name, row in ROWS[place.tab].items():
        tag = row.tag.replace("{n}", str(place.n))
        if levels.on_page(row, snapshot.access(tag), level) is not Access.NONE:
            yield tag, Slot(place.tab, name, place.n, row)


def _editable(snapshot: Snapshot, tag: str, row: Param, level: Level) -> bool:
    return levels.on_page(row, snapshot.access(tag), level) is Access.WRITE


def _field(snapshot: Snapshot, tag: str, slot: Slot, level: Level, edit: str | None) -> Field:
    row = slot.row
    kind = _kind(row)
    secret = kind is Kind.SECRET
    text = "" if secret else encode(snapshot.settings, tag) if edit is None else edit
    filled = bool(value(snapshot.settings, slot)) if secret else bool(text)
    editable = _editable(snapshot, tag, row, level)
    return Field(
        tag=tag,
        label=row.label,
        kind=kind,
        text=text,
        filled=filled,
        clearable=secret and filled and editable and not isinstance(row.codec, Password),
        choices=_choices(row, text, snapshot.settings),
        allowed=row.codec.describe(),
        default="",
        help=row.help,
        source=row.source,
        since=row.since,
        effect=row.effect,
        status=row.status,
        origin=snapshot.origin(tag),
        access=snapshot.access(tag),
        editable=editable,
        pending=edit is not None,
    )


def _default(row: Param, firmware: str) -> str:
    if isinstance(row.default, Secret):
        return ""
    text: str = row.codec.encode(row.default if firmware == "11.3" else row.newer_default)
    return text


def _kind(row: Param) -> Kind:
    if isinstance(row.default, Secret):
        return Kind.SECRET
    if row.codec.choices:
        return Kind.LIST
    return Kind.NUMBER if isinstance(row.codec, Number | NumberOrNone | Seconds) else Kind.TEXT


def _choices(row: Param, text: str, settings: Settings) -> tuple[str, ...]:
    known = row.codec.choices
    if isinstance(row.codec, LanguageName):
        known += offered(settings.regional.dictionary_server_script)
    return tuple(dict.fromkeys((*known, text))) if known else ()
