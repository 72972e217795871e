"""The calls of the phone: who may begin one, and what people ask of them."""

import logging

from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError
from ringfence.features.line.path import Elsewhere, Path
from ringfence.features.line.targets import SEE
from ringfence.features.line.transfers import Transfers
from ringfence.protocols.rtp.keys import KEYS, known_keys
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import State
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.identity import caller
from ringfence.protocols.sip.message import said
from ringfence.protocols.sip.negotiation import Negotiation

logger = logging.getLogger(__name__)


class Switchboard(Transfers):
    """Every call of the phone, and those that may become one."""

    # What people ask

    def dial(self, path: Path, target: str, elsewhere: Elsewhere | None = None) -> int:
        """Place a call to a SIP URI and return its number; `elsewhere` where nobody takes it.

        Raises:
            ComponentError: there are too many calls, or no port is free.

        """
        return self._place(path, target, elsewhere).number

    def answer(self, number: int) -> None:
        """Answer a call that rings.

        Raises:
            ConfigError: there is no such call, or it does not ring.
            ComponentError: its offer cannot be accepted; it was refused.

        """
        held = self._find(number)
        if held.call.state is not State.INCOMING or held.offered is None:
            raise ConfigError(str(number), "the call does not ring", SEE)
        refused = self._accept(held)
        self._flush(held)
        if refused:
            raise ComponentError("call", refused)

    def hang_up(self, number: int) -> None:
        """End a call, refuse or cancel it.

        Raises:
            ConfigError: there is no such call.

        """
        held = self._find(number)
        held.call.hang_up(self._now())
        self._flush(held)

    def hold(self, number: int, *, held: bool) -> None:
        """Hold the other side, or take it back.

        Raises:
            ConfigError: there is no such call.
            ComponentError: another offer is under way.

        """
        found = self._find(number)
        before, found.negotiation.held = found.negotiation.held, held
        if not found.call.reoffer(found.negotiation.offer(), self._now()):
            found.negotiation.held = before
            raise ComponentError("call", "not while another offer is under way")
        self._flush(found)

    def hold_others(self, number: int) -> None:
        """Hold whoever talks with us, but for one call and who is in conference with it.

        Raises:
            ComponentError: another offer is under way.

        """
        joined = {call["call"]: call["joined"] for call in self.report()}
        for other, held in list(self._calls.items()):
            if other != number and held.doing() == "established" and joined[other] != number:
                self.hold(other, held=True)

    def confer(self, number: int, other: int) -> tuple[int, int]:
        """Let the other sides of two calls hear each other, and us; return the calls.

        0 is whichever can be meant.

        Raises:
            ConfigError: there are no two such calls.
            ComponentError: one is encrypted and the other is not, or another offer is under way.

        """
        known = [one for one, held in self._calls.items() if held.answered is not None]
        two = tuple(dict.fromkeys(filter(None, (number, other)))) or tuple(known)
        if len(two) == 1:
            two += tuple(one for one in known if one not in two)
        if len(two) != 2:
            raise ConfigError("conference", f"needs two calls, and there are {len(two)}", SEE)
        first, second = (self._talking(one) for one in two)
        first.media.join(second.media.port)
        for held in (first, second):
            if held.negotiation.held:
                self.hold(held.number, held=False)
        return first.number, second.number

    def press(self, number: int, digits: str) -> None:
        """Press keys, which travel as `DTMF_Tx_Method_n_` says.

        Raises:
            ConfigError: there is no such call, it is not established, or nothing to press.
            ComponentError: one is no key, or the other side takes none.

        """
        if not digits:
            raise ConfigError("dtmf", "nothing to press", f"name some of {KEYS}")
        held = self._find(number)
        if held.call.state is not State.ESTABLISHED:
            raise ConfigError(str(number), "nobody has answered yet", SEE)
        held.media.press(digits, held.path.line.dtmf)
        if held.path.line.dtmf.info:
            held.call.press(known_keys(digits), self._now())
            self._flush(held)

    def close(self) -> None:
        """Hang up every call."""
        for held in list(self._calls.values()):
            held.call.hang_up(self._now())
            self._flush(held)

    def choose(self, number: int, *, ringing: bool = False) -> int:
        """Return `number`, or for 0 the one call that can be meant.

        Raises:
            ConfigError: there is none, or more than one.

        """
        if number:
            return number
        calls = self._calls.values()
        wanted = [one.number for one in calls if not ringing or one.call.state is State.INCOMING]
        if len(wanted) != 1:
            none = "none rings" if ringing else "there is none"
            known = ", ".join(map(str, wanted))
            raise ConfigError("call", f"which one: {known}" if wanted else none, SEE)
        return wanted[0]

    # What the network begins

    def begin(self, path: Path, asked: Asked, now: float) -> int:
        """Begin the call of an INVITE; return 0, or the status that refuses it."""
        if any(held.call.is_merged(asked.message) for held in self._all()):
            return 482
        replaced = self._replaced(path, asked.message)
        if self._busy() and not replaced:
            return 486
        try:
            media = self._open(path)
        except ComponentError as error:
            logger.warning("call.refused: Ext %d: %s", path.line.n, error)
            return 480
        try:
            call = Call.of_invite(path.account, path.flow, asked, self._entropy, path.agreement)
        except RemoteProtocolError:
            media.stop()
            raise
        negotiation = Negotiation(self._terms(path, media, replaced), self._entropy)
        who = caller(asked.message, path.line.callers, trusted=path.known)
        peer = said(who.uri, 200)
        held = self._hold_on(call, path, media, negotiation, peer, incoming=True)
        held.name = said(who.name)
        self._flush(held)
        if replaced:
            self._take_place(held, replaced)
        else:
            call.ring(now)
            self._flush(held)
        return 0
