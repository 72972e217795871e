"""Search the directory, read the call log, and show what was found."""

from collections.abc import Callable, Mapping

from msgspec import to_builtins
from msgspec.structs import asdict, replace

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError, NetworkError, RingfenceError
from ringfence.features.xsi.plan import XsiPlan
from ringfence.policy.number_mapping import dialable
from ringfence.protocols import xsi
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.xsi import Entry, Found
from ringfence.runtime.commands import Command
from ringfence.runtime.download import OK, aim, unheard
from ringfence.runtime.feature import OnRequest, World
from ringfence.runtime.outcome import Outcome, outcome
from ringfence.runtime.state import Health, Status
from ringfence.surfaces.screen import menu
from ringfence.surfaces.screen.menu import Sheet, Softkey

TITLE = "XSI Directory"
SEARCH, CALLS = "xsi-search", "xsi-calls"
LONGEST = 64
"""Characters of a search."""


class XsiDriver(OnRequest[XsiPlan]):
    """One request at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: Outcome | None = None
        self._busy = False
        world.commands.register(Command(SEARCH, Level.USER, self._search))
        world.commands.register(Command(CALLS, Level.USER, self._calls))

    def status(self) -> Status:
        """Return whom the phone asks, and how the last request came out."""
        plan = self._plan
        if plan is None:
            return Status(Health.DISABLED, title=TITLE)
        kind = "SIP Credentials" if plan.sip_user else "Login Credentials"
        rows = [("XSI Directory", plan.directory), ("XSI Login", f"{plan.user}, {kind}")]
        if plan.waiting:
            rows.append(("Waiting", plan.waiting))
        rows += self._last.rows("XSI") if self._last else [("XSI Server", str(plan.base))]
        bad = self._last.problem if self._last else ""
        data = {"last": asdict(self._last) if self._last else None}
        return Status(Health.FAILED if bad else Health.RUNNING, tuple(rows), data, TITLE)

    async def _search(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Return what the directory has for the words that are given.

        Raises:
            ConfigError: there is no directory, or another search is under way.
            RingfenceError: the server was not reached, refused, or answered nothing of use.

        """
        plan = self._ready()
        typed = {name: text[:LONGEST] for name, text in given.items() if name != "start"}
        text = given.get("start", "1")
        start = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 1
        path = xsi.directory_path(plan.user, plan.directory, typed, start)
        found = await self._get(plan, path, lambda body: xsi.read_directory(body, plan.directory))
        return {"found": to_builtins(found), "sheet": menu.told(_results(found, typed))}

    async def _calls(self, _: Mapping[str, str]) -> Mapping[str, object]:
        """Return the call log."""
        plan = self._ready()
        found = await self._get(plan, xsi.call_log_path(plan.user), xsi.read_call_log)
        return {"found": to_builtins(found), "sheet": menu.told(_log(found))}

    def _ready(self) -> XsiPlan:
        if self._plan is None:
            raise ConfigError("Directory_Enable", "the XSI directory is off", "set it to Yes")
        if self._plan.waiting:
            raise NetworkError(f"waiting for {self._plan.waiting}")
        if self._busy:
            raise ConfigError(SEARCH, "another search is under way", "wait for it")
        return self._plan

    async def _get(self, plan: XsiPlan, path: str, read: Callable[[bytes], Found]) -> Found:
        """Return what is read of an answer, and remember how it came out."""
        from ringfence.runtime import http

        world = self._world
        where = replace(plan.base, path=plan.base.path + path)
        request = http.Request(
            where,
            {"User-Agent": plan.reach.agent},
            Credentials(plan.user, plan.password.reveal()),
            limit=xsi.LIMITS.size,
            sip_user=plan.sip_user,
        )
        secured = None
        self._busy = True
        try:
            target = aim(plan.reach, where.host, "XSI_Host_Server")
            got = await http.get(world.egress, target, request, unheard, world.host.entropy)
            secured = got.secured
            if got.response.status != OK:
                raise NetworkError(f"{got.place}: HTTP status {got.response.status}")
            found = read(got.response.body)
        except RingfenceError as error:
            self._last = outcome(world.host.wall(), str(plan.base), secured, str(error))
            raise
        finally:
            self._busy = False
        self._last = outcome(world.host.wall(), str(plan.base), secured)
        return found


def _results(found: Found, typed: Mapping[str, str]) -> Sheet:
    items = tuple(_item(entry, entry.name) for entry in found.entries)
    end = found.start + len(items) - 1
    prompt = f"{found.start} to {end} of {found.total}" if items else "Nobody was found."
    keys = _keys() if items else ()
    if items and end < found.total:
        more = menu.Command("More", SEARCH, {**typed, "start": str(end + 1)}, done="")
        keys = (*keys, Softkey("More", "renew", more))
    return Sheet("Directory", prompt=prompt, items=items, softkeys=(*keys, Softkey("Back", "back")))


def _log(found: Found) -> Sheet:
    items = tuple(
        _item(entry, f"{entry.list.title()} {entry.time[11:]} {entry.name}")
        for entry in found.entries
    )
    prompt = "" if items else "There are no calls."
    keys = _keys() if items else ()
    return Sheet("Call log", prompt=prompt, items=items, softkeys=(*keys, Softkey("Back", "back")))


def _item(entry: Entry, label: str) -> menu.Command:
    return menu.Command(label, "dial", {"target": dialable(entry.number) or entry.number})


def _keys() -> tuple[Softkey, ...]:
    return Softkey("Dial", "select"), Softkey("EditDial", "edit")
