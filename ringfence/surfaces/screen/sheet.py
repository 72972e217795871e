"""What a key does on a sheet that a command brought."""

from msgspec.structs import replace

from ringfence.messages import _
from ringfence.surfaces.screen.menu import Command, Sheet, Softkey
from ringfence.surfaces.screen.place import Face, Pressed, Run, back, closed, moved, written

BACK = Softkey(_("Back"), "back")
DIAL = "dial"
"""The command that calls; whoever it calls takes the screen."""


def on_sheet(face: Face, key: str, sheet: Sheet) -> Pressed:
    """Return the screen after a key, and what the phone is to do.

    Raises:
        KeyError: there is no such key here.

    """
    for softkey in sheet.softkeys[:4] or (BACK,):
        if softkey.label == key:
            return _softkey(face, sheet, softkey)
    if key == "Back":
        return back(face), None
    if key in ("Up", "Down"):
        step, count = (1 if key == "Down" else -1), len(sheet.items) or len(sheet.asks)
        if count:
            return moved(face, step, count), None
        return replace(face, cursors=(*face.cursors[:-1], max(0, face.cursor + step))), None
    if sheet.asks:
        return _typing(face, key, sheet)
    if key == "Select" and sheet.items:
        return _chosen(face, sheet)
    if len(key) == 1 and key.isdigit() and 0 < int(key) <= len(sheet.items):
        return _chosen(replace(face, cursors=(*face.cursors[:-1], int(key) - 1)), sheet)
    raise KeyError(key)


def _softkey(face: Face, sheet: Sheet, softkey: Softkey) -> Pressed:
    match softkey.does:
        case "exit":
            return closed(face), None
        case "back":
            return back(face), None
        case "select":
            return _chosen(face, sheet)
        case "edit":
            return _edit(face, sheet)
        case "delete":
            return _typing(face, "Delete", sheet)
    command = softkey.command
    if command is None:
        raise KeyError(softkey.label)
    typed = {ask.name: face.edits.get(ask.name, "") for ask in sheet.asks}
    sent = typed if softkey.does == "submit" else {}
    return _run(face, command, sent, renews=softkey.does == "renew")


def _chosen(face: Face, sheet: Sheet) -> Pressed:
    if not sheet.items:
        raise KeyError("Select")
    return _run(face, sheet.items[min(face.cursor, len(sheet.items) - 1)], {})


def _edit(face: Face, sheet: Sheet) -> Pressed:
    """Put the number of the chosen item where numbers are dialled."""
    if not sheet.items:
        raise KeyError("EditDial")
    number = sheet.items[min(face.cursor, len(sheet.items) - 1)].arguments.get("target", "")
    return replace(closed(face), dialled=number, aside=True), None


def _run(face: Face, command: Command, typed: dict[str, str], *, renews: bool = False) -> Pressed:
    arguments = {**command.arguments, **typed}
    if command.command == DIAL:
        face = replace(closed(face), call=0, aside=False)
    return face, Run(command.command, arguments, command.done, replaces=renews)


def _typing(face: Face, key: str, sheet: Sheet) -> Pressed:
    if not sheet.asks or (len(key) != 1 and key not in ("Delete", "Clear", "Select")):
        raise KeyError(key)
    at = min(face.cursor, len(sheet.asks) - 1)
    ask = sheet.asks[at]
    if key == "Select":
        send = next((one for one in sheet.softkeys if one.does == "submit"), None)
        if at < len(sheet.asks) - 1 or send is None:
            return moved(face, 1, len(sheet.asks)), None
        return _softkey(face, sheet, send)
    if len(key) == 1 and ask.only and key not in ask.only:
        return replace(face, message=f"Only {ask.only} can be typed here."), None
    text = written(face.edits.get(ask.name, ""), key)
    return replace(face, edits={**face.edits, ask.name: text}), None
