"""Ask XML services, show what they answer, and do the few things that they may ask for."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct, json, to_builtins
from msgspec.structs import asdict

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError, NetworkError, PolicyError, RingfenceError
from ringfence.features.xml_services import sheets
from ringfence.features.xml_services.plan import XmlPlan, url
from ringfence.messages import _
from ringfence.policy.credentials import masked
from ringfence.policy.macros import OF_CALLS, caller_number, expand
from ringfence.policy.rules import Url
from ringfence.protocols import phone_xml
from ringfence.protocols.phone_xml import Object
from ringfence.protocols.sip.digest import Credentials
from ringfence.runtime.commands import Command
from ringfence.runtime.download import OK, aim, unheard
from ringfence.runtime.feature import OnRequest, World
from ringfence.runtime.outcome import Outcome, outcome
from ringfence.runtime.state import Health, Status
from ringfence.surfaces.screen import menu

TITLE = "XML Services"
TITLES = {"directory": _("XML Directory"), "application": _("XML Application")}
MOST = 6
"""Objects that one request may fetch, where commands in them lead on."""
PATIENCE = 60.0
"""Seconds that they may take together."""
BUSY = "another request of a service is under way"


class Reply(Struct, frozen=True):
    """What became of one command in XML."""

    uri: str
    status: int
    """0 for done; else 4, an error of its own, or 6, what is not allowed. Source: XML Guide."""
    said: str


class _Errand(Struct):
    """One request with all that follows from it."""

    plan: XmlPlan
    left: int = MOST
    """Objects that may still be fetched."""


class XmlDriver(OnRequest[XmlPlan]):
    """One request at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: Outcome | None = None
        self._busy = False
        world.commands.register(Command(sheets.ASK, Level.USER, self._ask))
        world.commands.register(Command("xml-execute", Level.ADMIN, self._execute))

    def status(self) -> Status:
        """Return which services there are, and how the last request came out."""
        plan = self._plan
        if plan is None:
            return Status(Health.STARTING, title=TITLE)
        mode = plan.executes.value if plan.executes else "Refused"
        rows: list[tuple[str, str]] = [
            (TITLES[name], service.problem or masked(service.text))
            for name, service in plan.services.items()
        ]
        if plan.services and plan.waiting:
            rows.append(("Waiting", plan.waiting))
        rows.append(("Commands In XML", mode))
        rows += self._last.rows("XML") if self._last else ()
        data = {
            "services": {name: service.problem for name, service in plan.services.items()},
            "execute": plan.executes.value if plan.executes else None,
            "last": asdict(self._last) if self._last else None,
        }
        bad = self._last.problem if self._last else ""
        on = Health.FAILED if bad else Health.RUNNING
        health = on if plan.services or plan.executes else Health.DISABLED
        return Status(health, tuple(rows), data, TITLE)

    def _ready(self) -> XmlPlan:
        if self._plan is None:
            raise ConfigError(sheets.ASK, "it is not on yet", "try again in a moment")
        if self._plan.waiting:
            raise NetworkError(f"waiting for {self._plan.waiting}")
        return self._plan

    async def _ask(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Ask the service that is named, or follow a URI that one has given; return its sheet.

        Raises:
            ConfigError: there is no such service.
            RingfenceError: it was not reached, refused, or answered what cannot be shown.

        """
        plan = self._ready()
        if self._busy:
            raise ConfigError(sheets.ASK, BUSY, "wait for it")
        self._busy = True
        try:
            async with asyncio.timeout(PATIENCE):
                if uri := given.get("uri", ""):
                    return await self._follow(_Errand(plan), sheets.with_query(uri, given))
                where = self._service(plan, given.get("service", ""))
                return await self._fetch(_Errand(plan), where)
        except TimeoutError:
            raise NetworkError(f"no answer in {PATIENCE:g} s") from None
        finally:
            self._busy = False

    def _service(self, plan: XmlPlan, name: str) -> Url:
        service = plan.services.get(name)
        if service is None:
            known = ", ".join(plan.services) or "none"
            raise ConfigError("service", f"{name[:40]!r} is no service", f"known: {known}")
        if service.problem:
            raise ConfigError(service.tag, service.problem, "correct it")
        try:
            return url(expand(service.text, {**plan.values, **self._of_calls()}))
        except ValueError as error:
            raise ConfigError(service.tag, str(error), "correct it") from None

    def _of_calls(self) -> Mapping[str, str]:
        """Return the macros of the newest call; a caller's words cannot change the URL."""
        line = self._world.statuses().get("line")
        calls = line.data.get("calls", []) if line else []
        peer = str(calls[-1]["peer"]) if isinstance(calls, list) and calls else ""
        return dict.fromkeys(OF_CALLS, quote(caller_number(peer), safe=""))

    async def _follow(self, errand: _Errand, uri: str) -> Mapping[str, object]:
        """Do what a URI says.

        Raises:
            PolicyError: such a URI is not obeyed.
            RingfenceError: it could not be done.

        """
        commands = self._world.commands
        match sheets.kind(uri):
            case "Dial":
                return await commands.run("dial", {"target": sheets.number(uri)})
            case "Key":
                name = uri.partition(":")[2]
                if name not in sheets.KEYS:
                    raise PolicyError("xml-key", f"no service may press {name[:20]!r}")
                await commands.run("screen", {"key": sheets.KEYS[name], "by": "service"})
                return {"pressed": name}
            case "http" | "https":
                return await self._fetch(errand, self._read(uri))
        raise PolicyError("xml-uri", f"{uri[:60]!r} is not supported here")

    def _read(self, uri: str) -> Url:
        try:
            return url(uri)
        except ValueError as error:
            raise PolicyError("xml-uri", f"the service leads nowhere: {error}") from None

    async def _fetch(self, errand: _Errand, where: Url) -> Mapping[str, object]:
        if errand.left == 0:
            raise PolicyError("xml-loop", f"the service leads on more than {MOST} times")
        errand.left -= 1
        found = await self._get(errand.plan, where)
        if found.kind != "Execute":
            return {"sheet": menu.told(sheets.sheet(found, str(where)))}
        answer: Mapping[str, object] = {}
        for entry in found.entries:
            answer = await self._follow(errand, entry.url)
        return answer

    async def _get(self, plan: XmlPlan, where: Url) -> Object:
        """Return the object at a URL, and remember how it came out."""
        from ringfence.runtime import http

        world, shown = self._world, masked(str(where))
        request = http.Request(
            where,
            {"User-Agent": plan.reach.agent, "x-CiscoIPPhoneModelName": plan.values["PN"]},
            self._login(plan, where),
            limit=phone_xml.LIMITS.size,
        )
        secured = None
        try:
            target = aim(plan.reach, where.host, "an XML service")
            got = await http.get(world.egress, target, request, unheard, world.host.entropy)
            secured = got.secured
            if got.response.status != OK:
                raise NetworkError(f"{got.place}: HTTP status {got.response.status}")
            found = phone_xml.parse(got.response.body)
        except RingfenceError as error:
            self._last = outcome(world.host.wall(), shown, secured, str(error))
            raise
        self._last = outcome(world.host.wall(), shown, secured)
        return found

    def _login(self, plan: XmlPlan, where: Url) -> Credentials | None:
        """Return who the phone is, for the servers that the configuration names and no other."""
        if not plan.user:
            return None
        for name in plan.services:
            try:
                own = self._service(plan, name)
            except ConfigError:
                continue
            if (own.scheme, own.host, own.port) == (where.scheme, where.host, where.port):
                return Credentials(plan.user, plan.password.reveal())
        return None

    async def _execute(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Do what an object says that somebody has sent; return what became of each part.

        Raises:
            PolicyError: nobody may send commands.
            RemoteProtocolError: it is no object, or one that cannot be shown.
            ConfigError: the screen is not on.

        """
        plan = self._ready()
        if plan.executes is None:
            raise PolicyError("xml-execute-off", "commands in XML are not accepted")
        found = phone_xml.parse(given.get("xml", "").encode())
        if found.kind != "Execute":
            await self._show(menu.told(sheets.sheet(found, "")))
            return {"replies": [to_builtins(Reply("", 0, "Success"))]}
        errand = _Errand(plan)
        return {"replies": [to_builtins(await self._do(errand, one.url)) for one in found.entries]}

    async def _do(self, errand: _Errand, uri: str) -> Reply:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._follow(errand, uri)
            if "sheet" in answer:
                await self._show(answer["sheet"])
        except TimeoutError:
            return Reply(uri, 4, f"no answer in {PATIENCE:g} s")
        except PolicyError as error:
            return Reply(uri, 6, error.reason)
        except RingfenceError as error:
            return Reply(uri, 4, str(error))
        return Reply(uri, 0, "Success")

    async def _show(self, made: object) -> None:
        await self._world.commands.run("show", {"sheet": json.encode(made).decode()})
