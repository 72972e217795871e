"""What menus of the phone's screen are made of."""

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, to_builtins

from ringfence.messages import _
from ringfence.messages.language import ENGLISH, Language
from ringfence.runtime.state import Status
from ringfence.surfaces.forms import Field
from ringfence.surfaces.status import labelled

Does = Literal["run", "submit", "renew", "select", "edit", "delete", "back", "exit"]
"""What a softkey of a sheet does: run its command, with what was typed, or in place of the sheet;
run the chosen item, or have its number dialled after a change; delete a character; go back; or
close every sheet."""


class Setting(Struct, frozen=True):
    """One parameter of the catalogue, by the label that the screen has for it."""

    tag: str
    label: str


class View(Struct, frozen=True):
    """Rows to read: the status of a feature, with its labels."""

    label: str
    sources: tuple[str, ...]
    """Keys of `Shown.views`, whose rows follow each other."""
    begins: str = ""
    """How the labels of the rows begin that are meant; empty for all."""


class Ask(Struct, frozen=True):
    """Something that a command wants to be typed."""

    name: str
    """Argument of the command."""
    label: str
    secret: bool = False
    text: str = ""
    """What stands there before anything is typed."""
    only: str = ""
    """The characters that can be typed; empty for all."""


class Command(Struct, frozen=True):
    """Something that the phone does when it is asked to."""

    label: str
    command: str
    """Name of the phone's command."""
    arguments: Mapping[str, str] = {}
    asks: tuple[Ask, ...] = ()
    question: str = ""
    """What is said before it is done."""
    action: str = _("OK")
    """The softkey that does it."""
    done: str = _("Done.")
    signs_in: bool | None = None
    """It signs the user in, or out; only where a user password is set."""
    locked: bool = False
    """A user password, where one is set, stands before it; only before what asks something."""


class Switch(Struct, frozen=True):
    """An On and Off that takes effect the moment it is turned."""

    label: str
    command: str
    """Takes `switch`: `on` or `off`."""


class Menu(Struct, frozen=True):
    """A list to choose from; one with settings is a form."""

    label: str
    items: "tuple[Item, ...]"
    action: str = ""
    """The softkey that stores a form: `Set`, `Submit`."""
    locked: bool = False
    """A user password, where one is set, stands before it."""


class Softkey(Struct, frozen=True):
    """A softkey of a sheet."""

    label: str
    does: Does = "run"
    command: Command | None = None
    """What is run, submitted or opened anew."""


class Sheet(Struct, frozen=True):
    """What the answer of a command brings: a text, a list to choose from, or a form."""

    label: str
    text: str = ""
    prompt: str = ""
    """One line below the label."""
    items: tuple[Command, ...] = ()
    """What can be chosen; each is run as it stands."""
    asks: tuple[Ask, ...] = ()
    softkeys: tuple[Softkey, ...] = ()
    """The first four are shown."""


def told(sheet: Sheet) -> Mapping[str, object]:
    """Return a sheet as the answer of a command has it, under `sheet`."""
    made: Mapping[str, object] = to_builtins(sheet, enc_hook=str)
    return made


Item = Menu | Setting | View | Command | Switch


class LineShown(Struct, frozen=True):
    """One line key."""

    n: int
    label: str
    registered: bool
    words: str


class CallShown(Struct, frozen=True):
    """One call."""

    number: int
    line: int
    peer: str
    incoming: bool
    state: str
    """As `phone status` has it: calling, ringing, established, held …"""
    secure: bool
    """Signalling over TLS and audio by SRTP."""
    codec: str = ""
    transfer: str = ""
    """How handing it over goes; empty where nobody does."""
    who: str = ""
    """The other side as people call it; empty for its URI."""
    seconds: int | None = None
    """Since it was answered; None where nobody has."""
    joined: int | None = None
    """The call in conference with it."""

    @property
    def named(self) -> str:
        """Return the other side as people call it."""
        return self.who or self.peer

    @property
    def rings(self) -> bool:
        """Return whether it waits for an answer here."""
        return self.incoming and self.state in ("calling", "ringing")

    @property
    def held(self) -> bool:
        """Return whether it is held here."""
        return self.state in ("held", "held by both sides")

    @property
    def talks(self) -> bool:
        """Return whether keys travel to the other side."""
        return self.state == "established"


class Behind(Struct, frozen=True):
    """A picture behind the rows, which the phone has under its digest."""

    kind: Literal["picture", "logo"]
    name: str
    """Of its file, where no picture can be painted."""
    digest: str


class Shown(Struct, frozen=True):
    """All that the screen shows of the phone."""

    clock: str = ""
    date: str = ""
    icons: tuple[str, ...] = ()
    """In words, from the upper right to the left."""
    lines: tuple[LineShown, ...] = ()
    calls: tuple[CallShown, ...] = ()
    redial: str = ""
    """Whom the last call went to."""
    ended: str = ""
    """With whom the last call was, and why it ended."""
    missed: int = 0
    """Calls that nobody took, since somebody looked at them."""
    muted: bool = False
    """Nobody hears us."""
    volume: int = 7
    news: tuple[str, ...] = ()
    """What the idle screen tells: messages that wait, and what somebody should see to."""
    dark: bool = False
    """The display is off."""
    helpers: frozenset[str] = frozenset()
    """Numbers that can be called from a screen that is shut."""
    fields: Mapping[str, Field] = {}
    """`{tag: field}` of every setting that the access rules let be seen."""
    views: Mapping[str, Status] = {}
    """Everything that can be read; a feature is asked once a view of it is open."""
    switches: Mapping[str, bool] = {}
    """`{command: whether it is on}`; what is missing does not exist on this model."""
    locked: bool = False
    """A user password is set."""
    signed_in: bool = False
    """Somebody has given it."""
    language: Language = ENGLISH
    """What the screen speaks."""
    text_logo: str = ""
    """Words at the top of the idle screen."""
    behind: Behind | None = None
    faces: Mapping[int, str] = {}
    """`{call: digest of the picture of who calls}`."""
    notice: str = ""
    """What everybody should see now, such as a change that waits for its confirmation."""


def rows(view: View, shown: Shown) -> tuple[tuple[str, str], ...]:
    """Return what a view shows: labels and texts."""
    told = (shown.views[source] for source in view.sources if source in shown.views)
    found = (row for status in told for row in labelled(status.rows))
    return tuple(row for row in found if row[0].startswith(view.begins))


def visible(menu: Menu, shown: Shown) -> tuple[Item, ...]:
    """Return the items of a menu that this phone shows now."""
    return tuple(_visible(menu, shown))


def _visible(menu: Menu, shown: Shown) -> Iterator[Item]:
    for item in menu.items:
        match item:
            case Setting(tag=tag):
                there = tag in shown.fields
            case Switch(command=command):
                there = command in shown.switches
            case Menu():
                there = bool(visible(item, shown))
            case View(sources=sources):
                there = any(source in shown.views for source in sources)
            case Command(signs_in=signs_in):
                there = signs_in is None or (shown.locked and signs_in is not shown.signed_in)
            case _:
                there = True
        if there:
            yield item
