"""Sign in, stay signed in, and tell who is there."""

import asyncio
import logging
from collections.abc import Mapping

from msgspec.structs import replace

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError, NetworkError, PolicyError, RingfenceError
from ringfence.features.xmpp.desk import Desk
from ringfence.features.xmpp.plan import SERVER, XmppPlan
from ringfence.policy.rules import Url
from ringfence.policy.throttle import Throttle
from ringfence.protocols.xmpp.session import Login, Online, Session, StartTls
from ringfence.runtime.alarm import woken
from ringfence.runtime.commands import Command
from ringfence.runtime.download import aim
from ringfence.runtime.egress import Stream, Target
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status, stamp
from ringfence.surfaces.screen import menu

logger = logging.getLogger(__name__)

TITLE = "XMPP"
PRESENCE, MESSAGES = "xmpp-presence", "xmpp-messages"
FIRST, LONGEST = 5.0, 300.0
"""Seconds until the second attempt; each further one takes twice as long, up to the longest."""
REFUSED = 60.0
"""Seconds at least after a refusal, which another attempt is not likely to change."""
PIECE, PIECES, PIECE_TIME = 8192, 256, 1 / 16
"""Bytes of one look at what came, looks at once, and seconds until one more: a server may send
2 MiB in one go, and 128 KiB a second for ever."""
REASON = 400
"""Characters of a reason."""


