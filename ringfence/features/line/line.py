"""One extension at work: it finds its registrar, registers, and stays registered."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from ringfence.errors import (
    ComponentError,
    NetworkError,
    PolicyError,
    RemoteProtocolError,
    RingfenceError,
)
from ringfence.features.line.binding import Binding
from ringfence.features.line.home import Home
from ringfence.features.line.link import Link, StreamLink
from ringfence.features.line.reach import kind, target_of, together
from ringfence.features.line.standing import Registering, Standing
from ringfence.features.line.ways import Way
from ringfence.policy.tls import HANDSHAKE
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.locate import Hop, preferred
from ringfence.protocols.sip.message import Message, read_response, said
from ringfence.protocols.sip.registration import Failed, Registered, Registration
from ringfence.protocols.sip.response import Source

logger = logging.getLogger(__name__)

RELOOK = 300.0
"""Seconds between two looks at where the proxies of a line are that does not register."""


class Line(Standing):
    """The registration of one extension, from `run` to `stop`."""

    def wake(self) -> None:
        """Look at once at what has changed."""
        self._wake.set()
        if self.binding:
            self.binding.wake()

    def stop(self) -> None:
        """Unregister; `ended` is set in bounded time."""
        self._stopping = True
        self._wake.set()
        for binding in filter(None, (self.binding, self._candidate)):
            binding.release()
        if self._task and not self.binding:
            self._task.cancel()

    async def run(self, before: Sequence["Line"]) -> None:
        """Register, and stay registered until stopped; after those `before` have ended."""
        self._task = asyncio.current_task()
        try:
            for line in before:
                await line.ended.wait()
            if self.plan.home and not self._stopping:
                async with asyncio.TaskGroup() as group:
                    await self._stay(self.plan.home, group)
        finally:
            self._task = None
            if self._known:  # else they are those of the line before
                self._know(())
            self.ended.set()

    def receive_response(self, message: Message, address: str) -> bool:
        """Take a response of `read_response`; return whether it was ours."""
        bindings = filter(None, (self.binding, self._candidate))
        return any(binding.receive_response(message, address) for binding in bindings)

    async def _stay(self, home: Home, group: asyncio.TaskGroup) -> None:
        if not home.address and "A" in home.ways[0].search.records:
            self.reason = "waiting for an address"
            return
        if not self.plan.registers:
            await self._stand_by(home)
            return
        self._registration = self._new_registration(home)
        while not self._stopping:
            self._registration[0].begin_round()
            failed = await self._round(home, self._registration, group)
            if failed is None or self._stopping:
                return
            self.reason, self.rule = failed.reason, kind(failed)
            rest = "for good" if failed.retry is None else f"for {failed.retry:.1f} s"
            logger.warning("line.failed: Ext %d rests %s: %s", self.plan.n, rest, failed.reason)
            self._heard()
            await self._rest(failed.retry)

    async def _stand_by(self, home: Home) -> None:
        """Know where the proxies are of a line that does not register, until stopped."""
        while not self._stopping:
            kept: frozenset[str] = frozenset()
            for way in home.ways:
                try:
                    await self._locate(home, way, kept)
                except (NetworkError, PolicyError) as error:
                    logger.info("line.unreached: Ext %d: %s", self.plan.n, error)
                kept = self._known
            await self._rest(RELOOK)

    async def _round(
        self, home: Home, registration: Registering, group: asyncio.TaskGroup
    ) -> Failed | None:
        """Try every server once, best first; return what failed, None when stopped."""
        failures: list[Failed] = []
        kept: frozenset[str] = frozenset()
        for way in home.ways:
            self.reason = f"registering at {way.account.registrar}"
            try:
                hops = await self._locate(home, way, kept)
            except (NetworkError, PolicyError) as error:
                failures += self._unreached(home, registration[0], error)
                continue
            kept = self._known
            for hop in sorted(hops, key=lambda hop: hop.place == self._left):
                try:
                    link = await self._open(home, way, hop)
                except (NetworkError, PolicyError, ComponentError) as error:
                    failures += self._unreached(home, registration[0], error)
                    continue
                binding = Binding(self._world.host, link, way, registration)
                failed = await self._hold(home, binding, group)
                if failed is None or self._stopping or not failed.elsewhere:
                    return failed
                failures.append(failed)
        return together(failures)

    async def _locate(self, home: Home, way: Way, kept: frozenset[str]) -> tuple[Hop, ...]:
        """Return where a registrar is, best first; it is known beside those that are `kept`.

        Raises:
            PolicyError: Restricted Access Domains forbid it.
            NetworkError: DNS leads nowhere, or did not answer.

        """
        hops = await self._world.egress.locate(target_of(home, way), way.search)
        self._know(kept | {hop.address for hop in hops})
        if way is home.ways[0] or self.nearest is None:
            self.nearest = (way, hops[0]) if hops and hops[0].transport == "UDP" else None
        return hops

    async def _open(self, home: Home, way: Way, hop: Hop) -> Link:
        """Return a link to a hop. Raises as `Egress.connect` does."""
        if hop.transport != "UDP":
            stream = await self._world.egress.connect(target_of(home, way, hop), hop.address)
            return StreamLink(hop, stream)
        if self.port is None:
            raise ComponentError("udp", "the line has no port")
        return Link(hop, Flow("UDP", self.own(hop.address), self.port.number), self.port)

    def _unreached(
        self, home: Home, registration: Registration, error: RingfenceError
    ) -> Iterator[Failed]:
        """Yield the failure of a link that was never made; a refusal of ours rests long."""
        logger.info("line.unreached: Ext %d: %s", self.plan.n, error)
        if isinstance(error, PolicyError):
            rest = home.account.retry.long or None
            yield Failed(0, str(error), rest, elsewhere=True, rule=error.rule)
            return
        registration.lose_flow(str(error), self._now())
        if isinstance(event := registration.next_event(), Failed):
            yield replace(event, rule=HANDSHAKE) if error.rule == HANDSHAKE else event

    async def _hold(self, home: Home, binding: Binding, group: asyncio.TaskGroup) -> Failed | None:
        """Stay with a binding, and with the better ones that replace it; None when stopped."""
        self._start(binding, group)
        while True:
            self.binding = binding
            looker = group.create_task(self._look_back(home, binding, group))
            failed = await binding.task
            looker.cancel()
            if (candidate := self._candidate) is not None:
                await candidate.settled.wait()
                self._candidate = None
                if candidate.held:
                    binding = candidate
                    continue
                await candidate.task
            self.binding = self._left = None
            others = len(self._known) > 1 or len(home.ways) > 1
            if failed and failed.elsewhere and binding.held and others:
                self._left = binding.link.hop.place
                return replace(failed, retry=0.0, elsewhere=False)
            return failed

    async def _look_back(self, home: Home, binding: Binding, group: asyncio.TaskGroup) -> None:
        """Return to a server that is preferred to the present one, once one can be had.

        Source: phone-facts 5.2, Fallback.
        """
        if not home.returns_after or not (binding.link.hop.rank or binding.way is not home.ways[0]):
            return
        await binding.settled.wait()
        while True:
            await asyncio.sleep(home.returns_after)
            if home.returns_at_register:
                binding.renewed.clear()
                await binding.renewed.wait()
            await self._calls.until_idle(self.plan.n)
            if await self._prefer(home, binding, group):
                # Over UDP the contact is the same at both: to take it back here could end both.
                binding.release(silently=not binding.link.flow.reliable)
                return

    async def _prefer(self, home: Home, present: Binding, group: asyncio.TaskGroup) -> bool:
        """Register at the best server before the present one; return whether one was there."""
        kept = frozenset((present.link.hop.address,))
        for way in home.ways[: home.ways.index(present.way) + 1]:
            try:
                hops = await self._locate(home, way, kept)
            except (NetworkError, PolicyError):
                continue
            kept = self._known
            for hop in preferred(hops, present.link.hop) if way is present.way else hops:
                try:
                    link = await self._open(home, way, hop)
                except (NetworkError, PolicyError, ComponentError) as error:
                    logger.info("line.unreached: Ext %d: %s", self.plan.n, error)
                    continue
                registration = self._new_registration(home)
                self._candidate = candidate = Binding(self._world.host, link, way, registration)
                self._start(candidate, group)
                await candidate.settled.wait()
                if candidate.held:
                    return True
                self._candidate = None
                await candidate.task
        return False

    def _start(self, binding: Binding, group: asyncio.TaskGroup) -> None:
        link = binding.link
        binding.task = group.create_task(
            binding.keep(partial(self._receive, link), self._good, lambda: self.plan.keep_alive)
        )

    def _good(self, binding: Binding, event: Registered) -> None:
        """Note a good answer to a REGISTER."""
        self.reason, self.rule, hop = "", "", binding.link.hop
        self.doubted = False
        words = "line.registered: Ext %d at %s %s:%d for %d s"
        logger.info(words, self.plan.n, hop.transport, hop.address, hop.port, event.expires)
        self._tell_agreement(binding)
        self._heard()

    def _tell_agreement(self, binding: Binding) -> None:
        """Log an agreement that is new, and warn where others can read the keys of its calls."""
        named, transport = binding.agreement.server_list, binding.link.flow.transport
        if named == self._told:
            return
        self._told = named
        words = said(b", ".join(named), 200) or "none any more"
        if binding.agreement.secures_media and transport != "TLS":
            words += f"; over {transport} the keys of calls travel in clear text"
            logger.warning("line.agreement: Ext %d: %s", self.plan.n, words)
        else:
            logger.info("line.agreement: Ext %d: %s", self.plan.n, words)

    async def _receive(self, link: Link, data: bytes) -> None:
        """Take a message that came over a connection."""
        source = Source(link.hop.address, link.hop.port, known=True, reliable=True)
        if data[:4].upper() != b"SIP/":
            if self._own and (reply := self._own.receive(data, source, self._now())):
                link.post(reply.data)
                await link.flush()
            return
        try:
            message = read_response(data)
        except RemoteProtocolError as error:
            self._malformed.note(f"Ext {self.plan.n}: {error}")
            return
        if not self.receive_response(message, source.address):
            self._calls.receive_response(message, source.address)

    def _know(self, addresses: Iterable[str]) -> None:
        """Tell who is no stranger to the UDP port, and to the firewall."""
        self._known = frozenset(addresses)
        if self.port:
            self.port.trust(self.plan.name, self._known)
        peers = {**self._world.facts().peers, self.plan.name: self._known}
        self._world.publish(peers={name: known for name, known in peers.items() if known})

    def _new_registration(self, home: Home) -> Registering:
        plan, agreement = self.plan, home.mediasec.agreement()
        credentials = Credentials(plan.auth_user, plan.password.reveal())
        entropy = self._world.host.entropy
        return Registration(home.account, credentials, entropy, agreement), agreement

    async def _rest(self, seconds: float | None) -> None:
        """Return after so many seconds, or when stopped; None waits for that alone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._stopping:
                    await self._wake.wait()
                    self._wake.clear()
