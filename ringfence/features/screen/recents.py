"""The calls that there were, as a sheet of the screen: whom to call back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ringfence.messages import _
from ringfence.runtime.state import Status
from ringfence.surfaces.screen.menu import Command, Sheet, Softkey

MOST = 30
"""Calls that the sheet lists, the newest first."""
MARKS = {"placed": ">", "received": "<", "missed": "!"}
"""How the kinds of calls begin their rows."""


def recents(statuses: Mapping[str, Status]) -> Sequence[Mapping[str, Any]]:
    """Return the calls that there were, the newest first."""
    told = statuses.get("line")
    found: Any = told.data.get("recent", ()) if told else ()
    return tuple(found)


def sheet(recent: Iterable[Mapping[str, Any]], ahead: float) -> Sheet:
    """Return the calls as a sheet; the local clock is so many seconds `ahead` of 1970's."""
    items = tuple(_item(call, ahead) for call in list(recent)[:MOST])
    back = Softkey(_("Back"), "back")
    if not items:
        return Sheet(_("Recents"), _("There were no calls."), softkeys=(back,))
    softkeys = (Softkey(_("Call"), "select"), Softkey(_("EditDial"), "edit"), back)
    return Sheet(_("Recents"), "", _("! missed  < received  > placed"), items, (), softkeys)


def missed(recent: Iterable[Mapping[str, Any]], since: float) -> int:
    """Return how many calls were missed after a time, in seconds since 1970."""
    return sum(call["kind"] == "missed" and call["at"] > since for call in recent)


def last_placed(recent: Iterable[Mapping[str, Any]]) -> str:
    """Return whom the last call went to; empty where none did."""
    return next((str(call["peer"]) for call in recent if call["kind"] == "placed"), "")


def _item(call: Mapping[str, Any], ahead: float) -> Command:
    at = datetime.fromtimestamp(call["at"] + ahead, UTC).strftime("%m/%d %H:%M")
    user = str(call["peer"]).partition(":")[2].partition("@")[0]
    who = call["name"] or user
    return Command(f"{MARKS[call['kind']]} {at} {who}", "dial", {"target": call["peer"]})
