"""The pages behind the login."""

import logging
from urllib.parse import urlencode

from aiohttp import web

from ringfence.config.parameter import Level
from ringfence.errors import RemoteProtocolError, RingfenceError
from ringfence.features.web import requests
from ringfence.features.web.plan import WebPlan, plan
from ringfence.features.web.routes import is_page
from ringfence.features.web.sessions import Session
from ringfence.features.web.submission import submit
from ringfence.features.web.view import COMMANDS, READER, View, see
from ringfence.messages import _, joined
from ringfence.runtime.feature import World
from ringfence.runtime.reach import new_lock_outs
from ringfence.surfaces import forms, status

logger = logging.getLogger(__name__)

LONGEST_QUERY, MOST_FOUND = 100, 60
"""Characters of a search, and results that it shows."""


class Pages:
    """Status, settings and commands, for the account that a session is of."""

    def __init__(self, world: World, view: View) -> None:
        self._world = world
        self._view = view

    async def home(self, request: web.Request, session: Session) -> web.Response:
        """Lead to the first page of an account."""
        return see("/info/status")

    async def advanced(self, request: web.Request, session: Session) -> web.Response:
        """Lead to the administrator's first tab."""
        return see("/voice/system")

    async def info(self, request: web.Request, session: Session) -> web.Response:
        """Show what the features of a page under Info say of themselves."""
        report = self._newest_report() if session.level is Level.ADMIN else ""
        files = {"/admin/problem-report": report} if report else {}
        return self._view.info(session, request.match_info["page"], files)

    async def search(self, request: web.Request, session: Session) -> web.Response:
        """Show the parameters that have all words of a query in tag, label, section or help."""
        words = request.query.get("q", "")[:LONGEST_QUERY]
        found = forms.search(
            self._world.snapshot(), session.level, session.draft, words, READER.get()
        )
        return self._view.page(
            "search.html",
            session=session,
            path=request.path,
            words=words,
            found=found[:MOST_FOUND],
            count=len(found),
        )

    async def problem_report(self, request: web.Request, session: Session) -> web.Response:
        """Return the newest problem report that the phone keeps.

        Raises:
            ComponentError: it cannot be read.

        """
        if not (name := self._newest_report()):
            raise RemoteProtocolError(_("There is no problem report yet."), 404)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        body = self._world.host.read(name)
        return web.Response(body=body, content_type="application/gzip", headers=headers)

    def _newest_report(self) -> str:
        told = self._world.statuses().get("problem_report")
        return str(told.data.get("newest", "")) if told else ""

    async def status_xml(self, request: web.Request, session: Session) -> web.Response:
        """Return the same for programs."""
        body = status.to_xml(status.sections(self._world.statuses()))
        return web.Response(body=body, content_type="text/xml", charset="utf-8")

    async def command(self, request: web.Request, session: Session) -> web.Response:
        """Give one of the page's commands."""
        name = request.match_info["command"]
        if name not in COMMANDS:
            raise RemoteProtocolError(_("There is no such command."), 404)
        try:
            await self._world.commands.run(name, {})
        except RingfenceError as error:
            return self._view.message(409, error.message, session=session)
        logger.info("web.command: %s from %s", name, request.remote)
        words, warning = COMMANDS[name]
        begun = _("{command}: it has begun.", command=words)
        if warning:
            return self._view.message(200, begun, session=session)
        session.notices.append(begun)
        return see("/info/status")

    async def confirm(self, request: web.Request, session: Session) -> web.Response:
        """Let changes stand that are undone otherwise."""
        if self._view.unconfirmed(session) == {}:
            raise RemoteProtocolError(_("The administrator must confirm these changes."), 403)
        try:
            await self._world.commands.run("confirm", {})
        except RingfenceError as error:
            return self._view.message(409, error.message, session=session)
        logger.info("web.confirmed: from %s", request.remote)
        session.notices.append(_("The changes stand."))
        return see("/info/status")

    async def tab(self, request: web.Request, session: Session) -> web.Response:
        """Show one tab under Voice."""
        return self._view.tab(session, self._place(request, session))

    async def submit(self, request: web.Request, session: Session) -> web.Response:
        """Keep what was typed; then store all of it, undo all of it, or show another page.

        Raises:
            ComponentError: it could not be stored.

        """
        place = self._place(request, session)
        form = request["form"]
        snapshot, shown = self._world.snapshot(), session.shown.get(place.name)
        session.draft = forms.kept(session.draft, form, snapshot, session.level, shown)
        wish = form.get("do", "submit")
        if wish == "undo":
            session.draft = forms.NOTHING
            session.notices.append(_("All changes that were not submitted are undone."))
        elif wish == "search" or (wish == "enter" and form.get("q", "")):
            return see(f"/search?{urlencode({'q': form.get('q', '')[:LONGEST_QUERY]})}")
        elif wish.startswith("go:"):
            return see(wish[3:] if is_page(wish[3:]) else "/")
        elif session.draft.edits:
            await self._world.prepare(session.draft.changes)
            return self._store(request, session, place)
        else:
            session.notices.append(_("Nothing was changed."))
        return see(f"/voice/{place.name}")

    def _place(self, request: web.Request, session: Session) -> forms.Place:
        place = forms.PLACES.get(request.match_info["place"])
        if place is None or place not in forms.places(self._world.snapshot(), session.level):
            raise RemoteProtocolError(_("There is no such page."), 404)
        return place

    def _store(self, request: web.Request, session: Session, place: forms.Place) -> web.Response:
        before, held = self._view.plan(), self._world.snapshot().settings
        wanted = session.draft.changes
        if refused := submit(self._world, wanted):
            errors = {error.parameter: error.reason for error in refused}
            session.draft = forms.Draft(session.draft.edits, errors)
            shown = [forms.place_of(tag) for tag in errors]
            return self._view.tab(session, place if place in shown else shown[0], 422)
        session.draft = forms.NOTHING
        logger.info("web.submitted: %d parameters from %s", len(wanted), request.remote)
        after = plan(self._world.snapshot().settings, self._world.facts()).plans.get("")
        if after is None:
            return self._view.message(200, _("Stored. The phone serves no page from now on."))
        session.password = after.password(session.level)
        if moved := self._moved(request, before, after):
            return moved
        for effect, titles in forms.effects(wanted).items():
            session.notices.append(
                _(
                    "Stored, takes effect {when}: {parameters}.",
                    when=effect.value,
                    parameters=joined(titles),
                )
            )
        session.notices += forms.doubts(wanted)
        session.notices += forms.told(
            new_lock_outs(held, self._world.snapshot().settings, self._world.facts())
        )
        return see(f"/voice/{place.name}")

    def _moved(self, request: web.Request, before: WebPlan, after: WebPlan) -> web.Response | None:
        """Return the last page that this address shows, where the page moves elsewhere."""
        if (after.port, after.url_scheme) == (before.port, before.url_scheme):
            return None
        url = f"{after.url_scheme}://{requests.host_name(request)}:{after.port}/"
        text = _("Stored. The page moves; continue at its new address.")
        return self._view.message(200, text, link=url)
