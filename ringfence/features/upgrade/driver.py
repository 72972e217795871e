"""Fetch what the provider signed, start an image on probation, and say how it came out."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ringfence import __version__
from ringfence.config.parameter import Level
from ringfence.errors import ComponentError, ConfigError, NetworkError, PolicyError, RingfenceError
from ringfence.features.upgrade.attempt import REASON_LIMIT, Attempt, usable
from ringfence.features.upgrade.engine import UpgradeEngine
from ringfence.features.upgrade.plan import (
    HEADSET,
    PHONE,
    RULES,
    TAGS,
    UpgradePlan,
    next_step,
    parse,
    refusal,
)
from ringfence.policy.credentials import masked
from ringfence.policy.rules import Rule, parse_url
from ringfence.runtime.alarm import woken
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.probation import before
from ringfence.runtime.signed import Signed
from ringfence.runtime.slots import STARTS, Origin, Outcome, Record, Slots
from ringfence.runtime.state import Health, Page, Status, stamp

logger = logging.getLogger(__name__)

HISTORY = 5
"""Attempts that the status page lists."""
LOOK = 0.5
"""Seconds between two looks at what an attempt waits for."""
SETTLING = 60.0
"""Seconds that the lines get to be registered before the phone's state counts as its usual one."""
HEADSET_IMAGE, HEADSET_RECORD = "headset-image", "headset.json"
UNSETTLED = (Health.STARTING, Health.PENDING)


class _Stored(Struct, frozen=True):
    """The firmware of a headset that lies here."""

    version: str = ""
    digest: str = ""


class _Told(Struct, frozen=True):
    """How an attempt came out."""

    result: str
    """`success`, `failure`, `current` (nothing was to be done) or `waiting`."""
    reason: str = ""
    url: str = ""
    version: str = ""
    kind: str = PHONE
    rule: str = ""
    """Identifier of why it failed; see `RingfenceError`."""


