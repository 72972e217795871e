"""What the screen shows of the phone, from its settings and statuses."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import convert

from ringfence.config.settings import ROWS, Settings
from ringfence.config.snapshot import Snapshot
from ringfence.features.screen.menus import tags
from ringfence.features.screen.plan import ScreenPlan
from ringfence.messages import _
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
    calls = tuple(_calls(line.get("calls", []), lines))
    switches = {
        command: bool(told["enabled"])
        for command in _switches(root)
        if "enabled" in (told := _data(statuses, command))
    }
    now = datetime.fromtimestamp(wall, UTC)
    return Shown(
        clock=now.strftime("%H:%M"),
        date=now.strftime("%m/%d/%Y"),
        icons=tuple(_icons(plan, statuses, calls)),
        lines=tuple(_lines(snapshot.settings, lines)),
        calls=calls,
        ended=_ended(line),
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
    """Yield the icons, the uppermost right first. Source: chapter, Set Up a VPN Connection."""
    if _data(statuses, "vpn").get("connected"):
        yield "VPN"
    if _data(statuses, "xmpp").get("waiting"):
        yield _("MESSAGE")
    if plan.password:
        yield _("LOCK")
    if any(call.secure for call in calls):
        yield _("SECURE CALL")


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


def _calls(calls: list[Mapping[str, Any]], lines: list[Mapping[str, Any]]) -> Iterator[CallShown]:
    over_tls = {line["n"] for line in lines if line["transport"] == "TLS"}
    for call in calls:
        yield CallShown(
            number=call["call"],
            line=call["line"],
            peer=str(call["peer"]),
            incoming=call["direction"] == "in",
            state=str(call["state"]),
            secure=bool(call["srtp"]) and call["line"] in over_tls,
            codec=str(call["codec"]),
            transfer=str(call.get("transfer") or ""),
        )


def _ended(data: Mapping[str, Any]) -> str:
    last = data.get("last_call")
    return f"{last['peer']}: {last['ended']}" if last else ""


def _switches(menu: Menu) -> Iterator[str]:
    for item in menu.items:
        if isinstance(item, Switch):
            yield item.command
        elif isinstance(item, Menu):
            yield from _switches(item)
