"""One phone: its store, its snapshot, its facts, and the supervisor that obeys them."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from ringfence.config.catalog.system import LONGEST
from ringfence.config.catalog.values import DnsQueryMode
from ringfence.config.parameter import Effect, Level
from ringfence.config.settings import Settings, aliases, effective, encode, slots
from ringfence.config.snapshot import Change, Origin, shown
from ringfence.errors import ComponentError, ConfigError, Finding, Severity
from ringfence.runtime import log, reset
from ringfence.runtime.commands import Command, Commands
from ringfence.runtime.confirmation import Confirmation
from ringfence.runtime.control import ControlServer
from ringfence.runtime.egress import Egress
from ringfence.runtime.egress_dns import Manner, Stub, lookup
from ringfence.runtime.feature import Feature, Submit, World, plan_all
from ringfence.runtime.host import Host
from ringfence.runtime.keeper import REBOOT, STOPPED, history
from ringfence.runtime.memory import Memory
from ringfence.runtime.state import Facts, Health, Status
from ringfence.runtime.supervisor import Statuses, Supervisor

logger = logging.getLogger(__name__)

CLOSE_TIME = 3.0
"""Seconds that features get to leave the network in order."""
BREATH = 0.0005
"""Seconds between two loads of a wave, in which what the network has answered is heard."""
HEADSTART = 0.25
"""Most seconds that the lines get before anything else is loaded."""


def canonical(tag: str) -> str:
    """Return the canonical spelling of a tag.

    Raises:
        ConfigError: no parameter has it.

    """
    found = aliases().get(tag, tag)
    if found not in slots():
        raise ConfigError(tag, "no such parameter", "ringfence parameters lists them all")
    return found


def _told(
    loop: asyncio.AbstractEventLoop, over: asyncio.Event, _number: int, _frame: object
) -> None:
    """Say so to the loop; its own `add_signal_handler` loads a library to ask what `over` is."""
    with contextlib.suppress(RuntimeError):  # it has ended meanwhile
        loop.call_soon_threadsafe(over.set)


class Phone:
    """One phone, from its boot to its end."""

    def __init__(  # noqa: PLR0913 - a phone has as many parts
        self,
        waves: Sequence[Iterable[Feature[Any]]],
        host: Host,
        facts: Facts,
        memory: Memory,
        reboot_reason: Callable[[str], None],
        *,
        later: Iterable[Feature[Any]] = (),
        order: Sequence[str] = (),
    ) -> None:
        """Bring up one wave after the other, and `later` once the lines have had their head start.

        `order` has the names of all, in the order in which they are applied once all are there.
        """
        self._waves = waves
        self._later, self._order = later, order
        self._settled = asyncio.Event()
        self._loaded = asyncio.Event()
        self._host = host
        self._facts = facts
        self._memory = memory
        self._booted = memory.snapshot.settings
        self._reboot_reason = reboot_reason
        dns = Stub(self._manner)
        self._egress = Egress(host, dns.lookup, memory.places.describe, dns.services, lookup)
        self._commands = Commands(self._loaded)
        self._commands.register(Command("reboot", Level.ADMIN, self._reboot))
        self._commands.register(Command("factory-reset", Level.ADMIN, self._factory_reset))
        self._confirmation = Confirmation(memory, host, self._undone)
        self._commands.register(Command("confirm", Level.USER, self._confirmation.confirm))
        self._over = asyncio.Event()
        self._code = STOPPED
        self._supervisor: Supervisor | None = None

    async def run(self) -> int:
        """Run until told to stop or to reboot; return the exit code for the keeper.

        Raises:
            ComponentError: the control socket cannot be made.

        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, partial(_told, loop, self._over))
        log.keep()
        control = ControlServer(self._host.state, self._answer)
        if self._host.trace:
            self._host.trace.start()
        async with asyncio.TaskGroup() as group:
            self._supervisor = Supervisor((), self._world, group)
            work = group.create_task(self._supervisor.run(self._state))
            await self._begin(self._supervisor)
            await control.start()
            await self._load(self._supervisor)
            self._confirmation.watch()
            logger.info("phone.ready")
            self._loaded.set()
            await self._over.wait()
            work.cancel()
            try:
                async with asyncio.timeout(CLOSE_TIME):
                    await self._supervisor.close()
            except TimeoutError:
                logger.warning("phone.close_timeout")
                await self._supervisor.abandon()
            await control.close()
        if self._host.trace:
            self._host.trace.close()
        return self._code

    async def _begin(self, supervisor: Supervisor) -> None:
        """Apply each wave before the next is loaded: the network answers meanwhile."""
        for wave in self._waves:
            loaded = tuple(wave)
            await asyncio.sleep(BREATH)
            for feature in loaded:
                supervisor.join(feature, self._order)
            supervisor.wake()
            await supervisor.rested.wait()

    async def _load(self, supervisor: Supervisor) -> None:
        """Load what comes later, one feature at a time: the lines are served meanwhile."""
        if self._later:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEADSTART):
                    await self._settled.wait()
        for feature in self._later:
            supervisor.join(feature, self._order)
            await asyncio.sleep(0)
        supervisor.wake()
        await supervisor.rested.wait()
        log.forget()
        gc.freeze()
        gc.enable()

    def _world(self, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> World:
        return World(
            host=self._host,
            egress=self._egress,
            publish=self._publish,
            facts=lambda: self._facts,
            snapshot=lambda: self._memory.snapshot,
            submit=self._submit,
            prepare=self._memory.prepare,
            places=self._memory.places,
            intents=lambda: self._memory.intents,
            intend=self._memory.intend,
            commands=self._commands,
            statuses=self._statuses,
            spawn=spawn,
            leaving=lambda: self._over.is_set() and self._code == STOPPED,
            settled=self._settled.set,
        )

    def _manner(self) -> Manner:
        """Return how DNS is asked; nothing that was learnt in one network counts in another."""
        system, known = self._memory.snapshot.settings.system, self._facts
        return Manner(
            parallel=system.dns_query_mode is DnsQueryMode.PARALLEL,
            keeps=system.dns_caching_enable,
            network=(known.lease, known.lease6, known.tunnel),
        )

    def _state(self) -> tuple[Any, Facts]:
        return effective(self._memory.snapshot.settings, self._booted), self._facts

    def _publish(self, **changes: Any) -> None:
        facts = replace(self._facts, **changes)
        if facts != self._facts:
            self._facts = facts
            self._wake()

    def _wake(self) -> None:
        if self._supervisor:
            self._supervisor.wake()

    def _submit(
        self,
        changes: Mapping[str, Change],
        origin: Origin,
        *,
        whole: bool = False,
        confirm_within: float = 0.0,
    ) -> list[ConfigError]:
        memory = self._memory
        errors = memory.submit(changes, origin, whole=whole, confirm_within=confirm_within)
        for error in errors:
            logger.warning("config.refused: %s", error)
        self._confirmation.watch()
        self._wake()
        if confirm_within and memory.unconfirmed:
            tags = ", ".join(memory.unconfirmed.before)
            when = "after a reboot" if memory.unconfirmed.until is None else "from now"
            logger.warning("settings.unconfirmed: %g s %s: %s", confirm_within, when, tags)
        return errors

    def _undone(self, tags: tuple[str, ...]) -> None:
        """Have what was before in force again, by a reboot where it needs one."""
        self._wake()
        now = self._memory.snapshot.settings
        rows = ((tag, slots()[tag].row) for tag in tags)
        if any(
            row.effect is Effect.REBOOT and encode(now, tag) != encode(self._booted, tag)
            for tag, row in rows
        ):
            self._restart("Changes Not Confirmed")

    def _statuses(self) -> Mapping[str, Status]:
        trace = self._host.trace
        first = {"trace": trace.status} if trace else {}
        first["phone"] = self._own_status
        return self._supervisor.statuses(first) if self._supervisor else Statuses(first)

    def _own_status(self) -> Status:
        identity = self._facts.identity
        stored = self._memory.snapshot.settings
        waiting = effective(stored, self._booted) != stored
        rows = [
            ("Product Name", identity.product),
            ("Serial Number", identity.serial),
            ("MAC Address", identity.mac),
            ("Device Certificate", "Installed" if self._facts.own_certificate else "Not Installed"),
        ]
        if version := stored.provisioning.device_config_version:
            rows.append(("Configuration Version", version))
        if waiting:
            rows.append(("Pending", "stored changes take effect after a reboot"))
        if self._memory.problem:
            rows.append(("Stored Settings", self._memory.problem))
        rows += self._confirmation.rows()
        rows += [(f"Reboot Reason {n}", text) for n, text in enumerate(history(self._host), 1)]
        health = Health.FAILED if self._memory.problem else Health.RUNNING
        data = {"mac": identity.mac, "reboot_pending": waiting, **self._confirmation.data()}
        return Status(health, tuple(rows), data, "System Information")

    async def _reboot(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        self._restart(arguments.get("reason", "User Triggered"))
        return {"rebooting": True}

    def _restart(self, reason: str) -> None:
        self._reboot_reason(reason)
        self._code = REBOOT
        asyncio.get_running_loop().call_soon(self._over.set)

    async def _factory_reset(self, _: Mapping[str, str]) -> Mapping[str, object]:
        """Decide on the reset; the next start does it before it reads anything."""
        reset.begin(self._host)
        return await self._reboot({"reason": "Factory Reset"})

    async def _answer(self, request: Mapping[str, Any]) -> Mapping[str, object]:
        await self._loaded.wait()
        match request:
            case {"verb": "status"}:
                return report(self._statuses())
            case {"verb": "get", "tag": str(tag)}:
                return {"text": shown(self._memory.snapshot, canonical(tag))}
            case {"verb": "set", "values": dict(values)}:
                submit = partial(self._submit, confirm_within=_seconds(request))
                features = self._supervisor.features if self._supervisor else ()
                await self._memory.prepare(_changes(values))
                return set_values(features, submit, self._memory, self._facts, values)
            case {"verb": "command", "name": str(name), "arguments": dict(arguments)}:
                texts = {str(key): str(text) for key, text in arguments.items()}
                return await self._commands.run(name, texts)
        raise ComponentError("control", "not a request that this phone knows")


def _seconds(request: Mapping[str, Any]) -> float:
    """Return how long a request lets a confirmation take; 0 where it asks for none."""
    within = request.get("confirm_within", 0)
    if isinstance(within, int | float) and 0 <= within <= LONGEST:
        return within
    raise ConfigError("confirm_within", "is no time", f"0 to {LONGEST} s")


def set_values(
    features: Sequence[Feature[Any]],
    submit: Submit,
    memory: Memory,
    facts: Facts,
    values: Mapping[str, Any],
) -> Mapping[str, object]:
    """Submit values from the command line, all or nothing; return what is wrong with them, too.

    Raises:
        ConfigError: a tag is unknown or a value was refused; nothing was stored.
        ComponentError: the store could not be written.

    """
    known = _errors(features, memory.snapshot.settings, facts)
    changes = _changes(values)
    for error in submit(changes, Origin.COMMAND, whole=True):
        raise error
    found = [one for one in _errors(features, memory.snapshot.settings, facts) if one not in known]
    warnings = [f"{one.tag}: {one.message}; {one.remedy}" for one in found]
    return {"stored": sorted(changes), "warnings": warnings}


def _changes(values: Mapping[str, Any]) -> Mapping[str, Change]:
    return {canonical(str(tag)): Change(str(text)) for tag, text in values.items()}


def _errors(
    features: Sequence[Feature[Any]], settings: Settings, facts: Facts
) -> tuple[Finding, ...]:
    """Return what of the settings no feature can do, each once."""
    decided, refused = plan_all(features, settings, facts)
    found = [one for planned in decided.values() for one in planned.findings]
    found += [
        Finding(Severity.ERROR, one.rule, one.parameter, one.reason, one.remedy)
        for one in refused.values()
    ]
    return tuple(dict.fromkeys(one for one in found if one.severity is Severity.ERROR))


def report(statuses: Mapping[str, Status]) -> Mapping[str, object]:
    """Return the statuses as `ringfence phone status --json` prints them."""
    data: Mapping[str, Any] = {name: status.data for name, status in statuses.items()}
    resyncs = data.get("provisioning", {}).get("resyncs", [])
    return {
        "schema": 1,
        "features": {
            name: {"health": status.health.value, "rows": [list(row) for row in status.rows]}
            for name, status in statuses.items()
        },
        "lines": data.get("line", {}).get("lines", []),
        "calls": data.get("line", {}).get("calls", []),
        "last_call": data.get("line", {}).get("last_call"),
        "dot1x": data.get("dot1x"),
        "lease": data.get("dhcp", {}).get("lease"),
        "clock": data.get("clock"),
        "ldap": data.get("ldap") or None,
        "lease6": data.get("ipv6", {}).get("lease"),
        "ports": {name: data.get("firewall", {}).get(name, []) for name in ("udp", "tcp")},
        "last_resync": next(iter(resyncs), None),
        "resyncs": resyncs,
        "trace": data.get("trace"),
        "proxy": data.get("proxy") or None,
        "vpn": data.get("vpn"),
        "tls": data.get("tls") or None,
        "unconfirmed": data.get("phone", {}).get("unconfirmed"),
    }
