"""What the screen shows of the phone, from its settings and statuses."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import convert

from ringfence.config.settings import ROWS, Settings
from ringfence.config.snapshot import Snapshot
from ringfence.features.screen.calls import calls, ended, secured
from ringfence.features.screen.menus import tags
from ringfence.features.screen.plan import ScreenPlan
from ringfence.messages import _, plural
from ringfence.messages.language import named
from ringfence.runtime.state import Status
from ringfence.surfaces import forms
from ringfence.surfaces.screen.menu import Behind, CallShown, LineShown, Menu, Shown, Switch

PASSWORD = ROWS["system"]["user_password"].tag
"""No field of a menu, and yet under the rules of access."""


def shown(
    plan: ScreenPlan, snapshot: Snapshot, statuses: Mapping[str, Status], wall: float, root: Menu
) -> Shown:
    """Return what the screen shows; `wall` is the local time in seconds since 1970."""
    line = _data(statuses, "line")
    lines = line.get("lines", [])
    settings, handset = snapshot.settings, line.get("handset", {})
    known = tuple(calls(line.get("calls", []), lines, settings))
    switches = {
        command: bool(told["enabled"])
        for command in _switches(root)
        if "enabled" in (told := _data(statuses, command))
    }
    now = datetime.fromtimestamp(wall, UTC)
    return Shown(
        clock=now.strftime("%H:%M"),
        date=now.strftime("%m/%d/%Y"),
        icons=tuple(_icons(plan, statuses, known)),
        lines=tuple(_lines(settings, lines)),
        calls=known,
        ended=ended(line.get("last_call"), settings),
        muted=bool(handset.get("muted")),
        volume=int(handset.get("volume", 0)),
        news=(*_messages(statuses), *plan.warnings),
        helpers=plan.helpers,
        fields=forms.on_screen(
            snapshot,
            (*tags(root), PASSWORD),
            obeys_access=plan.obeys_access,
            read_only=plan.read_only,
        ),
        views=statuses,
        switches=switches,
        locked=bool(plan.password),
        language=named(plan.language, plan.downloaded),
        text_logo=plan.text_logo,
        behind=_behind(_data(statuses, "downloads")),
    )


def _data(statuses: Mapping[str, Status], name: str) -> Mapping[str, Any]:
    """Return what a feature tells programs; nothing where there is none."""
    status = statuses.get(name)
    return status.data if status else {}


def _behind(downloads: Mapping[str, Any]) -> Behind | None:
    told = downloads.get("background")
    return convert(told, Behind) if told else None


def _icons(
    plan: ScreenPlan, statuses: Mapping[str, Status], calls: tuple[CallShown, ...]
) -> Iterator[str]:
    """Yield the icons, the uppermost right first; where there is no room the last ones give way.

    Source: chapter, Set Up a VPN Connection.
    """
    if _data(statuses, "vpn").get("connected"):
        yield "VPN"
    if _data(statuses, "line").get("handset", {}).get("muted"):
        yield _("MUTED")
    if secured(calls):
        yield _("SECURE CALL")
    if any(_messages(statuses)):
        yield _("MESSAGE")
    if plan.password:
        yield _("LOCK")


def _messages(statuses: Mapping[str, Status]) -> Iterator[str]:
    """Yield what waits: voice mail, as the lines' proxies tell it, and messages by XMPP."""
    lines = _data(statuses, "line").get("lines", [])
    boxes = [box for line in lines if (box := line.get("messages")) and box["waiting"]]
    if count := sum(box["new"] for box in boxes):
        yield plural("{count} new voice message", "{count} new voice messages", count)
    elif boxes:
        yield _("There is voice mail.")
    if written := int(_data(statuses, "xmpp").get("waiting", 0)):
        yield plural("{count} new message", "{count} new messages", written)


def _lines(settings: Settings, lines: list[Mapping[str, Any]]) -> Iterator[LineShown]:
    for line in lines:
        if not line["used"]:
            continue
        own = settings.ext[line["n"] - 1]
        registered = bool(line["registered"])
        words = (
            _("Registered, {transport}", transport=line["transport"])
            if registered
            else line["reason"]
        )
        label = own.user_id or own.display_name or f"Ext {line['n']}"
        yield LineShown(line["n"], label, registered, words)


def _switches(menu: Menu) -> Iterator[str]:
    for item in menu.items:
        if isinstance(item, Switch):
            yield item.command
        elif isinstance(item, Menu):
            yield from _switches(item)
