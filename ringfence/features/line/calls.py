"""The calls that there are: what the network brings to them, and what follows from it."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain, count
from math import inf

from msgspec.structs import replace

from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError
from ringfence.features.line.held import Held
from ringfence.features.line.path import Elsewhere, Media, OpenMedia, Path
from ringfence.features.line.recent import RecentCalls
from ringfence.protocols.rtp.keys import KEYS_LIMIT
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import (
    Answered,
    Ended,
    Event,
    KeyPressed,
    KeysLost,
    Offered,
    OfferRefused,
    RefreshDue,
    Ringing,
    State,
)
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.exchange import Asked, Fields
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.negotiation import Negotiation, Security, Terms
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

MOST = 8
"""Most calls of the phone at once; one more is busy (486)."""
MOST_ENDED = 128
"""Most calls that have ended and whose messages may be repeated; the oldest is forgotten first."""


class LiveCalls:
    """Every call of the phone, from its first message to its last."""

    def __init__(self, world: World, open_media: OpenMedia) -> None:
        self._world = world
        self._open = open_media
        self._calls: dict[int, Held] = {}
        self._past: dict[int, Held] = {}
        """Those that have ended, the oldest first. Source: RFC 3261 section 17.2; RFC 6026."""
        self._last = 0
        self._nameless = count(-1, -1)
        """Numbers of what a call was before it went elsewhere."""
        self._keeping = False
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        """Set whenever a call ends."""
        self.idle_since: float | None = None
        """When the last call ended; None before there was one."""
        self.last: Mapping[str, object] | None = None
        """The call that ended last, and why, as JSON values."""
        self.recent = RecentCalls(world)

    def busy(self, n: int) -> bool:
        """Return whether a line has a call."""
        return any(held.path.line.n == n for held in self._calls.values())

    async def until_idle(self, n: int) -> None:
        """Return once a line has no call."""
        while self.busy(n):
            self._ended.clear()
            await self._ended.wait()

    def report(self) -> list[Mapping[str, object]]:
        """Return every call as JSON values."""
        ports = {held.media.port: held.number for held in self._calls.values()}
        return [
            {
                **held.naming(),
                "state": held.doing(),
                "transfer": held.transfer,
                "seconds": held.seconds(self._now()),
                **report,
                "joined": ports.get(int(str(report.get("joined", 0)))),
                "keys": f"{report.get('keys', '')}{held.keys}",
            }
            for held in self._calls.values()
            for report in [held.media.report()]
        ]

    def peers(self) -> Iterator[str]:
        """Yield the addresses that calls may hear from."""
        return (address for held in self._all() for address in held.peers())

    def take(self, asked: Asked, now: float) -> bool:
        """Take a request of a call that there is; False for none.

        Whoever read the tags of a call on its way may disturb it, but not have us call somebody.
        """
        call_id, leads = asked.message.first(b"call-id"), asked.message.method == b"REFER"
        for held in self._all():
            if leads and asked.source.address not in held.peers():
                continue
            if held.call.call_id == call_id and held.call.owns(asked):
                held.call.receive_request(asked, now)
                self._flush(held)
                return True
        return False

    def receive_response(self, message: Message, address: str) -> bool:
        """Take a response of `read_response`; False where it is for no call."""
        call_id, now = message.first(b"call-id"), self._now()
        for held in self._all():
            if held.call.call_id != call_id or address not in held.peers():
                continue
            if held.call.receive_response(message, now):
                self._flush(held)
                return True
        return False

    def _flush(self, held: Held) -> None:
        """Do what events ask, send what is due, and forget a call that is over."""
        while event := held.call.next_event():
            self._react(held, event)
        for message in held.call.messages_to_send():
            held.path.send(message)
        if held.call.state is State.ENDED and held.number in self._calls:
            self._remember(self._calls.pop(held.number))
            self.idle_since = self._now()
            self._ended.set()
        if held.call.over:
            self._past.pop(held.number, None)
        self._wake.set()

    def _remember(self, held: Held) -> None:
        """Keep a call that has ended as long as its messages may be repeated."""
        self._past[held.number] = held
        while len(self._past) > MOST_ENDED:
            del self._past[next(iter(self._past))]

    def _all(self) -> Iterator[Held]:
        """Yield every call of which a message may come."""
        return chain(self._calls.values(), self._past.values())

    async def _keep_time(self) -> None:
        """Keep the time of every call, until there is none."""
        while self._calls or self._past:
            due = min(held.call.get_timer() for held in self._all())
            delay = None if due == inf else max(due - self._now(), 0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            self._wake.clear()
            for held in list(self._all()):
                if held.call.get_timer() <= self._now():
                    held.call.handle_timer(self._now())
                    self._flush(held)
        self._keeping = False

    def _react(self, held: Held, event: Event) -> None:
        match event:
            case Ringing(status, body):
                held.state = "ringing" if status == 180 else "in progress"
                self._play_early(held, body)
            case Offered(body):
                held.offered = body
                if held.call.state is State.ESTABLISHED:
                    self._accept(held)
                else:
                    held.state = "ringing"
            case Answered(body):
                held.state = "established"
                held.answered = self._now() if held.answered is None else held.answered
                logger.info("call.answered: %d: %s", held.number, held.peer)
                self._answered(held, body)
            case Ended() if self._goes_on(held, event):
                pass
            case Ended(status, reason):
                held.state = "ended"
                words = f"{status} {reason}" if status else reason
                logger.info("call.ended: %d: %s: %s", held.number, held.peer, words)
                self.last = {**held.naming(), "ended": words}
                self.recent.add(held.recent(self._now(), words))
                held.media.stop()
            case RefreshDue():
                held.call.reoffer(held.negotiation.offer(), self._now())
            case _:
                self._note(held, event)

    @staticmethod
    def _note(held: Held, event: Event) -> None:
        """Note what changes nothing."""
        match event:
            case KeyPressed(key):
                held.keys = (held.keys + key)[-KEYS_LIMIT:]
            case KeysLost(count, status):
                words = "call.keys_lost: %d: the other side refused INFO (%d): %d keys are lost"
                logger.warning(words, held.number, status, count)
            case OfferRefused(status):
                stream = held.negotiation.stream
                held.negotiation.held = bool(stream and stream.held)
                logger.warning("call.offer_refused: %d: %d", held.number, status)

    def _goes_on(self, held: Held, event: Ended) -> bool:
        """Place a call that nobody took at the line's other proxy; return whether it has one."""
        found = held.elsewhere() if event.unreached and held.elsewhere else None
        if found is None:
            return False
        held.elsewhere = None
        self._place_again(held, *found)
        logger.warning("call.elsewhere: %d: %s: %s", held.number, held.peer, event.reason)
        return True

    def _place_again(self, held: Held, path: Path, target: str) -> None:
        """Call somewhere else what has just ended; its audio and its number stay."""
        before = replace(held, number=next(self._nameless))
        self._remember(before)
        self._flush(before)
        held.path, held.peer = path, target
        held.call = self._outgoing(path)
        encrypts = held.negotiation.terms.encrypts  # as whoever dialled wanted it
        terms = replace(self._terms(path, held.media), encrypts=encrypts)
        held.negotiation = Negotiation(terms, self._entropy)
        held.call.place(target.encode(), held.negotiation.offer(), self._now())

    def _outgoing(self, path: Path) -> Call:
        credentials = Credentials(path.line.auth_user, path.line.password.reveal())
        account = path.account
        realms = account.realms(path.realm)
        return Call(account, credentials, path.flow, self._entropy, path.agreement, realms)

    def _accept(self, held: Held) -> str:
        """Answer the offer that waits; return why it had to be refused, empty if it had not."""
        offer, held.offered = held.offered or b"", None
        try:
            body = held.negotiation.answer(offer) if offer else held.negotiation.offer()
        except RemoteProtocolError as error:
            logger.warning("call.refused: %d: %s", held.number, error)
            held.call.refuse(error.status_hint, self._now(), str(error))
            return str(error)
        held.call.answer(body, self._now())
        held.state = "established"
        held.answered = self._now() if held.answered is None else held.answered
        if offer and held.negotiation.stream:
            held.media.start(held.negotiation.stream)
        return ""

    def _play_early(self, held: Held, body: bytes) -> None:
        """Play what comes before the answer, if it is described; the microphone stays shut.

        Whoever described it last is heard. Source: RFC 3960 section 2; RFC 3261 section 13.2.1.
        """
        if not body:
            return
        try:
            held.media.start(replace(held.negotiation.receive_answer(body), sends=False))
        except (RemoteProtocolError, ComponentError) as error:
            logger.info("call.no_early_media: %d: %s", held.number, error)

    def _answered(self, held: Held, body: bytes) -> None:
        try:
            held.media.start(held.negotiation.receive_answer(body))
        except (RemoteProtocolError, ComponentError) as error:
            logger.warning("call.not_agreed: %d: %s", held.number, error)
            held.call.hang_up(self._now())

    def _lose_audio(self, held: Held, reason: str) -> None:
        """End a call whose audio broke."""
        held.call.hang_up(self._now(), reason)
        self._flush(held)

    def _place(
        self, path: Path, target: str, elsewhere: Elsewhere | None = None, fields: Fields = ()
    ) -> Held:
        """Call a SIP URI with further fields, and `elsewhere` where nobody takes the INVITE.

        Raises:
            ComponentError: there are too many calls, or no port is free.

        """
        if self._busy():
            raise ComponentError("call", f"{MOST} calls are the most")
        media = self._open(path)
        negotiation = Negotiation(self._terms(path, media), self._entropy)
        call = self._outgoing(path)
        held = self._hold_on(call, path, media, negotiation, target, incoming=False)
        held.elsewhere = elsewhere
        call.place(target.encode(), negotiation.offer(), self._now(), fields)
        self._flush(held)
        return held

    def _hold_on(  # noqa: PLR0913 - a call has as many parts
        self,
        call: Call,
        path: Path,
        media: Media,
        negotiation: Negotiation,
        peer: str,
        *,
        incoming: bool,
    ) -> Held:
        self._last += 1
        made = Held(self._last, call, path, media, negotiation, peer, incoming, "calling")
        made.began = self._world.host.wall()
        self._calls[self._last] = made
        media.watch(partial(self._lose_audio, made))
        if not self._keeping:
            self._keeping = True
            self._world.spawn(self._keep_time())
        return made

    @staticmethod
    def _terms(path: Path, media: Media, replaced: Held | None = None) -> Terms:
        """Return the terms of a call, with the port that it bound and what was agreed on.

        One that takes the place of an encrypted one is encrypted, too.
        """
        terms = path.line.tls_terms if path.flow.transport == "TLS" else path.line.terms
        secures = path.agreement.secures_media
        if replaced and replaced.negotiation.stream and replaced.negotiation.stream.protect:
            terms = replace(terms, security=Security.SECURE)
        return replace(terms, address=path.flow.host, port=media.port, mediasec=secures)

    def _find(self, number: int) -> Held:
        held = self._calls.get(number)
        if held is None:
            known = ", ".join(map(str, self._calls)) or "none"
            raise ConfigError(str(number), "no such call", f"calls: {known}")
        return held

    def _busy(self) -> bool:
        return len(self._calls) >= MOST

    def _entropy(self, size: int) -> bytes:
        return self._world.host.entropy(size)

    def _now(self) -> float:
        return self._world.host.now()
