"""The screen as rows of text with styles, which a terminal and a browser paint alike."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from ringfence.messages import _, plural
from ringfence.surfaces.forms import Field, Kind
from ringfence.surfaces.screen.face import Face, chosen, opened, present, softkeys
from ringfence.surfaces.screen.menu import (
    Ask,
    Behind,
    CallShown,
    Command,
    Item,
    Menu,
    Setting,
    Sheet,
    Shown,
    Switch,
    View,
    rows,
    visible,
)

WIDTH, BODY = 48, 12
"""Characters of a row, and rows between the head and the notes."""
SWITCHED: Mapping[str, str] = {"Yes": _("On"), "No": _("Off")}
STATES: Mapping[str, str] = {
    "calling": _("calling"),
    "in progress": _("in progress"),
    "ringing": _("ringing"),
    "established": _("connected"),
    "held": _("on hold"),
    "held by the other side": _("held by the other side"),
    "held by both sides": _("held by both sides"),
    "ended": _("ended"),
}
SECURE = _("secure")
MARK = "*"
RULE = "─"
CURSOR = "_"
Say = Callable[[str], str]
"""Returns a message in the language of the screen."""


class Span(Struct, frozen=True):
    """A piece of a row."""

    text: str
    style: str = ""
    """Some of `title`, `icon`, `chosen`, `dim`, `good`, `bad`, `note`, `softkey`, `time` for what
    counts, `picture` for the name of one that cannot be painted here; empty for plain text."""
    key: str = ""
    """The key that a click on it presses."""


Row = tuple[Span, ...]


class Picture(Struct, frozen=True):
    """The whole screen."""

    rows: tuple[Row, ...]
    behind: Behind | None = None
    face: str = ""
    """Digest of the picture of who calls; empty for none."""

    def text(self) -> str:
        """Return the screen in plain text, a line each row."""
        return "\n".join("".join(span.text for span in row).rstrip() for row in self.rows)


def draw(face: Face, shown: Shown, root: Menu) -> Picture:
    """Return what the screen shows."""
    if shown.dark:
        words = shown.language.say(_("The display is off; any key turns it on."))
        hint = (Span(_cut(words.center(WIDTH)), "dim"),)
        return Picture((*((),) * (BODY // 2), hint, *((),) * (BODY // 2 + 4)))
    body = list(_body(face, shown, root))
    top = max(0, _focus(body) - BODY + 1)
    body = body[top : top + BODY]
    body += [()] * (BODY - len(body))
    note = shown.language.say(face.message or shown.notice)
    notes = [_cut(line) for line in _folded(note)[:2]]
    notes += [""] * (2 - len(notes))
    all_rows = [_head(shown), (Span(RULE * WIDTH, "dim"),), *body]
    all_rows += [(Span(line, "note"),) for line in notes]
    all_rows.append(tuple(_softkeys(softkeys(face, shown, root), shown.language.say)))
    call = None if opened(face, root) or face.aside else present(face, shown)
    caller = shown.faces.get(call.number, "") if call else ""
    return Picture(tuple(all_rows), shown.behind, caller)


def _head(shown: Shown) -> Row:
    left = f"{shown.clock}  {shown.date}"
    icons = [f"[{shown.language.say(icon)}]" for icon in reversed(shown.icons)]
    if len(left) + 1 + len(" ".join(icons)) > WIDTH:
        left = shown.clock
    while len(left) + 1 + len(" ".join(icons)) > WIDTH:
        del icons[0]
    gap = max(1, WIDTH - len(left) - len(" ".join(icons)))
    return (Span(left, "title"), Span(" " * gap), Span(" ".join(icons), "icon"))


def _softkeys(labels: tuple[str, ...], say: Say) -> Iterator[Span]:
    said = [say(label) for label in labels]
    places = 4 if all(len(word) <= WIDTH // 4 - 3 for word in said) else max(1, len(labels))
    rooms = [WIDTH // places] * len(labels)
    if any(len(word) > WIDTH // places - 2 for word in said):
        needed = [len(word) + 2 for word in said]
        if sum(needed) <= WIDTH:
            rooms = needed
    for label, whole, room in zip(labels, said, rooms, strict=True):
        word = f"[{whole[: room - 2]}]" if whole else ""
        left = (room - len(word)) // 2
        yield Span(" " * left)
        yield Span(word, "softkey", str(label))
        yield Span(" " * (room - left - len(word)))
    yield Span(" " * (WIDTH - sum(rooms)))


def _body(face: Face, shown: Shown, root: Menu) -> Iterator[Row]:
    say = shown.language.say
    match opened(face, root):
        case Menu() as menu:
            yield _title(say(menu.label))
            yield from _menu_rows(face, menu, shown)
        case Command() as command:
            yield _title(say(command.label))
            yield from _command_rows(face, command, say)
        case View() as view:
            yield _title(say(view.label))
            said = [(say(label), say(text)) for label, text in rows(view, shown)]
            read = [row for label, text in said for row in _reading(label, text)]
            read = read or [(Span(say(_("Nothing yet.")), "dim"),)]
            yield from read[min(face.cursor, max(0, len(read) - BODY + 1)) :]
        case Sheet() as sheet:
            yield _title(sheet.label)
            yield from _sheet_rows(face, sheet, say)
        case None:
            yield from _desk_rows(face, shown)


def _title(text: str) -> Row:
    return (Span(_cut(text), "title"),)


def _menu_rows(face: Face, menu: Menu, shown: Shown) -> Iterator[Row]:
    at, say = chosen(face, menu, shown), shown.language.say
    for n, item in enumerate(visible(menu, shown), 1):
        lead = " " if menu.action else f"{n} " if n < 10 else "  "
        yield _entry(lead + say(item.label), say(_value(face, item, shown)), chosen=item is at)


def _entry(label: str, value: str, *, chosen: bool) -> Row:
    """Return a row with a value at its right end, as much of its end as there is room for."""
    room = WIDTH - len(label) - 3
    end = value if len(value) <= room else f"…{value[1 - room :]}" if room > 1 else ""
    text = f"{'>' if chosen else ' '}{label}{' ' * (WIDTH - len(label) - len(end) - 1)}{end}"
    return (Span(_cut(text), "chosen" if chosen else ""),)


def _value(face: Face, item: Item, shown: Shown) -> str:
    match item:
        case Setting(tag=tag):
            field = shown.fields[tag]
            typing = chosen_is_text(field)
            text = shown.language.say(_field_text(field, face.edits.get(tag)))
            return f"{text}{CURSOR}" if typing and tag in face.edits else text
        case Switch(command=command):
            return SWITCHED["Yes" if shown.switches[command] else "No"]
        case Menu() | View() | Command():
            return ">"


def chosen_is_text(field: Field) -> bool:
    """Return whether a field is typed into."""
    return field.kind is not Kind.LIST


def _field_text(field: Field, edit: str | None) -> str:
    text = field.text if edit is None else edit
    if field.kind is Kind.SECRET:
        text = MARK * len(edit) if edit is not None else MARK * 8 if field.filled else ""
    words = SWITCHED.get(text, text) if set(field.choices) == set(SWITCHED) else text
    return words if field.editable else _("{text} (locked)", text=words)


def _command_rows(face: Face, command: Command, say: Say) -> Iterator[Row]:
    for line in _folded(say(command.question)):
        yield (Span(line),)
    yield from _asks(face, command.asks, say)


def _sheet_rows(face: Face, sheet: Sheet, say: Say) -> Iterator[Row]:
    if sheet.prompt:
        yield (Span(_cut(sheet.prompt), "dim"),)
    text = [(Span(line),) for part in sheet.text.split("\n") for line in _folded(part) or [""]]
    if sheet.text:
        scrolls = not (sheet.items or sheet.asks)
        top = min(face.cursor, max(0, len(text) - BODY + 2)) if scrolls else 0
        yield from text[top : top + BODY - 2]
    for n, item in enumerate(sheet.items, 1):
        at = n - 1 == min(face.cursor, len(sheet.items) - 1)
        lead = f"{n} " if n < 10 else "  "
        yield _entry(lead + item.label, item.arguments.get("target", ">"), chosen=at)
    yield from _asks(face, sheet.asks, say)


def _asks(face: Face, asks: tuple[Ask, ...], say: Say) -> Iterator[Row]:
    for n, ask in enumerate(asks):
        text = face.edits.get(ask.name, "")
        at = n == min(face.cursor, len(asks) - 1)
        typed = MARK * len(text) if ask.secret else text
        yield _entry(f" {say(ask.label)}", f"{typed}{CURSOR if at else ''}", chosen=at)


def _reading(label: str, text: str) -> Iterator[Row]:
    """Yield a label with its text: beside it where there is room, below it where not."""
    if len(label) + len(text) + 2 <= WIDTH:
        yield (Span(label, "dim"), Span(" " * (WIDTH - len(label) - len(text))), Span(text))
        return
    yield (Span(_cut(label), "dim"),)
    yield from ((Span(f"  {line}"),) for line in _folded(text, WIDTH - 2))


def _desk_rows(face: Face, shown: Shown) -> Iterator[Row]:
    call, say = None if face.aside else present(face, shown), shown.language.say
    if call is None and (face.dialled or face.transfers):
        yield _title(say(_("Transfer to") if face.transfers else _("Dial")))
        yield (Span(_cut(f"{face.dialled}{CURSOR}"), "chosen"),)
        return
    if shown.text_logo:
        yield _title(shown.text_logo)
    if shown.behind and not shown.calls:
        yield (Span(_cut(f"[{shown.behind.name}]"), "picture"),)
    for line in shown.lines:
        at = line.n == (face.line or shown.lines[0].n)
        mark = ">" if at else " "
        words = say(line.words)[: WIDTH - 20]
        yield (
            Span(
                f"{mark}{line.n:>2} {line.label[:14]:14}  ",
                "chosen" if at and call is None else "",
                f"Line{line.n}",
            ),
            Span(words, "good" if line.registered else "bad"),
        )
    if not shown.calls:
        yield from _news(shown, say)
    for one in shown.calls:
        yield ()
        yield from _call_rows(one, say, at=one is call)


def _news(shown: Shown, say: Say) -> Iterator[Row]:
    """Yield what the idle screen tells, below a row that parts it from the lines."""
    told = [Span(_cut(say(words)), "note") for words in shown.news]
    if shown.missed:
        missed = plural("{count} missed call", "{count} missed calls", shown.missed)
        told.insert(0, Span(say(missed), "bad"))
    if told:
        yield ()
    yield from ((one,) for one in told)


def _call_rows(call: CallShown, say: Say, *, at: bool) -> Iterator[Row]:
    lock = f"[{say(SECURE)}] " if call.secure else ""
    with_whom = (
        _("From {peer}", peer=call.named) if call.incoming else _("To {peer}", peer=call.named)
    )
    time = "" if call.seconds is None else lasted(call.seconds)
    text = f"{'>' if at else ' '}{lock}{say(with_whom)}"
    room = WIDTH - len(time) - 1
    text = text if len(text) <= room else f"{text[: room - 1]}…"
    style = "chosen" if at else ""
    yield Span(f"{text:{room}} ", style), Span(time, "time")
    words = STATES.get(call.state, call.state)
    if call.rings:
        words = _("incoming call")
    elif call.joined and call.talks:
        words = _("in conference")
    told = _("Line {n}: {state}", n=call.line, state=words)
    codec = f", {call.codec}" if call.codec else ""
    doing = "note" if call.rings else "good" if call.talks else "dim" if call.held else ""
    yield (Span(_cut(f"  {say(told)}{codec}"), doing),)
    if call.transfer:
        handed = _("Transfer: {state}", state=call.transfer)
        yield (Span(_cut(f"  {say(handed)}"), "note"),)


def lasted(seconds: int) -> str:
    """Return how long a call has lasted: `0:07`, `12:34`, `1:02:03`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _focus(body: list[Row]) -> int:
    """Return the row that must be seen."""
    at = (n for n, row in enumerate(body) if row and row[0].style == "chosen")
    return next(at, 0)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _folded(text: str, width: int = WIDTH) -> list[str]:
    """Return a text in lines, parted at blanks where it has some."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while len(rest) > width:
        at = rest.rfind(" ", 1, width + 1)
        at = at if at > 0 else width
        lines.append(rest[:at])
        rest = rest[at:].lstrip()
    return [*lines, rest] if rest else lines
