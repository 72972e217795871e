"""Keep every component doing what the settings say."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.settings import Settings
from ringfence.errors import Finding, RingfenceError, Severity
from ringfence.runtime.feature import Driver, Feature, World, plan_all
from ringfence.runtime.state import Facts, Health, Status

logger = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 0.5, 60.0
"""Seconds until a failed component is tried again; doubled at each failure."""
CANCEL_AGAIN = 0.1
"""Seconds after which a task that was cancelled and runs on is cancelled again."""

Build = Callable[[Callable[[Coroutine[Any, Any, None]], None]], World]
"""Return the world of one life of a feature, given how that life starts tasks."""


class Statuses(Mapping[str, Status]):
    """Status by feature; each is asked for when somebody looks at it, and only once."""

    def __init__(self, sources: Mapping[str, Callable[[], Status]]) -> None:
        self._sources = sources
        self._told: dict[str, Status] = {}

    def __getitem__(self, name: str) -> Status:
        """Return the status of one feature."""
        if name not in self._told:
            self._told[name] = self._sources[name]()
        return self._told[name]

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a feature, without asking it."""
        return name in self._sources

    def __iter__(self) -> Iterator[str]:
        """Return the names, in page order."""
        return iter(self._sources)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._sources)


class _Life(Struct):
    """One feature, from its start to its next restart."""

    feature: Feature[Any]
    driver: Driver[Any]
    running: dict[str, Any] = {}
    failed: dict[str, Any] = {}
    """Plans that could not be applied, until they are tried again."""
    findings: tuple[Finding, ...] = ()
    """What its last plan had to say."""
    tasks: set[asyncio.Task[None]] = set()
    held: bool = False
    """It was applied once; a guard lets the others go then."""
    error: str = ""
    """Why it does not do what the settings say; empty while it does."""
    delay: float = FIRST_RETRY
    retry_at: float | None = None
    """When to try again; None while nothing failed."""

    def waits(self, key: str, plan: Any, now: float) -> bool:
        """Return whether a failed plan is not due yet; another plan is due at once."""
        due = self.retry_at is None or now >= self.retry_at
        return not due and key in self.failed and bool(self.failed[key] == plan)

    def hear(self, findings: tuple[Finding, ...]) -> None:
        """Take the findings of a plan, and log the new ones that refuse something."""
        known = set(self.findings)
        for new in findings:
            if new.severity is Severity.ERROR and new not in known:
                logger.warning("config.refused: %s: %s; %s", new.tag, new.message, new.remedy)
        self.findings = findings

    def postpone(self, now: float) -> None:
        """Set the time of the next try."""
        self.retry_at = now + self.delay
        self.delay = min(self.delay * 2, LAST_RETRY)


