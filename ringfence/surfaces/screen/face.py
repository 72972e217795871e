"""What is open on the screen, and what a key does there."""

from collections.abc import Mapping

from msgspec.structs import replace

from ringfence.messages import _
from ringfence.surfaces.forms import Field, Kind
from ringfence.surfaces.screen import desk
from ringfence.surfaces.screen.desk import SIGN_IN as SIGN_IN
from ringfence.surfaces.screen.desk import present as present
from ringfence.surfaces.screen.menu import (
    Command,
    Item,
    Menu,
    Setting,
    Sheet,
    Shown,
    Switch,
    View,
    visible,
)
from ringfence.surfaces.screen.place import LONGEST as LONGEST
from ringfence.surfaces.screen.place import (
    Action as Action,
)
from ringfence.surfaces.screen.place import (
    Face as Face,
)
from ringfence.surfaces.screen.place import Pressed as Pressed
from ringfence.surfaces.screen.place import Run as Run
from ringfence.surfaces.screen.place import Store as Store
from ringfence.surfaces.screen.place import back, brought, closed, moved, written
from ringfence.surfaces.screen.sheet import on_sheet


def opened(face: Face, root: Menu) -> Menu | View | Command | Sheet | None:
    """Return what is open; None for the idle screen and calls."""
    if face.sheets:
        return face.sheets[-1]
    found: Menu | View | Command | None = None
    for label in face.path:
        within = (root,) if found is None else found.items if isinstance(found, Menu) else ()
        each = (item for item in (*within, SIGN_IN) if item.label == label)
        found = next((one for one in each if isinstance(one, Menu | View | Command)), None)
        if found is None:
            return None
    return found


def chosen(face: Face, menu: Menu, shown: Shown) -> Item | None:
    """Return the item under the cursor."""
    items = visible(menu, shown)
    return items[min(face.cursor, len(items) - 1)] if items else None


def softkeys(face: Face, shown: Shown, root: Menu) -> tuple[str, ...]:
    """Return the labels of the softkeys, from the left; at most four."""
    match opened(face, root):
        case Menu() as menu:
            item = chosen(face, menu, shown)
            turns = isinstance(item, Switch) or _turns(item, shown)
            word = "" if item is None else _("Delete") if _typed(item, shown) else _("Select")
            return tuple(filter(None, (menu.action, word if word or turns else "", _("Back"))))
        case Command() as command:
            return tuple(
                filter(None, (command.action, _("Delete") if command.asks else "", _("Back")))
            )
        case View():
            return (_("Back"),)
        case Sheet(softkeys=own):
            return tuple(one.label for one in own[:4]) or (_("Back"),)
    return desk.softkeys(face, shown)


def press(face: Face, key: str, shown: Shown, root: Menu) -> Pressed:
    """Return the screen after a key, and what the phone is to do.

    `key` is a character, the name of a key (`Up`, `Applications`, `Line2`, `Soft1`) or the label
    of a softkey that is shown.

    Raises:
        KeyError: there is no such key here.

    """
    labels = softkeys(face, shown, root)
    if key[:4] == "Soft" and key[4:].isdigit():
        place = int(key[4:])
        key = labels[place - 1] if 0 < place <= len(labels) else ""
    key = next((label for label in labels if label.casefold() == key.casefold()), key)
    face = replace(face, message="")
    if not key:
        return face, None
    if (leads := desk.leading(face, key, shown, root)) is not None:
        return leads
    match opened(face, root):
        case Menu() as menu:
            return _in_menu(face, key, menu, shown)
        case Command() as command:
            return _in_command(face, key, command)
        case View():
            return _reading(face, key)
        case Sheet() as sheet:
            return on_sheet(face, key, sheet)
    return desk.pressed(face, key, shown)


def settled(  # noqa: PLR0913 - what was asked, and how it came out
    face: Face, action: Action, told: str, *, failed: bool, root: Menu, sheet: Sheet | None = None
) -> Face:
    """Return the screen after the phone did what it was asked to, or could not."""
    if failed:
        return replace(face, message=told)
    if sheet is not None:
        replaces = isinstance(action, Run) and action.replaces
        return brought(replace(face, message=""), sheet, replaces=replaces)
    if isinstance(action, Store):
        return replace(face, edits={}, message=told)
    if action.aside:
        return replace(face, message=told)
    if action.signs_in is False:
        return replace(closed(face), signed_in=False, message=told)
    if action.signs_in:
        ahead = replace(face, signed_in=True, shut=False, edits={}, behind=(), message=told)
        path = face.behind or face.path[:-1]
        return replace(ahead, path=path, cursors=(*face.cursors[:-1], 0)[: len(path)])
    if isinstance(opened(face, root), Command):
        return replace(back(face), message=told)
    return replace(face, message=told)


