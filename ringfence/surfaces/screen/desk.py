"""What a key does on the idle screen, in calls, and from everywhere."""

from msgspec.structs import replace

from ringfence.messages import _
from ringfence.protocols.rtp.mix import LOUDEST
from ringfence.surfaces.screen.menu import Ask, CallShown, Command, Menu, Shown
from ringfence.surfaces.screen.place import Face, Pressed, Run, closed, written

ALONE = {"others": "hold"}
"""One can talk to one call at a time, or to a conference."""
SIGN_IN = Command(
    _("Sign in"),
    "sign-in",
    asks=(Ask("password", _("Password"), secret=True),),
    action=_("Sign in"),
    done=_("Signed in."),
    signs_in=True,
)
"""What opens in front of a locked menu, and of a screen that is shut."""


def present(face: Face, shown: Shown) -> CallShown | None:
    """Return the call that keys are for: the chosen one, or one that rings, or the newest."""
    calls = {call.number: call for call in shown.calls}
    if face.call in calls:
        return calls[face.call]
    rings = next((call for call in shown.calls if call.rings), None)
    return rings or (shown.calls[-1] if shown.calls else None)


def softkeys(face: Face, shown: Shown) -> tuple[str, ...]:
    """Return the labels of the softkeys while nothing is open, from the left; at most four."""
    call = present(face, shown)
    if call and not face.aside:
        return _of_call(call, shown)
    if face.transfers:
        other = _other(face.transfers, shown)
        word = _("Transfer") if face.dialled else _("Other call") if other else ""
        return tuple(filter(None, (word, _("Delete"), _("Cancel"))))
    if face.dialled:
        return (_("Call"), _("Delete"), _("Cancel"))
    if face.shut:
        return tuple(filter(None, (_("Sign in"), _("Calls") if call else "")))
    words = (_("Redial") if shown.redial else "", _("Calls") if call else "", _("Recents"))
    return tuple(filter(None, words))


def _of_call(call: CallShown, shown: Shown) -> tuple[str, ...]:
    if call.rings:
        return (_("Answer"), _("Decline"))
    if call.talks or call.held or call.state.startswith("held"):
        holds = _("Resume") if call.held else _("Hold")
        joins = not call.joined and _other(call.number, shown)
        return (holds, _("End call"), _("Conference") if joins else _("New call"), _("Xfer"))
    return (_("End call"),)


def _other(number: int, shown: Shown) -> CallShown | None:
    """Return the newest other call that somebody has answered."""
    answered = (call for call in reversed(shown.calls) if call.seconds is not None)
    return next((call for call in answered if call.number != number), None)


def leading(face: Face, key: str, shown: Shown, root: Menu) -> Pressed | None:
    """Return what a key does from everywhere; None for every other key."""
    if key in ("Louder", "Softer"):
        volume = min(max(shown.volume + (1 if key == "Louder" else -1), 0), LOUDEST)
        told = _("Volume {volume} of {most}", volume=volume, most=LOUDEST)
        return face, Run("volume", {"level": str(volume)}, told, aside=True)
    if key == "Mute":
        told = _("The microphone is on.") if shown.muted else _("The microphone is off.")
        return face, Run("mute", {"switch": "off" if shown.muted else "on"}, told, aside=True)
    if key == "Home":
        return closed(face), None
    if key == "Applications":
        if face.shut:
            return _asked(face), None
        return replace(closed(face), path=(root.label,), cursors=(0,)), None
    if key[:4] == "Line" and key[4:].isdigit():
        return _line(closed(face), int(key[4:]), shown), None
    return None


def _asked(face: Face) -> Face:
    """Ask for the password in front of the idle screen."""
    return replace(closed(face), path=(SIGN_IN.label,), cursors=(0,), dialled="")