class Supervisor:
    """Plans everything, then applies what differs from what runs, key by key."""

    def __init__(
        self, features: Sequence[Feature[Any]], build: Build, group: asyncio.TaskGroup
    ) -> None:
        self._build = build
        self._group = group
        self._wake = asyncio.Event()
        self.rested = asyncio.Event()
        """Set while `run` has nothing to do that it knows of."""
        self._lives = {feature.name: self._born(feature) for feature in features}

    @property
    def features(self) -> Sequence[Feature[Any]]:
        """Return what is kept, in the order in which it is applied."""
        return [life.feature for life in self._lives.values()]

    def join(self, feature: Feature[Any], order: Sequence[str] = ()) -> None:
        """Keep one more feature from the next plan on: in its place, else as the last."""
        lives = {**self._lives, feature.name: self._born(feature)}
        placed = {name: lives[name] for name in order if name in lives}
        self._lives = placed | lives

    def wake(self) -> None:
        """Plan again after this turn of the loop."""
        self._wake.set()
        self.rested.clear()

    async def run(self, state: Callable[[], tuple[Settings, Facts]]) -> None:
        """Reconcile whenever something woke us, and when a retry is due; never returns."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            await self.reconcile(*state(), loop.time())
            if not self._wake.is_set():
                self.rested.set()
            retries = [life.retry_at for life in self._lives.values() if life.retry_at is not None]
            timer = loop.call_at(min(retries), self._wake.set) if retries else None
            await self._wake.wait()
            if timer:
                timer.cancel()

    async def reconcile(self, settings: Settings, facts: Facts, now: float) -> None:
        """Bring every component to `settings` and `facts`.

        A feature that cannot plan keeps its running plans, or takes its safe ones where none
        run yet. One that cannot apply is tried again after a delay that doubles. Behind a guard
        that was never applied, nothing is.
        """
        decided, errors = plan_all(self.features, settings, facts)
        for name, life in list(self._lives.items()):
            if (error := errors.get(name)) is not None:
                if life.error != str(error):
                    logger.error("config.refused: %s", error)
                plans = life.running or life.feature.safe
                await self._apply(life, plans, now, str(error))
            else:
                life.hear(decided[name].findings)
                await self._apply(life, decided[name].plans, now, "")
            if life.feature.guards and not self._lives[name].held:
                break

    async def _apply(self, life: _Life, plans: Mapping[str, Any], now: float, refused: str) -> None:
        waiting = {key for key, plan in plans.items() if life.waits(key, plan, now)}
        errors = [life.error] if waiting else [refused] if refused else []
        failed = {key: life.failed[key] for key in waiting}
        try:
            for key in [key for key in life.running if key not in plans]:
                await life.driver.remove(key)
                life.running.pop(key, None)
            for key, plan in plans.items():
                if key in waiting or (key in life.running and life.running[key] == plan):
                    continue
                life.running.pop(key, None)
                life.failed[key] = plan
                try:
                    await life.driver.apply(key, plan)
                except RingfenceError as error:
                    logger.error("%s.failed: %s", life.feature.name, error)
                    failed[key] = plan
                    errors.append(str(error))
                else:
                    life.running[key] = plan
                    life.held = True
                    logger.info("%s.applied%s", life.feature.name, f": {key}" if key else "")
        except Exception as error:  # noqa: BLE001 - the boundary: a bug restarts its feature alone
            await self._restart(life, error)
            return
        if failed.keys() - waiting:
            life.postpone(now)
        elif not failed:
            life.retry_at, life.delay = None, FIRST_RETRY
        life.failed, life.error = failed, "; ".join(errors)

    def _born(self, feature: Feature[Any]) -> _Life:
        life: _Life

        def spawn(work: Coroutine[Any, Any, None]) -> None:
            task = self._group.create_task(self._guard(life, work))
            life.tasks.add(task)
            task.add_done_callback(life.tasks.discard)

        life = _Life(feature, feature.driver(self._build(spawn)))
        return life

    async def _guard(self, life: _Life, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the boundary: a bug restarts its feature alone
            await self._restart(life, error)

    async def _restart(self, life: _Life, error: Exception) -> None:
        """Give a feature a new life after a bug, and its plans again after a delay."""
        if self._lives.get(life.feature.name) is not life:
            return
        logger.error("%s.bug", life.feature.name, exc_info=error)
        try:
            await life.driver.close()
        except Exception:  # noqa: BLE001 - it is being thrown away
            logger.warning("%s.close_failed", life.feature.name)
        reborn = self._born(life.feature)
        reborn.error = f"restarted after an internal error, {type(error).__name__}"
        reborn.failed, reborn.delay = dict(life.running) | life.failed, life.delay
        reborn.held = life.held
        reborn.postpone(asyncio.get_running_loop().time())
        self._lives[life.feature.name] = reborn
        for task in life.tasks - {asyncio.current_task()}:
            task.cancel()
        self.wake()

    async def close(self) -> None:
        """Stop every feature, the last one first."""
        for life in reversed(self._lives.values()):
            try:
                await life.driver.close()
            except RingfenceError as error:
                logger.warning("%s.close_failed: %s", life.feature.name, error)
            await _end(life)

    async def abandon(self) -> None:
        """End what features still do, where one kept `close` from coming to an end."""
        for life in reversed(self._lives.values()):
            await _end(life)

    def statuses(self, first: Mapping[str, Callable[[], Status]] | None = None) -> Statuses:
        """Return the status of every feature, in page order, behind those of `first`."""
        lives = {name: partial(self._status, life) for name, life in self._lives.items()}
        return Statuses({**(first or {}), **lives})

    def _status(self, life: _Life) -> Status:
        status = life.driver.status()
        said = [
            (
                one.severity.value.capitalize(),
                f"{one.tag}: {one.message}" if one.tag else one.message,
            )
            for one in life.findings
            if one.severity is not Severity.INFO
        ]
        if life.error:
            said.append(("Error", life.error))
        health = Health.FAILED if life.retry_at is not None else status.health
        return replace(status, health=health, rows=(*status.rows, *said))


async def _end(life: _Life) -> None:
    while life.tasks:  # a library may swallow a cancellation that meets its result
        for task in life.tasks:
            task.cancel()
        await asyncio.wait(life.tasks, timeout=CANCEL_AGAIN)
