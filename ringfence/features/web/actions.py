"""Direct action URLs: commands that programs give by HTTP.

Source: phone-facts 2.10.
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from ringfence.config import cfgxml
from ringfence.config.snapshot import Origin
from ringfence.errors import ConfigError, DocumentError, RingfenceError
from ringfence.features.web import requests
from ringfence.features.web.sessions import Session
from ringfence.messages import _
from ringfence.runtime.feature import World
from ringfence.runtime.reach import lock_outs

logger = logging.getLogger(__name__)

_STATUS = {"waiting": 202, "failure": 502}
"""`{result: HTTP status}` of commands that tell how they came out; others are done: 200."""


class Actions:
    """Does what a caller asks who was let in; every answer is JSON."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def resync(self, request: web.Request, session: Session | None) -> web.Response:
        """Resync now, by the rule in the query where there is one."""
        return await self._give(request, "resync", "rule")

    async def upgrade(self, request: web.Request, session: Session | None) -> web.Response:
        """Upgrade now, by the rule in the query where there is one."""
        return await self._give(request, "upgrade", "rule")

    async def reboot(self, request: web.Request, session: Session | None) -> web.Response:
        """Reboot."""
        return await self._give(request, "reboot", "")

    async def config(self, request: web.Request, session: Session | None) -> web.Response:
        """Store what a cfg.xml says, and return what the reader found in it.

        Raises:
            ComponentError: it could not be stored.
            RemoteProtocolError: it never arrived whole.

        """
        body, snapshot = await requests.body(request), self._world.snapshot()
        try:
            document = cfgxml.read(body)
        except DocumentError as error:
            place = {"line": error.line, "column": error.column}
            return _told(422, {"error": str(error), **place})
        changes = document.changes(snapshot)
        await self._world.prepare(changes)
        errors = self._world.submit(changes, Origin.PROFILE)
        self._world.places.remember(_("the body of POST /admin/config.xml"), document)
        locked = lock_outs(self._world.snapshot().settings, self._world.facts())
        found = [*document.positioned(errors), *document.findings, *locked]
        logger.info("web.config: %d parameters from %s", len(changes), request.remote)
        told = {"stored": len(changes) - len(errors), "findings": msgspec.to_builtins(found)}
        return _told(200, told)

    async def _give(self, request: web.Request, name: str, argument: str) -> web.Response:
        """Give a command, with the text of the query as its argument."""
        commands, text = self._world.commands, requests.query_text(request)
        try:
            commands.level(name)
        except ConfigError:
            return _told(501, {"error": f"this phone has no command {name!r}"})
        logger.info("web.action: %s from %s", name, request.remote)
        try:
            told = await commands.run(name, {argument: text} if argument and text else {})
        except RingfenceError as error:
            return _told(409, {"error": str(error)})
        return _told(_STATUS.get(str(told.get("result")), 200), told)


def _told(status: int, told: Mapping[str, Any]) -> web.Response:
    return web.json_response(told, status=status)