def _line(face: Face, n: int, shown: Shown) -> Face:
    """Take the line of a key, and a call that it has."""
    if n not in {line.n for line in shown.lines}:
        return replace(face, message=_("There is no line {n}.", n=n))
    call = next((one.number for one in reversed(shown.calls) if one.line == n), 0)
    return replace(face, line=n, call=call, aside=not call)


def pressed(face: Face, key: str, shown: Shown) -> Pressed:
    """Return the screen after a key while nothing is open, and what the phone is to do.

    Raises:
        KeyError: there is no such key here.

    """
    call = present(face, shown)
    if call and not face.aside:
        return _in_call(face, key, call, shown)
    if face.transfers:
        return _transferring(face, key, shown)
    return _idle(face, key, shown)


def _transferring(face: Face, key: str, shown: Shown) -> Pressed:
    if key in ("Cancel", "Back"):
        return replace(face, dialled="", aside=False, call=face.transfers, transfers=0), None
    other = _other(face.transfers, shown)
    target = face.dialled or (f"call:{other.number}" if other else "")
    if key in ("Transfer", "Other call", "Select") and target:
        after = replace(face, dialled="", transfers=0, aside=False)
        given = {"target": target, "call": str(face.transfers)}
        return after, Run("transfer", given)
    return _dialling(face, key)


def _dialling(face: Face, key: str) -> Pressed:
    if len(key) == 1 or key in ("Delete", "Clear"):
        return replace(face, dialled=written(face.dialled, key)), None
    raise KeyError(key)


def _idle(face: Face, key: str, shown: Shown) -> Pressed:
    if key == "Calls" or (key == "Back" and not face.dialled and shown.calls):
        return replace(face, aside=False), None
    if key in ("Call", "Select") and face.dialled:
        if face.shut and face.dialled.strip() not in shown.helpers:
            return _asked(face), None
        line = {"line": str(face.line)} if face.line else {}
        after = replace(face, dialled="", call=0, aside=False)
        return after, Run("dial", {"target": face.dialled, **line, **ALONE})
    if key in ("Cancel", "Back"):
        return replace(face, dialled=""), None
    if face.shut and key in ("Sign in", "Recents", "Redial", "Select"):
        return _asked(face), None
    if key == "Recents":
        return face, Run("recent-calls")
    if key == "Redial":
        return replace(face, aside=False), Run("dial", {"target": shown.redial, **ALONE})
    if key in ("Up", "Down"):
        known = [one.n for one in shown.lines]
        at = known.index(face.line) if face.line in known else 0
        step = 1 if key == "Down" else -1
        return replace(face, line=known[(at + step) % len(known)] if known else 0), None
    return _dialling(face, key)


def _in_call(face: Face, key: str, call: CallShown, shown: Shown) -> Pressed:
    number = {"call": str(call.number)}
    if key == "Answer" or (key == "Select" and call.rings):
        return face, Run("answer", {**number, **ALONE})
    if key in ("Decline", "End call"):
        return replace(face, call=0), Run("hangup", number)
    if key in ("Hold", "Resume"):
        return face, Run("resume", {**number, **ALONE}) if call.held else Run("hold", number)
    if key == "Conference" and (other := _other(call.number, shown)):
        return face, Run("conference", {**number, "with": str(other.number)})
    if face.shut and key in ("New call", "Xfer"):
        return _asked(face), None
    if key == "New call":
        held = Run("hold", number) if call.talks else None
        return replace(face, aside=True, dialled="", call=0), held
    if key == "Xfer" and (call.talks or call.state.startswith("held")):
        after = replace(face, aside=True, dialled="", transfers=call.number)
        return after, Run("hold", number) if call.talks else None
    if key in ("Up", "Down"):
        known = [one.number for one in shown.calls]
        step = 1 if key == "Down" else -1
        to = known[(known.index(call.number) + step) % len(known)]
        return replace(face, call=to), None
    if key in "0123456789*#ABCD" and len(key) == 1:
        return face, Run("dtmf", {"digits": key, **number})
    raise KeyError(key)
