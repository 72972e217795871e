"""One resync: the rules in turn, each applied before the next; the first failure ends it.

Source: phone-facts 2.7, 2.9; chapter, Redundant Provisioning Servers, Syslog Server.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config import cfgxml
from ringfence.config.codecs import Secret
from ringfence.config.settings import canonical
from ringfence.config.snapshot import Change, Origin
from ringfence.errors import ConfigError, Finding, NetworkError, RingfenceError
from ringfence.features.provisioning import activation
from ringfence.features.provisioning.fetch import Fetch, Fetched
from ringfence.features.provisioning.plan import (
    RULES,
    TAGS,
    ProvisioningPlan,
    Step,
    next_step,
    plan,
)
from ringfence.messages import _
from ringfence.policy.macros import expand
from ringfence.policy.rules import Url
from ringfence.runtime.download import FILE_REFUSED, aim
from ringfence.runtime.feature import World
from ringfence.runtime.log import message
from ringfence.runtime.reach import request_macros

logger = logging.getLogger(__name__)

REASON_LIMIT = 800
"""Characters of a reason that are kept."""


class Read(Struct, frozen=True):
    """A file that was applied, and what of it was refused."""

    applied: cfgxml.Applied
    errors: tuple[ConfigError, ...]
    wrapping: tuple[Finding, ...] = ()

    def findings(self) -> list[Finding]:
        """Return what the provider should know of the file; costs a second look at it."""
        document = self.applied.document
        return [*self.wrapping, *document.positioned(self.errors), *document.findings]


class Outcome(Struct, frozen=True):
    """How a resync came out."""

    url: str = ""
    """Of the last file that was asked for, as configured; empty where no rule asked for one."""
    named_by: str = ""
    """Who named its server: the tag of a rule, an option of DHCP, or whoever asked."""
    address: str = ""
    """Of the server that was asked last; empty where none was."""
    changed: int = 0
    """Values that rules and files set."""
    error: RingfenceError | None = None
    sought: tuple[object, ...] = ()
    """`ProvisioningPlan.sought` of the rules that it went by."""
    asked: activation.Asked | None = None
    """How a question to the activation server came out; None where there was none."""

    @property
    def reason(self) -> str:
        """Return why it failed, empty where it did not."""
        return str(self.error)[:REASON_LIMIT] if self.error else ""


class Order(Struct, frozen=True):
    """What somebody asked for."""

    rule: str = ""
    """To run once instead of the stored ones; empty for those."""
    code: Secret = Secret()
    """An activation code; empty for none."""


class Gates(Struct, frozen=True):
    """What every change passes before it is stored."""

    quiet: Callable[[], Awaitable[None]]
    """Returns when the phone may change: no line has a call."""
    foresee: Callable[[Mapping[str, Change], str], None]
    """Told the changes of a file, and which server it came from."""


class Resync:
    """One run through the rules."""

    def __init__(
        self,
        world: World,
        files: dict[int, Read],
        values: Mapping[str, str],
        gates: Gates,
        order: Order,
    ) -> None:
        """Run with further macros.

        `files` keeps what each rule brought last, by position; the run brings it up to date.
        """
        self._world = world
        self._gates = gates
        self._files = files
        self._values = values
        self._only = order.rule
        self._code = order.code
        self._outcome = Outcome()
        self._server: Mapping[str, str] = {}
        """Macros that tell where the present request goes."""

    async def run(self) -> Outcome:
        """Return how it came out; whatever fails is in the outcome and in syslog."""
        begun, ran = self._plan(), list[str]()
        try:
            if not self._only:
                await self._activate()
            for position in range(1 if self._only else len(RULES)):
                now = self._plan()
                text = self._only or now.rules[position]
                ran.append(text)
                self._server = {}
                step = next_step(now, position, text, {**now.values, **self._values})
                if step is not None:
                    await self._follow(now, position, step)
        except RingfenceError as error:
            self._outcome = replace(self._outcome, error=error)
            self._say(self._plan().messages.failure, failure=True)
        ended = self._plan()
        followed = tuple(ran) == ended.rules[: len(ran)]
        return replace(self._outcome, sought=(ended if followed else begun).sought)

    def _plan(self) -> ProvisioningPlan:
        """Return the plan as of now: what one rule sets binds the next one (rulings 12)."""
        return fresh(self._world)

    async def _activate(self) -> None:
        """Let the activation server say where the profile is, where nothing else does."""
        now, stored = self._plan(), self._world.snapshot().stored
        if not activation.must_ask(now, stored):
            if self._code:
                activation.check(now, stored)
            return
        server = now.activation
        try:
            activation.check(now, stored)
            if server is not None:
                self._outcome = replace(self._outcome, url=str(server.url))
                target = aim(now.reach, server.url.host, server.named_by)
                await self._gates.quiet()
                await activation.ask(self._world, now, self._code, target, self._asking)
            self._outcome = replace(self._outcome, asked=activation.Asked())
        except RingfenceError as error:
            self._outcome = replace(self._outcome, asked=activation.Asked.failed(error))
            if self._code or activation.must_have_rule(now):
                raise
            logger.warning("provisioning.activation_failed: %s; its earlier rule is used", error)

    def _asking(self, url: Url, address: str) -> None:
        """Tell syslog that a request goes out."""
        self._server = request_macros(url, address)
        self._outcome = replace(self._outcome, address=address)
        self._say(self._plan().messages.request)

    async def _follow(self, now: ProvisioningPlan, position: int, step: Step) -> None:
        if step.assignments:
            changes = {_canonical(tag): Change(text) for tag, text in step.assignments}
            await self._gates.quiet()
            if step.url is not None:
                self._gates.foresee(changes, step.url.host)
            self._count(changes, self._world.submit(changes, Origin.PROFILE))
        if step.url is None:
            return
        named_by = "the command resync" if self._only else step.named_by
        url = str(step.url)
        self._outcome = replace(self._outcome, url=url, named_by=named_by, address="")
        target = aim(now.reach, step.url.host, named_by)
        values = {**now.values, **self._values}
        fetch = Fetch(self._world, now, values, self._asking)
        got = await fetch.file(step.url, step.options, target)
        self._server = request_macros(got.url, got.address)
        self._outcome = replace(self._outcome, address=got.address)
        if not got.missing:
            if step.options.alias:
                own = cfgxml.under_own_names(got.body, values[step.options.alias])
                got = replace(got, body=own)
            await self._gates.quiet()
            self._apply(position, got, step.url.host)
        elif now.fails_on_missing:
            raise NetworkError(got.missing, FILE_REFUSED)
        self._say(now.messages.success)

    def _apply(self, position: int, got: Fetched, host: str) -> None:
        """Apply a whole document; one that is not changes nothing (RSY-07)."""
        snapshot, file = self._world.snapshot(), self._files.get(position)
        last = file.applied if file else None
        if last and last.still_holds(got.body, snapshot):
            return
        document, changes = cfgxml.reread(got.body, snapshot, last)
        self._gates.foresee(changes, host)
        errors = self._world.submit(changes, Origin.PROFILE)
        self._count(changes, errors)
        applied = cfgxml.Applied.of(document, changes, snapshot, self._world.snapshot())
        self._files[position] = Read(applied, tuple(errors), got.findings)
        name = "the command resync" if self._only else TAGS[RULES[position]]
        self._world.places.remember(_("the file of {rule}", rule=name), document)

    def _count(self, changes: Mapping[str, Change], refused: Sequence[ConfigError]) -> None:
        changed = self._outcome.changed + len(changes) - len(refused)
        self._outcome = replace(self._outcome, changed=changed)

    def _say(self, template: str, *, failure: bool = False) -> None:
        """Send one of the provider's texts to syslog. Source: phone-facts 1.4."""
        values = {**self._plan().values, **self._values, **self._server}
        message(expand(template, {**values, "ERR": self._outcome.reason}), failure=failure)


def fresh(world: World) -> ProvisioningPlan:
    """Return the plan of the settings and facts as they are at this moment."""
    return plan(world.snapshot().settings, world.facts()).plans[""]


def _canonical(tag: str) -> str:
    if (known := canonical(tag)) is None:
        raise ConfigError(tag, "no such parameter", "correct the assignment in the rule")
    return known
