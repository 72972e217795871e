"""Call the ACS when there is something to tell, and when it asks."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Sequence

from msgspec import Struct, field

from ringfence import __version__
from ringfence.config.settings import ROWS
from ringfence.config.snapshot import Change, Origin
from ringfence.errors import ComponentError, NetworkError, RingfenceError
from ringfence.features.tr069.call import Call
from ringfence.features.tr069.door import Door, Login
from ringfence.features.tr069.engine import Engine, Timing
from ringfence.features.tr069.methods import PROVISIONING_CODE, Methods
from ringfence.features.tr069.model import UNSIGNED, Model, Own
from ringfence.features.tr069.plan import TITLE, Server, Tr069Plan
from ringfence.features.tr069.record import ACTIVE, BOOT, Book, Transfer
from ringfence.features.tr069.transfers import transfer
from ringfence.policy.credentials import masked
from ringfence.policy.network import written
from ringfence.runtime.alarm import woken
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status, stamp

logger = logging.getLogger(__name__)

HISTORY = 5
LOOK = 1.0
"""Seconds between two looks at the parameters of which changes are told, and at the clock."""
REASON_LIMIT = 500
REQUESTED = "6 CONNECTION REQUEST"
_IN_USE = ROWS["tr069"]["acs_url_in_use"].tag
_ASKED_AT = ROWS["tr069"]["connection_request_url"].tag


class _Past(Struct, frozen=True):
    """How a session came out."""

    at: float
    url: str
    events: tuple[str, ...]
    reason: str
    """Empty where it came to its end."""
    methods: int
    heard: bool
    """The ACS has taken the Inform."""


class Agent:
    """The phone as an ACS sees it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._book = Book(world.host)
        self._engine = Engine(world.host.entropy)
        self._door = Door(world.host, self._asked)
        self._plan: Tr069Plan | None = None
        self._wake = asyncio.Event()
        self._running = self._transferring = self._leaving = False
        self._calling = self._again = False
        self._site: _Site | None = None
        self._listening: tuple[object, ...] = ()
        self._history: deque[_Past] = deque(maxlen=HISTORY)
        self._begun = world.host.now()
        self._compared: object = None
        """The snapshot of which every change was told."""

    async def apply(self, plan: Tr069Plan) -> None:
        """Go by a plan; another ACS hears of the phone at once.

        Raises:
            ComponentError: the state or a port cannot be used.

        """
        before, self._plan = self._plan, plan
        self._compared = None
        record = self._book.record
        if not record.path:
            record.path = f"/{self._world.host.entropy(12).hex()}"
            self._book.write()
        self._door.login = Login(plan.user, plan.password.reveal(), record.path)
        await self._listen(plan)
        if plan.servers and record.url not in {each.url for each in plan.servers}:
            record.begin()
        if not self._running:
            record.add(*BOOT)
        interval = plan.interval if plan.servers else None
        timing = Timing(interval, plan.retry_wait, plan.retry_multiplier)
        self._engine.receive_timing(timing, self._world.host.now())
        if before is not None and before.servers != plan.servers:
            self._engine.receive_request()
        if not self._running:
            self._running = True
            self._world.spawn(self._run())
        self._wake.set()

    async def rest(self) -> None:
        """Call nobody, and listen nowhere; all that counts is on the disk."""
        self._plan = None
        await self._hush()
        self._wake.set()

    def status(self) -> Status:
        """Return the ACS in use, where it asks, and the last sessions."""
        plan = self._plan
        if plan is None:
            return Status(Health.DISABLED, title=TITLE)
        last = self._history[0] if self._history else None
        named = ", ".join(f"{each.url} ({each.named_by})" for each in plan.servers)
        rows = [
            ("ACS", named or "none"),
            ("Connection Request URL", self._request_url() or "none"),
            ("Connection Requests", f"{self._door.granted} granted, {self._door.refused} refused"),
        ]
        if plan.waiting:
            rows.append(("Waiting", plan.waiting))
        rows += [(f"Session {n}", _words(each)) for n, each in enumerate(self._history, 1)]
        rows += [
            ("Download", f"{each.kind}: {each.reason or ('done' if each.ended else 'under way')}")
            for each in self._book.record.transfers
        ]
        data = {
            "acs": last.url if last else "",
            "waiting": plan.waiting,
            "events": [code for code, _ in self._book.record.events],
            "last": {"reason": last.reason, "events": last.events} if last else None,
            "sessions": sum(not each.reason for each in self._history),
            "retries": self._book.record.retries,
            "port": plan.port,
        }
        return Status(self._health(plan), tuple(rows), data, TITLE)

    def _health(self, plan: Tr069Plan) -> Health:
        if plan.waiting or not self._history:
            return Health.PENDING
        return Health.FAILED if self._history[0].reason else Health.RUNNING

    async def _listen(self, plan: Tr069Plan) -> None:
        """Listen where the plan says, once it names an ACS."""
        wanted = (plan.addresses, plan.port) if plan.servers and plan.port else ()
        if wanted == self._listening:
            return
        await self._hush()
        if not wanted or plan.port is None:
            return
        host, places = self._world.host, plan.addresses
        made: list[socket.socket] = []
        try:
            made += [host.listener(address, plan.port, backlog=16) for address in places]
            made += [host.udp(address, plan.udp) for address in places]
        except ComponentError:
            for each in made:
                each.close()
            raise
        self._listening, self._site = wanted, _Site(tuple(made))
        self._world.spawn(self._serve(self._site, len(places)))

    async def _hush(self) -> None:
        """Listen nowhere; on return every port is free."""
        site, self._site, self._listening = self._site, None, ()
        if site:
            site.stop.set()
            await site.released.wait()

    async def _serve(self, site: "_Site", doors: int) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                sockets = site.sockets
                serving = group.create_task(self._door.serve(sockets[:doors], sockets[doors:]))
                await site.stop.wait()
                serving.cancel()
        finally:
            site.released.set()

    def _asked(self, address: str) -> None:
        """Have the ACS called, because it asks."""
        logger.info("tr069.asked: from %s", address)
        if self._calling:
            self._again = True  # what the present session was asked for is heard with it
        else:
            self._book.record.add(REQUESTED)
        self._engine.receive_request()
        self._wake.set()

    async def _run(self) -> None:
        """Call whenever there is something to tell; never returns."""
        host = self._world.host
        while True:
            self._wake.clear()
            now, plan = host.now(), self._plan
            if plan is None or plan.waiting or self._leaving:
                await self._wake.wait()
                continue
            self._notice(now)
            wanted = bool(self._book.record.events)
            if wanted and self._engine.is_free(now):
                self._calling = True
                await self._call(plan)
                self._calling = False
                if self._again:
                    self._again = False
                    self._book.record.add(REQUESTED)
                continue
            timer = self._engine.get_timer(wanted=wanted)
            if self._book.record.watches:
                timer = now + LOOK if timer is None else min(timer, now + LOOK)
            await woken(self._wake, timer, now)

    def _notice(self, now: float) -> None:
        """Add the events that time and changes bring, and begin a download that is due."""
        record, wall = self._book.record, self._world.host.wall()
        if self._engine.is_periodic(now):
            record.add("2 PERIODIC")
        for each in [one for one in record.scheduled if one.due <= wall]:
            record.scheduled.remove(each)
            record.add("3 SCHEDULED")
            record.add("M ScheduleInform", each.command_key)
        snapshot = self._world.snapshot()
        if snapshot is not self._compared:
            self._compared = snapshot
            watched = record.watched()
            if any(watched[path] == ACTIVE for path in self._changed(self._model())):
                record.add("4 VALUE CHANGE")
        waiting = [one for one in record.transfers if not one.ended and one.due <= wall]
        if waiting and not self._transferring:
            self._transferring = True
            self._world.spawn(self._transfer(waiting[0]))

    async def _transfer(self, wanted: Transfer) -> None:
        try:
            await transfer(self._world, self._book, wanted, self._wake.set)
        finally:
            self._transferring = False

    def _changed(self, model: Model) -> tuple[str, ...]:
        """Return the parameters of which the ACS knows an old value."""
        told = self._book.record.told
        return tuple(
            path
            for path in self._book.record.watched()
            if path in told and path in model and model.value(path).value.text != told[path]
        )

    async def _call(self, plan: Tr069Plan) -> None:
        """Speak with the first ACS that answers, and keep what it has heard."""
        methods = Methods(self._world, self._book, self._model)
        past = None
        for server in plan.servers:
            if self._plan is None:
                break  # switched off meanwhile
            past = await self._session(plan, server, methods)
            self._history.appendleft(past)
            if not past.reason or past.heard:
                break
        good = past is not None and not past.reason
        self._book.record.retries = 0 if good else self._book.record.retries + 1
        self._engine.receive_result(good=good, now=self._world.host.now())
        record = self._book.record
        record.events = [each for each in record.events if each[0] != REQUESTED or good]
        self._book.try_to_write()
        if past and good:
            self._tell_place(past.url)
        if methods.then:
            self._leaving = True  # the ACS hears of it when it is done
            self._world.spawn(self._leave(methods.then))

    async def _session(self, plan: Tr069Plan, server: Server, methods: Methods) -> "_Past":
        record, model = self._book.record, self._model()
        changed = self._changed(model)
        events = tuple(record.events)
        call = Call(self._world, plan, record, methods)
        inform = call.inform(model, changed, record.retries)
        reason = ""
        try:
            await call.run(server, inform)
        except RingfenceError as error:
            reason = str(error)[:REASON_LIMIT]
            logger.warning("tr069.failed: %s: %s", masked(server.url), reason)
        else:
            logger.info(
                "tr069.session: %s: %s", masked(server.url), ", ".join(c for c, _ in events)
            )
        if call.heard.informed:
            self._heard(server, events, call.heard.transfers)
        codes = tuple(code for code, _ in events)
        return _Past(
            self._world.host.wall(),
            masked(server.url),
            codes,
            reason,
            call.heard.methods,
            call.heard.informed,
        )

    def _heard(self, server: Server, events: Sequence[tuple[str, str]], transfers: int) -> None:
        """Forget what the ACS knows now; a download only when its end was answered."""
        record = self._book.record
        record.url = server.url
        done = [each for each in record.transfers if each.ended][:transfers]
        for each in done:
            record.transfers.remove(each)
        keys = {each.command_key for each in record.transfers if each.ended}
        record.events = [
            (code, key)
            for code, key in record.events
            if (code, key) not in events
            or (code == "M Download" and key in keys)
            or (code == "7 TRANSFER COMPLETE" and bool(keys))
        ]

    def _tell_place(self, url: str) -> None:
        """Let the page show the ACS in use, and where it asks."""
        texts = {_IN_USE: url, _ASKED_AT: self._request_url()}
        try:
            self._world.submit({tag: Change(text) for tag, text in texts.items()}, Origin.ACS)
        except ComponentError as error:
            logger.warning("tr069.not_kept: %s", error)

    async def _leave(self, command: str) -> None:
        """Reboot or reset once no line has a call."""
        while True:
            line = self._world.statuses().get("line")
            if line is None or not line.data.get("calls"):
                break
            await asyncio.sleep(LOOK)
        try:
            await self._world.commands.run(command, {"reason": "RC"})
        except RingfenceError as error:
            logger.error("tr069.not_done: %s: %s", command, error)
            self._leaving = False
            self._wake.set()

    def _request_url(self) -> str:
        plan = self._plan
        if plan is None or plan.port is None or not plan.address:
            return ""
        return f"http://{written(plan.address, plan.port)}{self._book.record.path}"

    def _model(self) -> Model:
        """Return what an ACS may read now."""
        plan, record = self._plan, self._book.record
        if plan is None:
            raise NetworkError("TR-069 is not enabled any more")
        unit, code = plan.identity, record.provisioning_code
        own = {
            "Device.RootDataModelVersion": Own("2.11"),
            "Device.DeviceInfo.Manufacturer": Own("Ringfence"),
            "Device.DeviceInfo.ManufacturerOUI": Own(unit.mac[:6].upper()),
            "Device.DeviceInfo.ModelName": Own(unit.product),
            "Device.DeviceInfo.ProductClass": Own(unit.product),
            "Device.DeviceInfo.SerialNumber": Own(unit.serial),
            "Device.DeviceInfo.HardwareVersion": Own(unit.product),
            "Device.DeviceInfo.SoftwareVersion": Own(__version__),
            PROVISIONING_CODE: Own(plan.provisioning_code if code is None else code, writable=True),
            "Device.DeviceInfo.UpTime": Own(
                str(int(self._world.host.now() - self._begun)), UNSIGNED
            ),
            "Device.ManagementServer.ParameterKey": Own(record.parameter_key),
            "Device.ManagementServer.ConnectionRequestURL": Own(self._request_url()),
            "Device.ManagementServer.UDPConnectionRequestAddress": Own(
                written(plan.address, plan.udp)
            ),
        }
        return Model(self._world.snapshot().settings, own)


class _Site(Struct, eq=False):
    """What listens, until it is told to stop."""

    sockets: tuple[socket.socket, ...]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


def _words(past: _Past) -> str:
    said = past.reason or f"success, {past.methods} methods"
    return f"{stamp(past.at)} {past.url} {', '.join(past.events)}: {said}"