class _Asked(Struct, frozen=True):
    """An attempt that someone waits for."""

    kind: str
    rule: Rule | None
    """To go by instead of the stored one."""
    answer: asyncio.Future[_Told]

    def tell(self, told: _Told) -> None:
        """Answer, unless that was done or nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(told)


class UpgradeDriver:
    """Runs one attempt at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._slots = Slots(world.host)
        self._plans: dict[str, UpgradePlan] = {}
        self._engines = {kind: UpgradeEngine(world.host.entropy) for kind in RULES}
        self._wake = asyncio.Event()
        self._asked: deque[_Asked] = deque()
        self._history: deque[tuple[float, _Told]] = deque(maxlen=HISTORY)
        self._errors = dict.fromkeys(RULES, "")
        """`$UPGERR` of each kind."""
        self._last: dict[str, float] = {}
        """When each kind was attempted last, for `$UPGTMR`."""
        self._waiting = ""
        self._started = False
        world.commands.register(Command("upgrade", Level.ADMIN, self._command))

    async def apply(self, key: str, plan: UpgradePlan) -> None:
        """Go by a new plan; another file that it asks for is fetched at once."""
        self._plans[key] = plan
        engine = self._engines[key]
        if plan.ready:
            engine.receive_plan(plan.sought, plan.timing, self._world.host.now())
        else:
            engine.receive_pause()
        if not self._started:
            self._started = True
            self._world.spawn(self._run())
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Fetch nothing any more; a plan is always there, so only a stopping phone asks."""
        self._plans.pop(key, None)

    async def close(self) -> None:
        """Leave whoever waits without an answer, and everything that is stored as it is."""
        self._plans.clear()
        for asked in self._asked:
            asked.answer.cancel()
        self._asked.clear()

    def status(self) -> Status:
        """Return what runs, what lies here, and how the last attempts came out."""
        held = self._slots.load()
        rows = _rows(held)
        if stored := self._headset().version:
            rows.append(
                ("Headset Firmware", f"{stored}, stored only: no headset takes it from here")
            )
        for n, (at, told) in enumerate(self._history, 1):
            said = " ".join(filter(None, (stamp(at), told.url, told.result, told.reason)))
            rows.append((f"Firmware Upgrade Status {n}", said))
        if self._waiting:
            rows.append(("Waiting", self._waiting))
        latest = self._history[0][1] if self._history else None
        data: dict[str, object] = {
            "version": held.version,
            "slot": held.active.slot if held.active else None,
            "trial": held.trial is not None,
            "outcome": msgspec.to_builtins(held.outcome),
            "headset": self._headset().version or None,
            "last": msgspec.to_builtins(latest),
            "macros": self._values(PHONE),
        }
        title = "Firmware Upgrade Status"
        return Status(self._health(held), tuple(rows), data, title, Page.DOWNLOADS)

    def _health(self, held: Record) -> Health:
        if not self._plans:
            return Health.STARTING
        if held.trial or self._waiting:
            return Health.PENDING
        plans = self._plans.values()
        followed = [plan.kind for plan in plans if plan.enabled and plan.rule.alternatives]
        if any(self._errors[kind] for kind in followed):
            return Health.FAILED
        return Health.RUNNING if followed else Health.DISABLED

    def _values(self, kind: str) -> Mapping[str, str]:
        """Return the macros that the moment decides. Source: phone-facts 2.6."""
        passed = self._world.host.now() - self._last[kind] if kind in self._last else 0
        state = "2" if self._engines[kind].failures else "1"
        return {"UPGST": state, "UPGERR": self._errors[kind], "UPGTMR": str(int(passed))}

    async def _run(self) -> None:
        """Say how the last upgrade came out, then wait for the engines; never returns."""
        await self._settle_last()
        await self._until(self._is_provisioned)
        while True:
            self._wake.clear()
            now = self._world.host.now()
            ready = [kind for kind, plan in self._plans.items() if plan.ready]
            due = next((kind for kind in ready if self._engines[kind].next_event(now)), None)
            if due is not None:
                await self._attempt(due)
                continue
            timers = [self._engines[kind].get_timer() for kind in ready]
            timer = min((one for one in timers if one is not None), default=None)
            await woken(self._wake, timer, now)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            if condition():
                return
            await asyncio.sleep(LOOK)

    def _is_provisioned(self) -> bool:
        """Return whether the profile that may change the rule has had its time after the boot."""
        status = self._world.statuses().get("provisioning")
        return bool(self._asked) or status is None or status.health not in UNSETTLED

    async def _settle_last(self) -> None:
        """Wait for the end of a probation, and tell the provider once how the last one ended."""
        await self._until(lambda: self._slots.load().trial is None)
        outcome = self._slots.load().outcome
        if outcome is None or outcome.told:
            return
        await self._until(lambda: PHONE in self._plans)
        told = _of(outcome)
        attempt = Attempt(self._world, self._plans[PHONE], self._values(PHONE))
        if outcome.origin.url:
            attempt.resume(parse_url(outcome.origin.url), outcome.origin.address)
        if outcome.reason:
            self._errors[PHONE] = told.reason
            logger.error("upgrade.taken_back: %s: %s", outcome.version, outcome.reason)
            attempt.failed(PolicyError("image-taken-back", told.reason))
        else:
            logger.info("upgrade.done: %s", outcome.version)
            attempt.succeeded(f"{outcome.version} came up")
        self._history.appendleft((outcome.at, told))
        with contextlib.suppress(ComponentError):  # then it is told once more
            self._slots.told()

    async def _attempt(self, kind: str) -> None:
        """Make one attempt, and say to whoever waits how it came out."""
        plan, host = self._plans[kind], self._world.host
        asked = next((one for one in self._asked if one.kind == kind), None)
        if asked:
            self._asked.remove(asked)
        attempt = Attempt(self._world, plan, self._values(kind))
        self._last[kind] = host.now()
        url = ""
        try:
            rule = asked.rule if asked and asked.rule else plan.rule
            step = next_step(plan, rule, self._values(kind))
            url = masked(str(step.url)) if step else ""
            if step is None:
                told = _Told("current", "no rule applies", kind=kind)
            elif kind == PHONE:
                said, data = await attempt.fetch(step, self._known)
                origin = Origin(url, attempt.address)
                told = await self._start(said, data, origin, asked) if data else _runs(said)
            else:
                said, data = await attempt.fetch(step, self._stored)
                told = await self._store(said, data, attempt)
        except RingfenceError as error:
            reason = str(error)[:REASON_LIMIT]
            logger.warning("upgrade.failed: %s", f"{url}: {reason}" if url else reason)
            attempt.failed(error)
            told = _Told("failure", reason, kind=kind, rule=error.rule)
        self._finish(kind, msgspec.structs.replace(told, url=url), asked)

    def _finish(self, kind: str, told: _Told, asked: _Asked | None) -> None:
        failed = told.result == "failure"
        self._errors[kind] = told.reason if failed else ""
        self._engines[kind].receive_result(not failed, self._world.host.now())
        if told.url and (told.result != "current" or asked):
            self._history.appendleft((self._world.host.wall(), told))
        if asked:
            asked.tell(told)
        if told.result == "success" and kind == PHONE:
            self._world.spawn(self._ask("reboot", {"reason": "Upgrade"}))
        elif told.result != "current":
            self._world.spawn(self._ask("resync", {"after": "upgrade"}))

    async def _ask(self, name: str, arguments: Mapping[str, str]) -> None:
        with contextlib.suppress(RingfenceError):  # provisioning may be disabled
            await self._world.commands.run(name, arguments)

    def _known(self, said: Signed) -> str | None:
        """Judge an image before it is fetched; see `Attempt.fetch`."""
        held = self._slots.load()
        if reason := held.refusal(said.digest):
            return f"{said.version} did not come up here: {reason}"
        if held.active:
            return "" if held.active.digest == said.digest else None
        return "" if said.version == __version__ else None

    def _stored(self, said: Signed) -> str | None:
        return "" if self._headset().digest == said.digest else None

    async def _start(
        self, said: Signed, data: bytes, origin: Origin, asked: _Asked | None
    ) -> _Told:
        """Have an image started next, unless it is not wanted any more once that can be.

        Raises:
            PolicyError: it cannot run here.
            ComponentError: the disk refused, or an image cannot be started now.

        """
        if self._world.host.trace:
            raise ComponentError("trace", "no image is started while one is written; stop it first")
        await asyncio.to_thread(usable, data, said)
        sought = self._plans[PHONE].sought
        was = before(await self._quiet(said, asked))
        plan = self._plans.get(PHONE)
        if plan is None or not plan.enabled or (plan.sought != sought and not asked):
            raise ConfigError(TAGS[PHONE], f"{said.version} is not wanted any more")
        if reason := refusal(plan, said.kind, said.version):
            raise PolicyError("image-refused", reason)
        await asyncio.to_thread(self._slots.install, data, said.version, origin, was)
        logger.info("upgrade.installed: %s", said.version)
        return _Told("success", f"{said.version} is started on probation", version=said.version)

    async def _quiet(self, said: Signed, asked: _Asked | None) -> Mapping[str, Any]:
        """Return how the phone is doing, once no line is in use and the lines are registered."""
        from ringfence.runtime.phone import report

        until = self._world.host.now() + SETTLING
        try:
            while True:
                now = report(self._world.statuses())
                line = self._world.statuses().get("line")
                settling = line is not None and line.health in UNSETTLED
                if not now["calls"] and not (settling and self._world.host.now() < until):
                    return now
                what = "a line has a call" if now["calls"] else "the lines register"
                self._waiting = f"{what}; {said.version} is started when that is over"
                if asked and now["calls"]:
                    asked.tell(_Told("waiting", self._waiting, version=said.version))
                await asyncio.sleep(LOOK)
        finally:
            self._waiting = ""

    async def _store(self, said: Signed, data: bytes | None, attempt: Attempt) -> _Told:
        """Keep the firmware of a headset.

        Raises:
            ComponentError: the disk refused.

        """
        if data is None:
            return _Told("current", f"{said.version} is here already", "", said.version, HEADSET)
        host = self._world.host
        record = msgspec.json.encode(_Stored(said.version, said.digest))
        await asyncio.to_thread(host.write, HEADSET_IMAGE, data)
        host.write(HEADSET_RECORD, record)
        attempt.succeeded(f"{said.version} is stored")
        return _Told("success", f"{said.version} is stored only", "", said.version, HEADSET)

    def _headset(self) -> _Stored:
        host = self._world.host
        if not host.names(HEADSET_RECORD):
            return _Stored()
        try:
            return msgspec.json.decode(host.read(HEADSET_RECORD), type=_Stored)
        except (ComponentError, ValueError):
            return _Stored()

    async def _command(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Look for firmware now, by `rule` where it is given, of a `kind`, phone or headset."""
        kind = arguments.get("kind", PHONE)
        if kind not in RULES:
            raise ConfigError("kind", f"{kind[:40]!r} is neither {PHONE} nor {HEADSET}")
        plan = self._plans.get(kind)
        if plan is None or not plan.enabled:
            raise ConfigError("Upgrade_Enable", "is No, so nothing is upgraded")
        if plan.waiting:
            raise NetworkError(plan.waiting)
        if self._slots.load().trial:
            raise ConfigError("upgrade", "an image is on probation", "ask again when that is over")
        text = arguments.get("rule", "").strip()
        try:
            rule = parse(text) if text else None
        except ValueError as error:
            raise ConfigError("rule", str(error)) from None
        asked = _Asked(kind, rule, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._engines[kind].receive_request(self._world.host.now())
        self._wake.set()
        told = await asked.answer
        return {key: text for key, text in msgspec.to_builtins(told).items() if key != "kind"}


def _rows(held: Record) -> list[tuple[str, str]]:
    where = f"slot {held.active.slot.upper()}" if held.active else "as installed"
    trial = f", on probation, start {held.trial.starts} of {STARTS}" if held.trial else ""
    rows = [("Software Version", f"{held.version}, {where}{trial}")]
    if held.previous:
        previous = held.previous
        rows.append(("Previous Version", f"{previous.version}, slot {previous.slot.upper()}"))
    rows += [("Not Taken Again", f"{one.version}: {one.reason}") for one in held.refused]
    return rows


def _runs(said: Signed) -> _Told:
    return _Told("current", f"{said.version} runs already", version=said.version)


def _of(outcome: Outcome) -> _Told:
    """Return the outcome of a probation in the words of an attempt."""
    back = f"{outcome.version} was taken back: {outcome.reason}" if outcome.reason else ""
    reason = back or f"{outcome.version} came up"
    result = "failure" if back else "success"
    return _Told(result, reason, outcome.origin.url, outcome.version)
