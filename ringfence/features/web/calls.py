"""The tab Call History. Source: phone-facts 8, Web."""

from typing import Any

from aiohttp import web

from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.web.routes import CALLS
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View, see
from ringfence.messages import Message, _
from ringfence.runtime.feature import World
from ringfence.runtime.state import stamp

PATH = "/calls/all"


class Calls:
    """The calls that there were, and the button that forgets them."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view

    async def calls(self, request: web.Request, session: Session) -> web.Response:
        """Show all calls, or those of a kind."""
        kind = request.match_info["kind"]
        if kind not in CALLS:
            raise RemoteProtocolError(_("There is no such page."), 404)
        told = self._world.statuses().get("line")
        recent: Any = told.data.get("recent", ()) if told else ()
        host = self._world.host
        ahead = host.local() - host.wall()
        shown = [
            one
            | {"when": stamp(one["at"] + ahead), "lasted": _lasted(one["seconds"])}
            | {"protected": protection(one["transport"], one["srtp"])}
            for one in recent
            if kind in ("all", one["kind"])
        ]
        return self._view.page(
            "calls.html",
            session=session,
            path=PATH,
            kind=kind,
            kinds=CALLS,
            calls=shown,
            some=bool(recent),
        )

    async def forget_calls(self, request: web.Request, session: Session) -> web.Response:
        """Forget every call."""
        try:
            await self._world.commands.run("forget-calls", {})
        except RingfenceError as error:
            return self._view.message(409, str(error), session=session)
        session.notices.append(_("The call history is empty."))
        return see(PATH)


def protection(transport: str, srtp: str) -> Message:
    """Return how a call was protected."""
    if not srtp:
        return _("not encrypted")
    if transport != "TLS":
        return _(
            "SRTP {suite}, its keys in clear text over {transport}", suite=srtp, transport=transport
        )
    return _("SRTP {suite}, signalling over TLS", suite=srtp)


def _lasted(seconds: int | None) -> str:
    """Return a duration as `1:02:03` or `2:03`; empty where nobody answered."""
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
