"""Pages as HTML, from templates that know no parameter and no feature by name."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import partial
from importlib.resources import files
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup, escape
from msgspec.structs import replace

from ringfence.config.cfgxml_write import element
from ringfence.config.parameter import Level
from ringfence.config.settings import slots
from ringfence.config.snapshot import Snapshot
from ringfence.errors import RemoteProtocolError
from ringfence.features.web.plan import WebPlan, plan
from ringfence.features.web.sessions import Session
from ringfence.messages import Message, _, joined, plural
from ringfence.messages.language import ENGLISH, Language, named, preferred
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, stamp
from ringfence.surfaces import forms, status
from ringfence.surfaces.plot import Drawing, drawing

HERE = files("ringfence.features.web")

COMMANDS = {
    "resync": (_("Resync now"), ""),
    "problem-report": (_("Report a problem"), ""),
    "reboot": (_("Reboot the phone"), _("Calls end, and the phone is away for a moment.")),
}
"""`{command: (words of its button, warning before it is given)}`."""
READER: ContextVar[Language] = ContextVar("READER", default=ENGLISH)
"""The language of whoever sent the request in work."""


MOST_TABS = 16
"""Tabs that are kept as they were made, of some 45 kB each."""
MOST_FIELDS = 500
"""Fields that are kept as they were made, of some 800 bytes each."""
_CALLS = {"/calls/all": "Call History"}
_USERS = _CALLS | {"/screen": "Screen"}
MORE = {Level.USER: _USERS, Level.ADMIN: {"/admin/certificate": "Certificate"} | _USERS}
"""Tabs beside Info and Voice, `{level: {address: title}}`."""


class View:
    """What a browser gets to see."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._templates = jinja2.Environment(
            loader=jinja2.FunctionLoader(
                lambda name: (HERE / "templates" / name).read_text(encoding="utf-8")
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_said,
        )
        self._templates.globals.update(
            clear=forms.CLEAR, set_by=forms.SET_BY, _=_, plural=plural, name=_name, line=_line
        )
        self._templates.globals.update(place_of=forms.place_of, title_of=forms.title)
        self._templates.globals.update(where=world.places.where, drawn=self._field)
        for file in (HERE / "templates").iterdir():
            self._templates.get_template(file.name)  # no visitor waits for a compiler
        self._tabs: dict[tuple[object, ...], tuple[Snapshot, str]] = {}
        """Tabs without a draft and what they were made from; what was used last is the last."""

        self._fields: dict[tuple[object, ...], Markup] = {}
        """Fields as they were made, of nothing that was typed."""

    def meet(self, request: web.Request) -> None:
        """Speak the language that the browser wants, or that of the phone's screen.

        Source: ADR 42.
        """
        selected = self._world.snapshot().settings.regional.language_selection
        own = named(selected, self._world.facts().language)
        READER.set(preferred(request.headers.get("Accept-Language", ""), own))

    def plan(self) -> WebPlan:
        """Return what the settings in force say of the page, be it in place yet or not.

        Raises:
            RemoteProtocolError: the page is being switched off.

        """
        made = plan(self._world.snapshot().settings, self._world.facts()).plans.get("")
        if made is None:
            raise RemoteProtocolError(_("The page is switched off."), 503)
        return made

    def unconfirmed(self, session: Session) -> Mapping[str, Any] | None:
        """Return what waits for a confirmation; empty where the account may not give it."""
        waits: Any = self._world.statuses()["phone"].data.get("unconfirmed")
        if waits is None:
            return None
        rows = (slots()[tag].row for tag in waits["parameters"])
        allowed = session.level is Level.ADMIN or all(row.level is Level.USER for row in rows)
        titles = joined(forms.title(tag) for tag in waits["parameters"])
        return {**waits, "titles": titles} if allowed else {}

    def directory(self) -> Mapping[str, Any]:
        """Return what the directory says of itself; nothing where there is none."""
        told = self._world.statuses().get("ldap")
        return told.data if told else {}

    def page(
        self, template: str, code: int = 200, *, session: Session | None = None, **context: Any
    ) -> web.Response:
        """Return one page."""
        if session:
            context["info"] = status.PAGES
            context["voice"] = forms.places(self._world.snapshot(), session.level)
            context["more"] = dict(MORE[session.level])
            if name := self.directory().get("name", ""):
                context["more"]["/directory"] = name
            context["commands"] = COMMANDS if session.level is Level.ADMIN else {}
            context["unconfirmed"] = self.unconfirmed(session)
            context["notices"], session.notices = session.notices, []
        identity = self._world.facts().identity
        text = self._templates.get_template(template).render(
            identity=identity, session=session, code=code, language=READER.get(), **context
        )
        return web.Response(status=code, text=text, content_type="text/html", charset="utf-8")

    def info(self, session: Session, word: str, files: Mapping[str, str]) -> web.Response:
        """Return a page under Info, with files to take away, `{address: name}`.

        Raises:
            RemoteProtocolError: there is none of that word.

        """
        sections = self.sections(word, session.level)
        title, path = status.PAGES[word].value, f"/info/{word}"
        return self.page(
            "status.html",
            session=session,
            path=path,
            title=title,
            sections=sections,
            plots=self._drawn(sections),
            ailing=_ailing(sections),
            files=files,
        )

    def sections(self, word: str, level: Level) -> tuple[status.StatusSection, ...]:
        """Return what stands on a page under Info; a user is led to no tab of the administrator.

        Raises:
            RemoteProtocolError: there is none of that word.

        """
        if word not in status.PAGES:
            raise RemoteProtocolError(_("There is no such page."), 404)
        found = status.sections(self._world.statuses())
        return tuple(
            section if level is Level.ADMIN else replace(section, remedies={})
            for section in found
            if section.page is status.PAGES[word]
        )

    def cards(self, word: str, level: Level) -> Mapping[str, str]:
        """Return the cards of a page under Info, `{name: HTML}`.

        Raises:
            RemoteProtocolError: there is none of that word.

        """
        card, sections = self._templates.get_template("card.html"), self.sections(word, level)
        attention = self._templates.get_template("attention.html")
        made = {"attention": attention.render(ailing=_ailing(sections))}
        made |= {each.name: card.render(section=each) for each in sections}
        drawn = self._templates.get_template("plot.html")
        return made | {f"plot-{p.name}": drawn.render(plot=p) for p in self._drawn(sections)}

    def _drawn(self, sections: Iterable[status.StatusSection]) -> list[Drawing]:
        host = self._world.host
        boot = round(host.wall() - host.now())
        drawn = (
            drawing(plot, lambda at: stamp(boot + at)) for each in sections for plot in each.plots
        )
        return sorted(drawn, key=lambda each: bool(each.levels))  # how things stand comes first

    def tab(self, session: Session, place: forms.Place, code: int = 200) -> web.Response:
        """Return one tab under Voice with the session's draft, and remember what was shown."""
        snapshot = self._world.snapshot()
        session.shown[place.name] = snapshot
        return self.page(
            "settings.html",
            code,
            session=session,
            path=f"/voice/{place.name}",
            place=place,
            kept=partial(self._kept, session, place, snapshot),
            differences=forms.differences(session.draft, snapshot),
            errors=[(forms.title(tag), tag, why) for tag, why in session.draft.errors.items()],
        )

    def _kept(
        self,
        session: Session,
        place: forms.Place,
        snapshot: Snapshot,
        caller: Callable[[forms.Tab], str],
    ) -> str:
        """Return the fields of a tab as HTML, as they were last while no value has changed.

        A draft is laid over them anew each time: it may have secrets, which nothing keeps.
        """
        if session.draft is not forms.NOTHING:
            return caller(self._tab(session, place, snapshot))
        key = place, session.level, READER.get(), self._world.places.count
        held, made = self._tabs.pop(key, (None, ""))
        if held is not snapshot:
            made = caller(self._tab(session, place, snapshot))
        self._tabs[key] = snapshot, made
        if len(self._tabs) > MOST_TABS:
            del self._tabs[next(iter(self._tabs))]
        return made

    def _tab(self, session: Session, place: forms.Place, snapshot: Snapshot) -> forms.Tab:
        firmware = self._world.facts().identity.firmware
        return forms.tab(snapshot, place, session.level, session.draft, firmware)

    def _field(self, field: forms.Field) -> Markup:
        """Return one field as HTML; what was typed is made anew each time, and kept nowhere."""
        key = field, READER.get(), self._world.places.count
        if (made := self._fields.get(key)) is None:
            made = Markup(self._templates.get_template("field.html").render(field=field))  # noqa: S704
            if not (field.pending or field.error):
                self._fields[key] = made
                if len(self._fields) > MOST_FIELDS:
                    del self._fields[next(iter(self._fields))]
        return made

    def part(self, template: str, **context: Any) -> str:
        """Return a part of a page as HTML."""
        return self._templates.get_template(template).render(**context)

    def message(
        self,
        code: int,
        text: str,
        *,
        session: Session | None = None,
        link: str = "",
        login: str | None = None,
    ) -> web.Response:
        """Return a page that says one thing; `login` offers to log in, as the account named."""
        return self.page(
            "message.html", code, session=session, path="", text=text, link=link, login=login
        )


def _name(text: str) -> Markup:
    """Return a value or a name inside a sentence: no language turns it, and no browser either."""
    return Markup('<bdi translate="no">{}</bdi>').format(text)


def _line(field: forms.Field) -> str:
    """Return what a cfg.xml says to set a field as it is."""
    return element(field.tag, field.access, None if field.kind is forms.Kind.SECRET else field.text)


def _said(shown: Any) -> Any:
    """Return what a template shows: a message in the reader's language, all else as it is."""
    if not isinstance(shown, Message):
        return shown
    language = READER.get()
    if any(isinstance(value, Markup) for value in shown.values.values()):
        filled = {
            name: language.say(value) if isinstance(value, Message) else value
            for name, value in shown.values.items()
        }
        return escape(language.template(shown)).format(**filled)
    return language.say(shown)


def _ailing(sections: Iterable[status.StatusSection]) -> list[status.StatusSection]:
    """Return what does not do as it should, the worst first."""
    wrong = (Health.FAILED, Health.PENDING)
    return [each for health in wrong for each in sections if each.health is health]


def see(path: str) -> web.Response:
    """Return the answer that leads a browser to another page."""
    return web.Response(status=303, headers={"Location": path})
