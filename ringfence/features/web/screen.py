"""The phone's screen in a browser: the picture that a terminal paints, too, and its keys."""

import base64
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.web import requests
from ringfence.features.web.events import Events
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View, see
from ringfence.messages import _
from ringfence.runtime.feature import World

LONGEST_TEXT = 64
"""Characters that are typed at once."""
PAD: tuple[tuple[str, str], ...] = (
    *((digit, digit) for digit in "123456789*0#"),
    *(("Back", _("Back")), ("Up", _("Up")), ("Delete", _("Delete"))),
    *(("Left", _("Left")), ("Select", _("Select")), ("Right", _("Right"))),
    *(("Home", _("Home")), ("Down", _("Down")), ("Clear", _("Clear"))),
    *(("Softer", _("Softer")), ("Mute", _("Mute")), ("Louder", _("Louder"))),
    ("Applications", _("Applications")),
)
"""Keys under the screen, and what stands on them; softkeys and lines are on the screen itself."""


class Screen:
    """The one screen of the phone, whose rules say what can be seen and changed on it."""

    def __init__(self, world: World, view: View, events: Events) -> None:
        self._world = world
        self._view = view
        self._events = events

    async def screen(self, request: web.Request, session: Session) -> web.Response:
        """Show the screen and its keys."""
        try:
            told = await self._look()
        except RingfenceError as error:
            return self._view.message(409, error.message, session=session)
        return self._view.page(
            "screen.html",
            session=session,
            path=request.path,
            rows=told["rows"],
            behind=told["behind"],
            face=told["face"],
            pad=PAD,
        )

    async def press(self, request: web.Request, session: Session) -> web.Response:
        """Press a key, or one for each character of a text.

        A script that asks gets no page: nothing, or why it was refused.
        """
        form = request["form"]
        refused = await self._press([form["key"]] if "key" in form else form.get("text", ""))
        if "script" in form:
            return requests.words(409, refused) if refused else web.Response(status=204)
        if refused:
            session.notices.append(refused)
        return see("/screen")

    async def _press(self, keys: list[str] | str) -> str:
        """Press keys; return why one was refused."""
        if len(keys) > LONGEST_TEXT:
            return _("That is too long.")
        for key in keys:
            try:
                await self._world.commands.run("screen", {"key": key})
            except RingfenceError as error:
                return error.message
        return ""

    async def screen_events(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Tell the screen now, and each time when it has changed."""
        mark = ""

        async def look() -> Mapping[str, str]:
            nonlocal mark
            told = await self._look(mark)
            mark = told["mark"]
            pictures = self._view.part("pictures.html", behind=told["behind"], face=told["face"])
            return {"screen": self._view.part("face.html", rows=told["rows"]), "pictures": pictures}

        return await self._events.stream(request, session, {}, look)

    async def screen_picture(self, request: web.Request, session: Session) -> web.Response:
        """Return a picture that the screen shows now: the phone's own, never its server's.

        Raises:
            RemoteProtocolError: it does not show it.

        """
        given = {"digest": request.match_info["digest"]}
        try:
            told = await self._world.commands.run("picture", given)
        except RingfenceError as error:
            raise RemoteProtocolError(error.message, 404) from None
        return web.Response(body=base64.b64decode(str(told["png"])), content_type="image/png")

    async def _look(self, mark: str = "") -> Mapping[str, Any]:
        return await self._world.commands.run("screen", {"mark": mark} if mark else {})
