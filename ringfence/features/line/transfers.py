"""Calls that lead to others: we transfer, are transferred, or a call takes another one's place.

Source: RFC 3515; RFC 3891 sections 3 and 5; RFC 5589.
"""

import logging

from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError
from ringfence.features.line.calls import LiveCalls
from ringfence.features.line.held import Held
from ringfence.features.line.path import OpenMedia, Path, WayOut, secured
from ringfence.features.line.targets import SEE, target_uri, typed
from ringfence.policy.domains import judge
from ringfence.protocols.sip.call_events import (
    Answered,
    Ended,
    Event,
    Referred,
    Ringing,
    State,
    Transferred,
)
from ringfence.protocols.sip.grammar import parse_uri
from ringfence.protocols.sip.message import Message, said
from ringfence.protocols.sip.transfer import Referral, bare_uri, read_replaces, refer_to
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

CONSULTED = "call:"
"""Begin of a target that is the other end of a call of ours."""


class Transfers(LiveCalls):
    """Every call, and how one leads to another."""

    def __init__(self, world: World, open_media: OpenMedia, way_out: WayOut) -> None:
        super().__init__(world, open_media)
        self._way_out = way_out

    # What people ask

    def transfer(self, number: int, target: str) -> None:
        """Have the other side of a call call somebody else, and be rid of it once it does.

        `call:N` is the other end of call N, which is consulted: its call is taken over.

        Raises:
            ConfigError: there is no such call, or the target is none.
            ComponentError: it is being transferred already.

        """
        held = self._talking(number)
        if target.strip().lower().startswith(CONSULTED):
            value = self._consulted(held, target.strip()[len(CONSULTED) :])
        else:
            uri = target_uri(typed(target), held.path.account.registrar)
            value = refer_to(uri.encode())
        if not held.call.referring.refer(value, self._now()):
            raise ComponentError("call", "it is being transferred already")
        held.transfer = "under way"
        self._flush(held)

    def _consulted(self, held: Held, text: str) -> bytes:
        """Return the Refer-To of an attended transfer; a blind one ends the consultation first."""
        if not (text.isascii() and text.isdigit()) or int(text[:6]) == held.number:
            raise ConfigError(f"{CONSULTED}{text[:40]}", "is no other call", SEE)
        other = self._talking(int(text[:6]))
        dialog, line = other.call.dialog, held.path.line
        if dialog is None:
            raise ConfigError(text, "nobody has answered yet", SEE)
        target = dialog.target if line.refers_to_contact else bare_uri(dialog.remote)
        if not line.transfers_blindly:
            return refer_to(target, dialog)
        other.call.hang_up(self._now(), "ended for a transfer")
        self._flush(other)
        return refer_to(target)

    def _talking(self, number: int) -> Held:
        held = self._find(number)
        if held.call.state is not State.ESTABLISHED:
            raise ConfigError(str(number), "nobody has answered yet", SEE)
        return held

    # What follows

    def _react(self, held: Held, event: Event) -> None:
        super()._react(held, event)
        if held.wanted_by:
            self._tell(held, held.wanted_by, event)
        if isinstance(event, Referred):
            self._obey(held, event.referral)
        elif isinstance(event, Transferred):
            self._transferred(held, event)

    def _goes_on(self, held: Held, event: Ended) -> bool:
        """Follow a redirection, too, as far and where the line may."""
        if not event.moved or held.redirected >= held.path.line.redirections:
            return super()._goes_on(held, event)
        why = self._restricted(held, parse_uri(event.moved).host)
        target = said(event.moved, 200)
        if why:
            logger.warning("call.not_redirected: %d to %s: %s", held.number, target, why)
            return False
        try:
            path = self._way_out(held.path.line.n)
        except ComponentError:
            return False
        held.redirected += 1
        self._place_again(held, path, event.moved.decode("ascii"))
        logger.info("call.redirected: %d to %s", held.number, target)
        return True

    def _transferred(self, held: Held, event: Transferred) -> None:
        if 200 <= event.status < 300:
            logger.info("call.transferred: %d: %s", held.number, held.peer)
            held.call.hang_up(self._now(), "transferred")
            return
        held.transfer = f"failed: {event.status or ''} {event.reason}".replace("  ", " ")
        logger.warning("call.not_transferred: %d: %s: %s", held.number, held.peer, held.transfer)

    def _obey(self, held: Held, referral: Referral) -> None:
        """Call whom the other side of an established call names, if that may be."""
        uri = parse_uri(referral.target)
        status, why = self._forbidden(held, uri.host)
        if not status:
            try:
                path = self._way_out(held.path.line.n)
                held.call.referring.accept(self._now())
                self._call_instead(held, path, referral)
            except ComponentError as error:
                status, why = 480, str(error)
        if status:
            held.call.referring.decline(status, self._now())
            held.call.referring.tell(status, "Temporarily Unavailable", self._now())
            target = said(referral.target, 200)
            logger.warning("call.not_referred: %d to %s: %s", held.number, target, why)

    def _call_instead(self, held: Held, path: Path, referral: Referral) -> None:
        stream = held.negotiation.stream
        if stream and stream.protect:  # nobody's word makes clear what was encrypted
            path = secured(path, secure=True)
        fields = [(b"Referred-By", referral.by)] if referral.by else []
        if referral.replaces:
            fields.append((b"Replaces", referral.replaces))
        made = self._place(path, referral.target.decode("ascii"), fields=fields)
        made.wanted_by = held
        logger.info("call.referred: %d leads to %d: %s", held.number, made.number, made.peer)

    def _forbidden(self, held: Held, host: str) -> tuple[int, str]:
        """Return status and reason where nobody may be called at a host for a call's other side.

        It is asked for by the call alone, so the call must have come by our own proxy.
        """
        if not held.path.known or held.path.line.home is None:
            return 403, "the call did not come through a proxy of the line"
        if why := self._restricted(held, host):
            return 403, why
        return (486, "there are too many calls") if self._busy() else (0, "")

    @staticmethod
    def _restricted(held: Held, host: str) -> str:
        """Return why Restricted Access Domains forbid a host that only the network names."""
        home = held.path.line.home
        own = parse_uri(f"sip:{held.path.account.registrar}".encode()).host
        if home is None or host.lower() == own.lower():
            return ""
        allowed = judge(home.domains, host, exact_only=home.exact_domains).allowed
        return "" if allowed else f"domain not allowed: {host}"

    def _tell(self, held: Held, wanted_by: Held, event: Event) -> None:
        """Tell who wanted a call how it goes."""
        tell, now = wanted_by.call.referring.tell, self._now()
        match event:
            case Ringing(status, _):
                if wanted_by.path.line.tells_ringing:
                    tell(status, "Ringing" if status == 180 else "Session Progress", now)
            case Answered():
                tell(200, "OK", now)
                held.wanted_by = None
            case Ended(status, reason):
                tell(max(status, 400) if status else 408, said(reason.encode(), 80), now)
                held.wanted_by = None
            case _:
                return
        self._flush(wanted_by)

    # What the network begins

    def _replaced(self, path: Path, message: Message) -> Held | None:
        """Return the call that an INVITE takes the place of; None where it is a call of its own.

        Who replaces a call knows its tags, and came the same way as the call did: by the line's
        proxy, or from whom we talk to.

        Raises:
            RemoteProtocolError: there is no such call (481), or it cannot be replaced.

        """
        if (wanted := read_replaces(message)) is None:
            return None
        found = next((one for one in self._all() if wanted.fits(one.call.dialog)), None)
        if found is None or found.path.line.n != path.line.n or found.path.peer != path.peer:
            raise RemoteProtocolError("there is no call that it could replace", 481)
        if found.call.state is State.ENDED:
            raise RemoteProtocolError("the call that it would replace is over", 603)
        if found.call.state is State.INCOMING:
            raise RemoteProtocolError("the call that it would replace was not answered", 481)
        if wanted.early_only and found.call.state is State.ESTABLISHED:
            raise RemoteProtocolError("the call that it would replace was answered", 486)
        return found

    def _take_place(self, held: Held, replaced: Held) -> None:
        """Answer a call at once and end the one in whose place it comes."""
        refused = self._accept(held)
        self._flush(held)
        if refused:
            return
        logger.info("call.replaced: %d by %d: %s", replaced.number, held.number, held.peer)
        replaced.call.hang_up(self._now(), "replaced by another call")
        self._flush(replaced)