class XmppDriver:
    """One stream at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: XmppPlan | None = None
        self._desk = Desk()
        self._stream: Stream | None = None
        self._runs = False
        self._wake = asyncio.Event()
        self._failures = 0
        self._online: Online | None = None
        self._tls = ""
        self._problem = ""
        self._since = 0.0
        self._due: float | None = None
        """When the next attempt is, in monotonic seconds; None for only after a change."""
        world.commands.register(Command(PRESENCE, Level.USER, self._presence))
        world.commands.register(Command(MESSAGES, Level.USER, self._messages))

    async def apply(self, key: str, plan: XmppPlan) -> None:
        """Sign in by a new plan."""
        self._plan, self._failures = plan, 0
        if not self._runs:
            self._runs = True
            self._world.spawn(self._run())
        self._end()

    async def remove(self, key: str) -> None:
        """Sign off."""
        self._plan, self._problem = None, ""
        self._desk = Desk()
        self._end()

    async def close(self) -> None:
        """Sign off."""
        self._plan = None
        if self._stream and not self._stream.closed:
            await self._stream.close()

    def status(self) -> Status:
        """Return whether the phone is signed in, how it is protected, who is there."""
        plan, online = self._plan, self._online
        if plan is None:
            return Status(Health.DISABLED, title=TITLE)
        people = [*self._desk.people()]
        there = sum(words != "Offline" for _, _, words in people)
        rows = [("XMPP Server", f"{plan.host}:{plan.port}")]
        if online:
            rows += [("XMPP State", f"Online as {online.jid} since {stamp(self._since)}")]
            rows += [("XMPP Protection", f"{self._tls}; {online.mechanism}")]
        else:
            rows += [("XMPP State", f"Offline: {plan.waiting or self._problem or 'connecting'}")]
        rows += [("XMPP Contacts", f"{len(people)}, {there} available")]
        rows += [("Messages Waiting", str(self._desk.waiting))]
        data = {
            "online": online.jid if online else None,
            "mechanism": online.mechanism if online else None,
            "tls": self._tls if online else "",
            "problem": self._problem,
            "contacts": [{"jid": jid, "name": name, "presence": now} for jid, name, now in people],
            "waiting": self._desk.waiting,
        }
        health = Health.RUNNING if online else Health.PENDING
        if self._problem and not online:
            health = Health.FAILED
        return Status(health, tuple(rows), data, TITLE)

    async def _presence(self, _: Mapping[str, str]) -> Mapping[str, object]:
        self._ready()
        return {"sheet": menu.told(self._desk.presence_sheet())}

    async def _messages(self, _: Mapping[str, str]) -> Mapping[str, object]:
        self._ready()
        return {"sheet": menu.told(self._desk.message_sheet())}

    def _ready(self) -> None:
        if self._plan is None:
            raise ConfigError("XMPP_Enable", "XMPP is off", "set it to Yes")

    def _end(self) -> None:
        if self._stream:
            self._stream.abort()
        self._wake.set()

    async def _run(self) -> None:
        """Keep a stream; never returns."""
        while True:
            plan, self._due = self._plan, None
            self._wake.clear()
            if plan is not None and not plan.waiting:
                await self._attempt(plan)
            await woken(self._wake, self._due, self._world.host.now())

    async def _attempt(self, plan: XmppPlan) -> None:
        """Talk until the stream ends; say when to try again."""
        world = self._world
        least, problem = 0.0, ""
        try:
            await self._talk(plan)
        except PolicyError as error:
            least, problem = REFUSED, str(error)
        except RingfenceError as error:
            problem = str(error)
        if self._online:
            self._failures = 0
        self._online, self._stream = None, None
        self._desk.cleared()
        if self._plan is not plan:
            return  # a new plan came, and nothing waits for it
        self._problem = problem[:REASON]
        logger.warning("xmpp.offline: %s", self._problem)
        delay = min(LONGEST, max(least, FIRST * 2 ** min(self._failures, 10)))
        self._failures += 1
        spread = 1 + int.from_bytes(world.host.entropy(2)) / 65536 / 2
        self._due = world.host.now() + delay * spread

    async def _talk(self, plan: XmppPlan) -> None:
        """Sign in and listen; it ends with an error.

        Raises:
            RingfenceError: the server was not reached, was refused, or ended the stream.

        """
        host = self._world.host
        target = self._target(plan)
        stream = await self._connected(target, direct=plan.direct)
        try:
            self._stream = stream
            login = Login(plan.user, plan.domain, plan.password.reveal(), plan.resource)
            nonce = host.entropy(18).hex()
            session = Session(login, nonce, host.now(), secure=plan.direct)
            looks = Throttle(PIECES, PIECE_TIME, 1)
            while self._plan is plan:
                await stream.write(session.data_to_send())
                await asyncio.sleep(looks.wait("", host.now()))
                try:
                    async with asyncio.timeout(max(0.0, session.get_timer() - host.now())):
                        data = await stream.read(PIECE)
                except TimeoutError:
                    session.handle_timer(host.now())
                    continue
                looks.failed("", host.now())
                session.receive_data(data, host.now())
                while (event := session.next_event()) is not None:
                    if isinstance(event, StartTls):
                        stream = self._stream = await self._world.egress.upgrade(target, stream)
                        session.secured()
                    elif isinstance(event, Online):
                        self._came_online(event, stream)
                    else:
                        self._desk.take(event)
        finally:
            stream.abort()

    def _target(self, plan: XmppPlan) -> Target:
        url = Url("https", plan.host, plan.port, "/")
        return aim(plan.reach, plan.host, SERVER)(url)

    async def _connected(self, target: Target, *, direct: bool) -> Stream:
        """Return a stream to the first address that answers: in TLS, or in clear before it."""
        egress, reasons = self._world.egress, []
        begins = target if direct else replace(target, tls=None)
        for address in await egress.resolve(target):
            try:
                return await egress.connect(begins, address)
            except PolicyError:
                raise
            except NetworkError as error:
                reasons.append(str(error))
        raise NetworkError("; ".join(reasons))

    def _came_online(self, event: Online, stream: Stream) -> None:
        self._online, self._problem = event, ""
        self._since = self._world.host.wall()
        held = stream.secured
        self._tls = f"{held.version}, {held.suite}, {held.matched}" if held else ""
        logger.info("xmpp.online: %s", event.jid)