# In menus and forms


def _in_menu(face: Face, key: str, menu: Menu, shown: Shown) -> Pressed:
    items = visible(menu, shown)
    item = chosen(face, menu, shown)
    if key == "Back":
        return back(face), None
    if key in ("Up", "Down"):
        return moved(face, 1 if key == "Down" else -1, len(items)), None
    if menu.action and key == menu.action:
        return _stored(face, menu, shown)
    if isinstance(item, Setting) and (field := shown.fields.get(item.tag)):
        if (after := _edited(face, key, field)) is not None:
            return after, None
    elif isinstance(item, Switch) and key in ("Select", "Left", "Right"):
        turned = {"switch": "off" if shown.switches[item.command] else "on"}
        return face, Run(item.command, turned, _("Stored."))
    elif key == "Select" and item is not None:
        return _entered(face, item, shown)
    if len(key) == 1 and key.isdigit() and 0 < int(key) <= len(items) and not menu.action:
        at = replace(face, cursors=(*face.cursors[:-1], int(key) - 1))
        return _in_menu(at, "Select", menu, shown)
    raise KeyError(key)


def _entered(face: Face, item: Item, shown: Shown) -> Pressed:
    """Open an item."""
    if isinstance(item, Command) and not (item.asks or item.question):
        return face, _run(item, {})
    path = (*face.path, item.label)
    locked = isinstance(item, Menu | Command) and item.locked
    if locked and shown.locked and not face.signed_in:
        behind, path = path, (*face.path, SIGN_IN.label)
        face = replace(face, behind=behind)
    return replace(face, path=path, cursors=(*face.cursors, 0), edits={}), None


def _typed(item: Item | None, shown: Shown) -> bool:
    """Return whether text is typed into an item."""
    if not isinstance(item, Setting) or item.tag not in shown.fields:
        return False
    field = shown.fields[item.tag]
    return field.editable and field.kind is not Kind.LIST


def _turns(item: Item | None, shown: Shown) -> bool:
    return isinstance(item, Setting) and shown.fields[item.tag].kind is Kind.LIST


def _edited(face: Face, key: str, field: Field) -> Face | None:
    """Return the screen with a key typed into a field; None where the key means something else."""
    turns = key in ("Select", "Left", "Right")
    types = len(key) == 1 or key in ("Delete", "Clear")
    if not (turns or types):
        return None
    if not field.editable:
        return replace(face, message=_("The administrator has locked this setting."))
    text = face.edits.get(field.tag, field.text)
    if field.kind is Kind.LIST:
        if not turns:
            return None
        at = field.choices.index(text) if text in field.choices else -1
        text = field.choices[(at + (-1 if key == "Left" else 1)) % len(field.choices)]
    elif types:
        text = written(text, key)
    else:
        return None if key != "Select" else face
    return replace(face, edits={**face.edits, field.tag: text})


def _stored(face: Face, menu: Menu, shown: Shown) -> Pressed:
    tags = [item.tag for item in visible(menu, shown) if isinstance(item, Setting)]
    changes = {
        tag: face.edits[tag]
        for tag in tags
        if tag in face.edits and face.edits[tag] != shown.fields[tag].text
    }
    if not changes:
        return replace(face, edits={}, message=_("Nothing was changed.")), None
    return face, Store(changes)


# At commands and views


def _in_command(face: Face, key: str, command: Command) -> Pressed:
    if key == "Back":
        return back(face), None
    if key in ("Up", "Down") and command.asks:
        return moved(face, 1 if key == "Down" else -1, len(command.asks)), None
    if key in (command.action, "Select"):
        if key == "Select" and face.cursor < len(command.asks) - 1:
            return moved(face, 1, len(command.asks)), None
        typed = {ask.name: face.edits.get(ask.name, "") for ask in command.asks}
        return face, _run(command, typed)
    if command.asks and (len(key) == 1 or key in ("Delete", "Clear")):
        name = command.asks[min(face.cursor, len(command.asks) - 1)].name
        text = written(face.edits.get(name, ""), key)
        return replace(face, edits={**face.edits, name: text}), None
    raise KeyError(key)


def _run(command: Command, typed: Mapping[str, str]) -> Run:
    return Run(command.command, {**command.arguments, **typed}, command.done, command.signs_in)


def _reading(face: Face, key: str) -> Pressed:
    if key == "Back":
        return back(face), None
    if key in ("Up", "Down"):
        to = max(0, face.cursor + (1 if key == "Down" else -1))
        return replace(face, cursors=(*face.cursors[:-1], to)), None
    raise KeyError(key)
