"""Fetch the phone's profiles when it is time, and when someone asks."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, to_builtins

from ringfence.config.codecs import Secret
from ringfence.config.parameter import Level
from ringfence.config.snapshot import Origin
from ringfence.errors import ComponentError, ConfigError, NetworkError
from ringfence.features.provisioning import activation
from ringfence.features.provisioning.activation import Asked
from ringfence.features.provisioning.engine import Reason, ResyncEngine, Wait
from ringfence.features.provisioning.plan import ProvisioningPlan
from ringfence.features.provisioning.probation import Probation
from ringfence.features.provisioning.registrations import Registrations
from ringfence.features.provisioning.resync import Gates, Order, Outcome, Read, Resync, fresh
from ringfence.messages import _
from ringfence.policy.history import Stood
from ringfence.policy.rules import parse_rule
from ringfence.protocols.activation import code as read_code
from ringfence.runtime.alarm import woken
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Page, Status, stamp

logger = logging.getLogger(__name__)

HISTORY = 5
"""Resyncs that the status page lists."""
LOOK = 0.5
"""Seconds between two looks at the lines while a resync waits for the end of their calls."""
WATCH = 5.0
"""Seconds between two looks at the lines where a text asks since when they are unregistered."""
SHOWN = 50
"""Findings that the status has."""


_WORDS = {
    Reason.REQUEST: "asked for",
    Reason.BOOT: "after boot",
    Reason.PERIODIC: "by time",
    Reason.RETRY: "retry",
}


class _Asked(Struct, frozen=True):
    """A resync that someone waits for."""

    order: Order
    answer: asyncio.Future[Mapping[str, object]]

    def tell(self, told: Mapping[str, object]) -> None:
        """Answer, unless that was done or nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(told)


