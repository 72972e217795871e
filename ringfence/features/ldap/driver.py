"""Search the directory when somebody asks, and tell how the last search went."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from ringfence.config.codecs import Secret
from ringfence.config.parameter import Level
from ringfence.errors import ConfigError, RingfenceError
from ringfence.features.ldap.plan import LdapPlan, Login, Security
from ringfence.policy.directory import Way
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status, stamp

if TYPE_CHECKING:
    from ringfence.features.ldap.session import Found, Safety

logger = logging.getLogger(__name__)

TITLE = "LDAP Directory"
LONGEST = 128
"""Characters of what is searched for."""
LONGEST_LOGIN = 256


class Verdict(Struct, frozen=True):
    """How the last search went."""

    at: float
    """Seconds since the epoch."""
    security: str = ""
    """`TLS 1.3, TLS_AES_256_GCM_SHA384, matches ldap.telco.test`, or that it was clear text."""
    downgraded: bool = False
    """The server refused StartTLS, and the phone went on in clear text."""
    found: int = 0
    note: str = ""
    problem: str = ""
    """Why nothing came of it; empty where the directory answered."""


class LdapDriver:
    """Asks the one directory of a phone, one search at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: LdapPlan | None = None
        self._typed: Login | None = None
        """Who has signed in here; gone with the next change of the plan."""
        self._searching = False
        self._last: Verdict | None = None
        for name, handler in (
            ("directory", self._search),
            ("directory-sign-in", self._sign_in),
            ("directory-none", self._none),
        ):
            world.commands.register(Command(name, Level.USER, handler))

    async def apply(self, key: str, plan: LdapPlan) -> None:
        """Ask by another plan from now on."""
        if self._plan is None or self._plan.login != plan.login:
            self._typed = None
        self._plan = plan

    async def remove(self, key: str) -> None:
        """Ask nobody any more."""
        self._plan = self._typed = self._last = None

    async def close(self) -> None:
        """Forget who signed in."""
        self._typed = None

    def status(self) -> Status:
        """Return the server, how it is asked, and how the last search went."""
        plan = self._plan
        if plan is None:
            return Status(Health.DISABLED, title=TITLE)
        last = self._last
        rows = [
            ("Name", plan.directory.name),
            ("Server", plan.url),
            ("Security", _intended(plan)),
            ("Authentication", plan.login.method.value),
        ]
        if last:
            rows.append(("Last Search", f"{stamp(last.at)} {last.problem or _found(last)}"))
            rows += [("Last Connection", last.security)] if last.security else []
        ways = [{"word": way.word, "label": way.label} for way in plan.directory.ways]
        told = None if last is None else dict(to_builtins(last))
        data = {
            "name": plan.directory.name,
            "server": plan.url,
            "ways": ways,
            "prompts": plan.login.prompts and not (self._typed or plan.login).complete,
            "last": told,
        }
        return Status(self._health(plan), tuple(rows), data, TITLE)

    def _health(self, plan: LdapPlan) -> Health:
        if self._last is None:
            return Health.PENDING if plan.waiting else Health.RUNNING
        return Health.FAILED if self._last.problem or self._last.downgraded else Health.RUNNING

    # Commands

    async def _search(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Return whom the directory has: `word`, in the way `by`; a sheet `for` the screen."""
        plan = self._needed()
        way = _way(plan, given.get("by", ""))
        typed = given.get("word", "").strip()
        if len(typed) > LONGEST:
            raise ConfigError("word", f"is longer than {LONGEST} characters", "type less")
        login = self._login(plan, given)
        if self._searching:
            raise ConfigError("directory", "a search is under way", "wait for its end")
        self._searching = True
        try:
            found, last = await self._ask(plan, login, way, typed)
        except RingfenceError as error:
            return {"result": "failure", "reason": str(error)}
        finally:
            self._searching = False
        return _answer(plan, way, found, last, screen=given.get("for") == "screen")

    def _needed(self) -> LdapPlan:
        if self._plan is None:
            raise ConfigError("directory", "there is none", "set LDAP_Dir_Enable and LDAP_Server")
        if self._plan.waiting:
            raise ConfigError("directory", f"waits for {self._plan.waiting}", "try again later")
        if not self._plan.directory.ways:
            raise ConfigError("directory", "no filter can be used", "correct the LDAP filters")
        return self._plan

    def _login(self, plan: LdapPlan, given: Mapping[str, str]) -> Login:
        """Return who signs in: whoever is named now, has signed in, or is configured."""
        login = self._typed or plan.login
        if given.get("user") or given.get("password"):
            login = _typed(plan.login, given)
        if not login.complete:
            remedy = "set LDAP_Client_DN or LDAP_User_Name, and LDAP_Password"
            if login.prompts:
                remedy = "sign in to the directory"
            raise ConfigError("directory", "user name or password is missing", remedy)
        return login

    async def _ask(
        self, plan: LdapPlan, login: Login, way: Way, typed: str
    ) -> tuple["Found", Verdict]:
        from ringfence.features.ldap.session import Question, search  # nobody needs it before

        last = Verdict(self._world.host.wall())

        def told(safety: "Safety") -> None:
            nonlocal last
            words, refused = _safety(plan, safety), bool(safety.refusal)
            last = replace(last, security=words, downgraded=refused)
            if refused:
                logger.warning("ldap.downgraded: %s: %s", plan.url, words)

        egress, entropy = self._world.egress, self._world.host.entropy
        try:
            found = await search(egress, Question(plan, login, way, typed), told, entropy)
        except RingfenceError as error:
            logger.warning("ldap.failed: %s: %s", plan.url, error)
            last = replace(last, problem=str(error))
            raise
        else:
            last = replace(last, found=len(found.entries), note=_note(found))
            return found, last
        finally:
            if self._plan is plan:
                self._last = last

    async def _sign_in(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Keep who signs in until the phone restarts or the directory changes."""
        plan = self._plan
        if plan is None or not plan.login.prompts:
            raise ConfigError("directory", "it asks nobody for a password", "nothing to do")
        if not given.get("user"):
            self._typed = None
            return {"signed_in": False}
        login = _typed(plan.login, given)
        if not login.complete:
            raise ConfigError("password", "is missing", "type it")
        self._typed = login
        return {"signed_in": True}

    async def _none(self, given: Mapping[str, str]) -> Mapping[str, object]:
        return {"result": "failure", "reason": "The directory has no number of this entry."}


def _answer(
    plan: LdapPlan, way: Way, found: "Found", last: Verdict, *, screen: bool
) -> Mapping[str, object]:
    """Return the people for programs, and as a sheet for the screen."""
    from ringfence.features.ldap.people import people, sheet

    persons = people(plan.directory, found.entries)
    told: dict[str, object] = {
        "result": "success",
        "by": way.word,
        "entries": to_builtins(persons),
        "more": found.more,
        "note": last.note,
        "security": last.security,
        "downgraded": last.downgraded,
    }
    if screen:
        seen = "Not protected: the server refused TLS." if last.downgraded else last.note
        told["sheet"] = sheet(plan.directory.name, persons, seen)
    return told


def _typed(login: Login, given: Mapping[str, str]) -> Login:
    """Return the login with what a person typed, whatever was configured."""
    user, password = given.get("user", ""), given.get("password", "")
    if max(len(user), len(password)) > LONGEST_LOGIN:
        raise ConfigError("user", f"is longer than {LONGEST_LOGIN} characters", "type less")
    name = user or login.name
    return replace(
        login, client_dn=name, user=name, password=Secret(password) if password else login.password
    )


def _way(plan: LdapPlan, word: str) -> Way:
    """Return the way to search that a word names; the first where none is named."""
    ways = {way.word: way for way in plan.directory.ways}
    if word and word not in ways:
        raise ConfigError("by", f"{word[:40]!r} is no way to search", f"known: {', '.join(ways)}")
    return ways[word] if word else plan.directory.ways[0]


def _intended(plan: LdapPlan) -> str:
    """Return how the connection is to be protected."""
    words = plan.security.value
    if plan.security is Security.CLEAR:
        return f"{words}: who listens reads along"
    fallback = "; clear text where the server refuses" if plan.falls_back else ""
    return f"{words}, server name verified{fallback}"


def _safety(plan: LdapPlan, held: "Safety") -> str:
    """Return how a connection came out."""
    if held.secured:
        words = f"{plan.security.value}: {held.secured.version}, {held.secured.suite}"
        return f"{words}, matches {held.secured.matched}"
    if held.refusal:
        return f"DOWNGRADED to clear text: the server refused StartTLS ({held.refusal})"
    return "clear text"


def _note(found: "Found") -> str:
    notes = ["there is more: type more to find less"] if found.more else []
    if found.referred:
        notes.append(f"{found.referred} references to other servers are not followed")
    return "; ".join(notes)


def _found(last: Verdict) -> str:
    noun = "entry" if last.found == 1 else "entries"
    return f"{last.found} {noun}" + (f"; {last.note}" if last.note else "")
