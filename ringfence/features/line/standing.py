"""How an extension stands: what calls and people see of its registration."""

import asyncio
from collections.abc import Callable

from ringfence.features.line.binding import Binding
from ringfence.features.line.frontdesk import FrontDesk
from ringfence.features.line.path import Path
from ringfence.features.line.plan import LinePlan
from ringfence.features.line.port import UdpPort
from ringfence.features.line.reach import udp_path
from ringfence.features.line.reception import Refusals
from ringfence.features.line.ways import Way
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.locate import Hop
from ringfence.protocols.sip.registration import Registration
from ringfence.protocols.sip.response import Reply
from ringfence.protocols.sip.uas import UserAgentServer
from ringfence.runtime.feature import World

Registering = tuple[Registration, Agreement]


class Standing:
    """One extension, as far as it does nothing by itself."""

    def __init__(
        self,
        world: World,
        plan: LinePlan,
        port: UdpPort | None,
        calls: FrontDesk,
        heard: Callable[[], None],
    ) -> None:
        """Call `heard` each time that a registrar was good, or that a round found none."""
        self.plan = plan
        self.port = port
        self._own: UserAgentServer | None = None
        if plan.transport != "UDP":
            self._own = UserAgentServer(world.host.entropy(32))
            self._own.calls = calls.reception(lambda *_: self.path if self.takes_calls else None)
        self.servers = tuple(filter(None, (port.server if port else None, self._own)))
        """What answers requests at the port, and over a connection."""
        self.reason = plan.refused
        """Why the line is not registered; empty where there is nothing to say."""
        self.rule = plan.rule
        """The same for programs, where what failed is known: a rule of ours, or `credentials`."""
        self.barred = ""
        """Why no new call is taken or placed any more; empty where they are."""
        self.doubted = False
        """A call got no answer; the registrar was asked at once, and has not answered either."""
        self.binding: Binding | None = None
        """What registers, or is registered."""
        self.ended = asyncio.Event()
        """Set when `run` has nothing more to do."""
        self._heard = heard
        self._world = world
        self._calls = calls
        self._malformed = Refusals(world.host.now, "line.bad_response")
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._candidate: Binding | None = None
        """A better binding that is tried while the present one holds."""
        self._told: tuple[bytes, ...] = ()
        """The agreement that was logged last."""
        self._registration: Registering | None = None
        """Of the rounds that find a server; the waits between them grow."""
        self._known: frozenset[str] = frozenset()
        """Addresses of the line's servers, as they were found last."""
        self.nearest: tuple[Way, Hop] | None = None
        """What is preferred, if that is over UDP: there calls go while nothing is registered."""
        self._left: tuple[str, str, int] | None = None
        """Place of a registrar that was good and fell silent: the next round tries it last."""

    @property
    def registered(self) -> bool:
        """Whether the registrar holds our contact."""
        return bool(self.binding and self.binding.registered)

    @property
    def takes_calls(self) -> bool:
        """Whether a new call may come in: where callers could know us from, or anyway."""
        made = self.binding.registration if self.binding else None
        if made is None and self._registration:
            made = self._registration[0]
        held = made is not None and made.is_registered(self._now())
        return not self.barred and (held or self.plan.answers_unregistered)

    @property
    def places_calls(self) -> bool:
        """Whether a new call may go out, if there is a path for it."""
        return not self.barred and (self.registered or self.plan.calls_unregistered)

    def knows(self, address: str) -> bool:
        """Return whether an address is one of the line's servers."""
        return address in self._known

    def doubt(self) -> None:
        """Ask the registrar at once whether it still holds our contact."""
        if self.binding:
            self.doubted = True
            self.binding.registration.hasten(self._now())
            self.binding.wake()

    @property
    def transport(self) -> str:
        """Transport in use; as configured while there is none."""
        return self.binding.link.hop.transport if self.binding else self.plan.transport

    @property
    def suite(self) -> str:
        """OpenSSL name of the cipher suite in use; empty without TLS."""
        return self.binding.link.suite if self.binding else ""

    @property
    def agreement(self) -> Agreement:
        """What was agreed on about the security of media."""
        return self.binding.agreement if self.binding else Agreement()

    @property
    def refresh(self) -> float | None:
        """Return the seconds until the next REGISTER; None where none is planned."""
        due = self.binding.registration.refresh if self.binding else None
        return None if due is None else max(due - self._now(), 0)

    @property
    def path(self) -> Path | None:
        """Return how a call would travel now; None while nothing carries the line's messages."""
        if self.barred:
            return None
        if (binding := self.binding) is None:
            return udp_path(self.plan, self.port, self.nearest, self.own)
        flow, peer = binding.link.flow, binding.link.hop.address

        def send(message: Reply) -> None:
            if self.binding:  # a connection that was opened again carries its calls on
                self.binding.link.post(message.data, message.port, message.address)
                self.binding.wake()

        realm = binding.registration.realm
        return Path(self.plan, flow, peer, send, binding.agreement, binding.way.account, realm)

    def own(self, address: str) -> str:
        """Return our own address towards another. Raises `ComponentError` without a route."""
        home = self.plan.home
        return home.address if home and ":" not in address else self._world.host.source(address)

    def _now(self) -> float:
        return self._world.host.now()
