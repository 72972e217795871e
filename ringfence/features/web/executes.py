"""Commands in XML: off unless switched on, by Digest unless everybody is trusted, and in measure.

Source: phone-facts 1.5 and 7, XML services; XML Reference Guide, push by HTTP POST.
"""

import logging
from typing import Any
from xml.sax.saxutils import quoteattr

from aiohttp import web

from ringfence.config.catalog.values import ExecuteAuth
from ringfence.config.parameter import Level
from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.web import requests
from ringfence.features.web.digest import Digests, guard_of
from ringfence.features.web.plan import WebPlan
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View
from ringfence.policy.throttle import Throttle
from ringfence.protocols.sip.digest import Credentials, Guard
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

FIELD = "XML"
"""Field of the form that holds the object."""
BURST, PACE = 10, 1.0
"""Commands that one address may send at once, and seconds that each of more costs."""


class Executes:
    """Judges who sends an object, and has it obeyed."""

    def __init__(self, world: World, digests: Digests, view: View) -> None:
        self._world = world
        self._digests = digests
        self._view = view
        self._pace = Throttle(BURST, PACE)

    async def execute(self, request: web.Request, session: Session | None) -> web.Response:
        """Obey an object, and tell what became of each of its commands.

        Raises:
            RemoteProtocolError: nobody, or not this caller, may send any.

        """
        made = self._view.plan()
        if made.executes is None:
            raise RemoteProtocolError("CISCO XML EXE Enable is No.", 403)
        if refusal := self._refusal(request, made):
            return refusal
        source, now = request.remote or "", self._world.host.now()
        if wait := self._pace.wait(source, now):
            slower = requests.words(429, f"Too many commands. Try again in {wait:.0f} seconds.")
            return requests.told_to_wait(slower, wait)
        self._pace.failed(source, now)
        logger.info("web.xml_execute: from %s", source)
        text = request["form"].get(FIELD, "")
        try:
            told = await self._world.commands.run("xml-execute", {"xml": text})
        except RingfenceError as error:
            return _error(str(error))
        return _answer(told["replies"])

    def _refusal(self, request: web.Request, made: WebPlan) -> web.Response | None:
        if made.executes is ExecuteAuth.TRUSTED:
            return None
        if slowed := self._digests.wait(request):
            return slowed
        if requests.is_browser(request):
            # It would repeat the credentials for whatever page asks it to.
            raise RemoteProtocolError("Commands come from programs, not from browsers.", 403)
        return self._digests.refusal(request, self._whom(made), "allowed to command")

    def _whom(self, made: WebPlan) -> Guard:
        """Return who lets in whose commands are obeyed.

        Raises:
            RemoteProtocolError: they are nobody's.

        """
        user, secret = made.remote
        if made.executes is ExecuteAuth.LOCAL and made.user_password:
            return guard_of(Level.USER.value, made.user_password)
        if made.executes is ExecuteAuth.REMOTE and user and secret:
            return self._digests.guard(Credentials(user, secret.reveal()))
        text = "Nobody may send commands: the password that they ask for is not set."
        raise RemoteProtocolError(text, 403)


def _answer(replies: Any) -> web.Response:
    items = "".join(
        f"<ResponseItem URL={quoteattr(reply['uri'])} Data={quoteattr(reply['said'])} "
        f'Status="{reply["status"]}"/>'
        for reply in replies
    )
    return _xml(200, f"<CiscoIPPhoneResponse>{items}</CiscoIPPhoneResponse>")


def _error(reason: str) -> web.Response:
    return _xml(200, f'<CiscoIPPhoneError Number="1" Data={quoteattr(reason)}/>')


def _xml(status: int, body: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'
    return web.Response(status=status, text=text, content_type="text/xml")
