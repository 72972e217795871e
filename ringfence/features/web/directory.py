"""The page of the directory: search it, and dial whom it has."""

import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View
from ringfence.messages import _
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

PATH = "/directory"
WORDS = ("word", "by", "user", "password")
"""Fields of the form that the command takes."""


class Directory:
    """Asks the directory for an account that is logged in."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view

    async def directory(self, request: web.Request, session: Session) -> web.Response:
        """Show the form."""
        return self._page(session)

    async def directory_search(self, request: web.Request, session: Session) -> web.Response:
        """Show whom the directory has."""
        form = request["form"]
        words = {name: form[name] for name in WORDS if form.get(name)}
        try:
            told = await self._world.commands.run("directory", words)
        except RingfenceError as error:
            told = {"result": "failure", "reason": str(error)}
        code = 200 if told["result"] == "success" else 502
        return self._page(session, code, told=told, word=form.get("word", ""), by=form.get("by"))

    async def directory_dial(self, request: web.Request, session: Session) -> web.Response:
        """Call somebody."""
        target = request["form"].get("target", "")
        try:
            await self._world.commands.run("dial", {"target": target})
        except RingfenceError as error:
            return self._page(session, 409, told={"result": "failure", "reason": str(error)})
        logger.info("web.dialled: from %s", request.remote)
        session.notices.append(_("The phone calls {number}.", number=target))
        return self._page(session)

    def _page(
        self,
        session: Session,
        code: int = 200,
        *,
        told: Mapping[str, Any] | None = None,
        word: str = "",
        by: str | None = None,
    ) -> web.Response:
        held = self._view.directory()
        if not held:
            raise RemoteProtocolError("There is no such page.", 404)
        return self._view.page(
            "directory.html",
            code,
            session=session,
            path=PATH,
            held=held,
            told=told,
            word=word,
            by=by,
        )
