"""What a parameter is, independent of any particular parameter."""

import enum
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

from msgspec import Struct, StructMeta, field

from ringfence.config.codecs import Codec, Secret, codec_for
from ringfence.messages import Message, _

T = TypeVar("T")


class Effect(enum.Enum):
    """When a changed value takes effect. Source: phone-facts 1.8."""

    LIVE = _("at once")
    RESTART = _("after its service restarts by itself")
    REBOOT = _("after a reboot")


class Access(enum.Enum):
    """The `ua` attribute: what the user may do with a parameter. Source: phone-facts 2.2."""

    NONE = "na"
    READ = "ro"
    WRITE = "rw"


class Level(enum.Enum):
    """Who finds a parameter on the web page. Source: phone-facts 2.2."""

    ADMIN = "admin"
    USER = "user"


class Status(enum.Enum):
    """Whether anything in this release obeys the parameter."""

    OBEYED = _("obeyed")
    LATER = _("accepted, no effect yet")
    """A planned feature of Ringfence will obey it."""
    NEVER = _("accepted, no effect")
    """Kept so that files of the field load; nothing will obey it."""


class Param(Struct, frozen=True, kw_only=True):
    """One row of the catalogue: all that any surface needs to know about a parameter."""

    tag: str
    """Element name in cfg.xml; `{n}` stands for the extension number."""
    label: str
    """Field label on the web page and the phone screen."""
    section: str
    """Section heading on the tab."""
    source: str
    """Where the parameter is specified."""
    help: str
    """One sentence on what the parameter does."""
    codec: Codec[Any]
    """Text to value and back, with the allowed values and limits."""
    default: Any
    """Value of a virgin phone of the 11.3 firmware profile."""
    newer_default: Any
    """Value of a virgin phone of the 12.0 firmware profile; the same unless the row says so."""
    access: Access
    """`ua` of a virgin phone."""
    level: Level
    effect: Effect
    status: Status
    anyway: Any
    """Value that the phone goes by whatever is set, where nothing obeys the row."""
    aliases: tuple[str, ...]
    """Other spellings met in the field; each use is a warning."""
    since: str
    """First firmware that has the parameter: 11.3 or 12.0."""
    cuts_off: bool
    """A wrong value can cut off whoever gave it, who must confirm a change then."""
    hidden: bool
    """Never on page, screen, dump or report; cfg.xml only."""
    tr069: str | None
    """CWMP path below `Device.`, for parameters the ACS may read and write."""

    @property
    def secret(self) -> bool:
        """Return whether the value may leave the phone only where it is used."""
        return self.hidden or isinstance(self.default, Secret)


_UNSET: Any = object()


class Section(Struct, frozen=True):
    """A heading on a tab: declares its rows, with what they have in common as the default."""

    title: str
    source: str
    status: Status = Status.LATER
    """Obeyed is a claim; a row has to make it."""
    access: Access = Access.NONE
    effect: Effect = Effect.LIVE
    level: Level = Level.ADMIN
    since: str = "11.3"
    cuts_off: bool = False

    def row(  # noqa: PLR0913 - a row has many columns
        self,
        default: T,
        tag: str,
        help: str,
        *,
        label: str = "",
        codec: Codec[Any] | None = None,
        newer_default: T = _UNSET,
        status: Status | None = None,
        access: Access | None = None,
        effect: Effect | None = None,
        level: Level | None = None,
        source: str = "",
        since: str = "",
        anyway: T = _UNSET,
        aliases: tuple[str, ...] = (),
        cuts_off: bool | None = None,
        hidden: bool = False,
        tr069: str | None = None,
    ) -> T:
        """Declare one row: the default of a field, and all else that `Tab` keeps of it.

        `label` is needed only where it is not the tag with blanks for underscores.
        """
        row = Param(
            tag=tag,
            label=label or tag.removesuffix("_{n}_").replace("_", " "),
            section=self.title,
            source=source or self.source,
            help=Message(help),
            codec=codec or codec_for(type(default)),
            default=default,
            newer_default=default if newer_default is _UNSET else newer_default,
            access=access or self.access,
            level=level or self.level,
            effect=effect or self.effect,
            status=status or self.status,
            anyway=default if anyway is _UNSET else anyway,
            aliases=aliases,
            since=since or self.since,
            cuts_off=self.cuts_off if cuts_off is None else cuts_off,
            hidden=hidden,
            tr069=tr069,
        )
        return cast(T, row)


class _TabMeta(StructMeta):
    """Takes the rows of a tab out of its body and leaves their defaults."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any
    ) -> "_TabMeta":
        rows = {key: row for key, row in body.items() if isinstance(row, Param)}
        fields = {key: field(default=row.default) for key, row in rows.items()}
        return super().__new__(cls, name, bases, {**body, **fields, "rows": rows}, **options)


class Tab(Struct, frozen=True, metaclass=_TabMeta):
    """A tab of the page: one typed value for every row that its sections declare."""

    rows: ClassVar[Mapping[str, Param]] = {}
    """`{field: row}`, in page order."""