class ProvisioningDriver:
    """Runs one resync at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._engine = ResyncEngine(world.host.entropy)
        self._probation = Probation(world)
        self._registrations = Registrations()
        self._plan: ProvisioningPlan | None = None
        self._sought: tuple[object, ...] = ()
        """What the last resync went by."""
        self._begun = False
        self._wake = asyncio.Event()
        self._asked: deque[_Asked] = deque()
        self._asking: _Asked | None = None
        """Who waits for the resync that runs."""
        self._files: dict[int, Read] = {}
        self._history: deque[tuple[str, Outcome]] = deque(maxlen=HISTORY)
        self._past = Stood(world.host.now())
        self._last_attempt = world.host.now()
        """Or the boot, where there was none since: a trigger may wait for the time to pass."""
        self._running = False
        self._holding = False
        """A file has come, and waits for idle lines."""
        self._activation = Asked()
        world.commands.register(Command("resync", Level.ADMIN, self._command))
        world.commands.register(Command("activate", Level.ADMIN, self._activate))

    async def apply(self, key: str, plan: ProvisioningPlan) -> None:
        """Go by a new plan; other rules, or another server for them, call for a resync."""
        if self._plan is None:
            self._world.spawn(self._run())
        self._plan = plan
        if self._ready:
            if not self._begun:
                self._begun, self._sought = True, plan.sought
            host = self._world.host
            self._engine.receive_timing(plan.timing, host.now(), host.local())
            self._notice_change()
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Fetch nothing any more; a plan is always there, so only a stopping phone asks."""
        self._plan = None

    async def close(self) -> None:
        """Leave whoever waits for a resync without one."""
        self._plan = None
        for asked in self._asked:
            asked.answer.cancel()
        self._asked.clear()

    def status(self) -> Status:
        """Return the last resyncs and what the profiles had that was refused."""
        rows = [
            (
                f"Provisioning Status {n}",
                " ".join(filter(None, (time, o.url, _result(o), o.reason))),
            )
            for n, (time, o) in enumerate(self._history, 1)
        ]
        findings = [found for read in self._files.values() for found in read.findings()][:SHOWN]
        rows += [
            (
                f"Line {found.line}" if found.line else "Profile",
                f"{found.tag}: {found.message}" if found.tag else found.message,
            )
            for found in findings
        ]
        if self._plan is not None:
            rows += activation.rows(self._plan, self._world.snapshot().stored, self._activation)
        if waiting := self._waiting():
            rows.append(("Waiting", waiting))
        data: dict[str, object] = {"findings": to_builtins(findings)}
        data["resyncs"] = [_told(outcome) for _, outcome in self._history]
        data["waiting"] = waiting
        host = self._world.host
        if self._ready and (upcoming := self._engine.upcoming(host.now(), host.local())):
            reason, seconds = upcoming
            rows.append(("Next Resync", f"{_WORDS[reason]} in {seconds:.0f} s"))
            data["next_resync"] = {"reason": _WORDS[reason], "seconds": round(seconds)}
        past = self._past.lanes(_("Resyncs"), "resyncs", host.now())
        plots = (past,) if past.lanes else ()
        return Status(self._health(), tuple(rows), data, page=Page.DOWNLOADS, plots=plots)

    def _health(self) -> Health:
        if self._plan is None:
            return Health.STARTING
        if not self._plan.enabled:
            return Health.DISABLED
        if self._history and (last := self._history[0][1]).error:
            waits = last.asked is not None and last.asked.code_needed
            return Health.PENDING if waits else Health.FAILED
        soon = not self._history and self._engine.get_timer() is not None
        if self._waiting() or soon:
            return Health.PENDING
        return Health.STARTING if self._running and not self._history else Health.RUNNING

    @property
    def _ready(self) -> bool:
        return self._plan is not None and self._plan.enabled and not self._plan.waiting

    def _notice_change(self) -> None:
        """Let a change of what is to be fetched, since the last resync, call for another one."""
        if not self._running and (sought := fresh(self._world).sought) != self._sought:
            self._sought = sought
            self._engine.receive_change()

    def _waiting(self) -> str:
        """Return what a resync waits for; empty where it does not."""
        if self._plan is None or not self._plan.enabled:
            return ""
        if self._plan.waiting:
            return self._plan.waiting
        if self._holding:
            return "a line has a call; the file that came is stored when it is over"
        wait = self._engine.wait(self._world.host.now())
        return _awaited(wait, self._plan.timing.idle) if wait else ""

    def _in_call(self) -> bool:
        """Return whether a line has a call, ringing included."""
        return bool(self._lines().get("calls"))

    def _look(self) -> None:
        """Tell the engine how the lines are."""
        self._engine.receive_lines(self._in_call(), self._lines().get("idle_since"))

    def _lines(self) -> Mapping[str, Any]:
        """Return what the lines tell of themselves."""
        status = self._world.statuses().get("line")
        return status.data if status else {}

    async def _run(self) -> None:
        """Wait for the engine, and do what it says; never returns."""
        host = self._world.host
        while True:
            self._wake.clear()
            now = host.now()
            timer = None
            if self._plan and self._plan.watches_lines:
                self._registrations.see(self._lines().get("lines", ()), now)
            if self._ready:
                self._engine.handle_timer(now, host.local())
                self._look()
                if (reason := self._engine.next_event(now)) is not None:
                    await self._begin(reason)
                    continue
                wait = self._engine.wait(now)
                timer = now + LOOK if wait and wait.in_call else self._engine.get_timer()
            if self._plan and self._plan.watches_lines:
                timer = now + WATCH if timer is None else min(timer, now + WATCH)
            await woken(self._wake, timer, now)

    async def _begin(self, reason: Reason) -> None:
        """Resync, unless only the time asks for it and no trigger does."""
        now = self._world.host.now()
        values = self._values(reason, now)
        plan = fresh(self._world)
        if reason is not Reason.REQUEST and not plan.triggered({**plan.values, **values}):
            logger.info("provisioning.declined: no Resync Trigger holds")
            self._engine.receive_declined(now)
            return
        await self._resync(reason, values, now)

    def _values(self, reason: Reason, now: float) -> Mapping[str, str]:
        """Return the macros that the moment decides."""
        stored = self._world.snapshot().stored.values()
        self._registrations.see(self._lines().get("lines", ()), now)
        return {
            **self._registrations.values(now),
            **self._upgrade_values(),
            "PRVST": str(int(reason)),
            "PRVTMR": str(int(now - self._last_attempt)),
            "ISCUST": str(int(any(held.origin is Origin.PROFILE for held in stored))),
        }

    def _upgrade_values(self) -> Mapping[str, str]:
        """Return the macros that tell how the last upgrade came out."""
        status = self._world.statuses().get("upgrade")
        macros: Any = status.data.get("macros") if status else None
        return dict(macros or {})

    async def _resync(self, reason: Reason, values: Mapping[str, str], now: float) -> None:
        asked = self._asked.popleft() if reason is Reason.REQUEST and self._asked else None
        self._asking = asked
        before = self._probation.domains()
        self._last_attempt, self._running = now, True
        try:
            order = asked.order if asked else Order()
            gates = Gates(self._quiet, self._probation.foresee)
            outcome = await Resync(self._world, self._files, values, gates, order).run()
        finally:
            self._running = False
        self._record(outcome)
        self._engine.receive_result(outcome.error is None, self._world.host.now())
        if asked:
            asked.tell(_told(outcome))
        if not order.rule:
            self._sought = outcome.sought
        try:
            self._probation.judge(before, outcome.error)
        except ComponentError as error:
            logger.error("provisioning.probation_lost: %s", error)
        self._notice_change()
        if self._asked:
            self._engine.receive_request()

    async def _quiet(self) -> None:
        """Return when no line has a call."""
        try:
            while self._in_call():
                self._holding = True
                if self._asking:
                    self._asking.tell(self._told_to_wait())
                await asyncio.sleep(LOOK)
        finally:
            self._holding = False

    def _record(self, outcome: Outcome) -> None:
        time = stamp(self._world.host.wall())
        self._history.appendleft((time, outcome))
        words = outcome.reason or outcome.url or "no rule applies"
        self._past.happen(self._world.host.now(), _("Resync"), not outcome.error, words)
        self._activation = outcome.asked or self._activation
        # INFO: the provider has texts of its own for it, and may have emptied them
        if outcome.error:
            logger.info("provisioning.failed: %s %s", outcome.url, outcome.reason)
        else:
            logger.info("provisioning.done: %s", outcome.url or "no rule applies")

    async def _command(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Resync now, by `rule` where it is given; return how it came out.

        `after` is `upgrade` where an attempt to upgrade asks. While a line has a call the answer
        is that the resync waits.
        """
        plan = self._may_resync()
        if arguments.get("after") == "upgrade" and not plan.after_upgrade:
            reason = "Resync_After_Upgrade_Attempt is No"
            return {"url": "", "result": "skipped", "reason": reason}
        rule = arguments.get("rule", "").strip()
        try:
            parse_rule(rule)
        except ValueError as error:
            raise ConfigError("rule", str(error)) from None
        return await self._answered(Order(rule))

    async def _activate(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Tell the activation server a code, and resync; return how it came out."""
        plan = self._may_resync()
        try:
            order = Order(code=Secret(read_code(arguments.get("code", ""))))
        except ValueError as error:
            raise ConfigError("code", str(error), "write the one that the provider gave") from None
        activation.check(plan, self._world.snapshot().stored)
        return await self._answered(order)

    def _may_resync(self) -> ProvisioningPlan:
        """Return the plan.

        Raises:
            ConfigError: it is to resync never.
            NetworkError: there is no address yet.

        """
        if self._plan is None or not self._plan.enabled:
            raise ConfigError("Provision_Enable", "is No, so the phone does not resync")
        if self._plan.waiting:
            raise NetworkError(self._plan.waiting)
        return self._plan

    async def _answered(self, order: Order) -> Mapping[str, object]:
        """Have a resync begin, and return how it came out, or what it waits for."""
        asked = _Asked(order, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._engine.receive_request()
        self._wake.set()
        self._look()
        if self._waiting():
            asked.tell(self._told_to_wait())
        return await asked.answer

    def _told_to_wait(self) -> Mapping[str, object]:
        return {"url": "", "result": "waiting", "reason": self._waiting()}


def _awaited(wait: Wait, idle: int) -> str:
    """Return what a resync waits for, in words; `idle` is Forced Resync Delay."""
    what = f"the resync ({_WORDS[wait.reason]})"
    if not wait.in_call:
        return (
            f"{what} begins after {idle} s without a call (Forced Resync Delay): "
            f"in {wait.idle:.0f} s"
        )
    if not wait.idle:
        return f"a line has a call; {what} begins when it is over"
    return f"a line has a call; {what} begins {idle} s after its end (Forced Resync Delay)"


def _result(outcome: Outcome) -> str:
    return "failure" if outcome.error else "success"


def _told(outcome: Outcome) -> dict[str, object]:
    told: dict[str, object] = {"url": outcome.url, "result": _result(outcome)}
    told |= {"reason": outcome.reason, "named_by": outcome.named_by}
    told["rule"] = outcome.error.rule if outcome.error else ""
    told |= {"address": outcome.address, "changed": outcome.changed}
    if outcome.asked:
        told["activated"] = not outcome.asked.reason
    return told
