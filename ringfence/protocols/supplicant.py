"""The phone at its switch port, as its supplicant tells: when to ask, and how the answer came out.

wpa_supplicant speaks EAP. It waits two seconds before it asks, says nothing of what an
administrator took back at the switch, and knows no carrier; so when to ask is decided here.
Source: IEEE 802.1X-2004 8.2; chapter, 802.1X Authentication; wpa_supplicant's wpa_ctrl.h.
"""

import re
from collections import deque

from msgspec import Struct

REPEAT, RHYTHM, START_PERIOD = 0.25, 1.0, 30.0
"""Seconds from the first EAPOL-Start to the second, then between two until `SLOW`, and afterwards.
An authenticator that is slow to read takes all that wait for it: the third makes it give the port
up, and some ignore who made it so for seconds. Source: IEEE 802.1X-2004 8.2.4, reAuthMax."""
QUICK, SLOW = 1.0, 10.0
"""Seconds of a series after which the supplicant is told to begin anew, and the rhythm slackens."""
PATIENCE = 3.0
"""Seconds after which the phone goes on as at a port without 802.1X; it keeps asking."""
FIRST_STALL, LONGEST = 1.0, 30.0
"""Seconds without progress after which EAP is begun anew; doubled each time, up to authPeriod. An
EAPOL-Start too many makes the authenticator begin again, which a supplicant does not take up."""
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
"""Seconds from a failure to the next question; doubled at each failure, up to heldPeriod."""
LARGEST = 4096
"""Characters of a message that are read."""

NOBODY = "no authenticator answers at this port"
QUIET = "the switch lets the phone wait"
"""An authenticator rests after a failure: quietPeriod."""
SLOW_SERVER = "the switch asked who the phone is, and no authentication server answered"
UNPLUGGED = "the wire is unplugged"
SILENT = "the network fell silent, so the switch may have forgotten the phone"
PASSWORD = "the authentication server refused identity or password"  # noqa: S105
UNREADABLE = "certificate or key of the phone cannot be used"
_METHODS = {"13": "EAP-TLS", "43": "EAP-FAST"}
_REASONS = {
    "1": "the authentication server is not trusted",
    "2": "the authentication server's certificate is revoked",
    "3": "the authentication server's certificate is not valid yet",
    "4": "the authentication server's certificate has expired",
    "9": "the authentication server has another name",
    "10": "the authentication server has another name",
}
"""Source: wpa_supplicant's enum tls_fail_reason."""
_FIELD = re.compile(r"(\w+)=(?:'([^']*)'|(\S+))")
_WRONG = re.compile(r"EAP-MSCHAPV2: failure message: .*error 691")


class Authorised(Struct, frozen=True):
    """The switch let the phone in."""

    protocol: str
    """`EAP-TLS` or `EAP-FAST`."""


class Refused(Struct, frozen=True):
    """An attempt failed."""

    reason: str


class Unanswered(Struct, frozen=True):
    """Nothing has come of it so far, so the phone goes on; nothing that it asked is given up."""

    reason: str


Event = Authorised | Refused | Unanswered


class Transaction:
    """One port, from the start of the supplicant on."""

    def __init__(self, *, provisions: bool = False) -> None:
        """`provisions`: the first failure may be how an anonymous server hands out its PAC."""
        self.authorised = False
        self.protocol = ""
        """The method of the last attempt; empty before the first."""
        self.reason = ""
        """Why the phone is not authorised, as far as that is known."""
        self._events: deque[Event] = deque()
        self._asked_at: float | None = None
        """When this series of EAPOL-Starts began; None while none is due."""
        self._next: float | None = None
        self._decide_by: float | None = None
        """When the phone goes on, whatever has come of its question."""
        self._busy_until: float | None = None
        """When EAP that is under way will have taken too long."""
        self._fresh = False
        """The supplicant has just begun anew, and hears the next question."""
        self._renewed = False
        """The supplicant was told to begin anew, and has not said that it did."""
        self._entangled = False
        """The supplicant may be in the middle of a conversation that leads nowhere."""
        self._met = False
        """An authenticator has been heard since the wire was plugged in."""
        self._stall = FIRST_STALL
        self._hint = ""
        self._method_ran = False
        self._pause = FIRST_PAUSE
        self._provisions = provisions

    def receive_carrier(self, connected: bool, now: float) -> None:
        """Ask at once when the wire is plugged in; who was let in before it was not, is not now."""
        self._rest()
        self._decide_by = self._busy_until = None
        self.authorised, self._met = False, False
        self._pause, self._stall = FIRST_PAUSE, FIRST_STALL
        self.reason = "" if connected else UNPLUGGED
        if connected:
            self._ask(now)

    def receive_silence(self, now: float) -> None:
        """Ask again: neighbours that answered while the phone was let in do not any more."""
        if self.authorised:
            self.authorised, self.reason = False, SILENT
            self._ask(now)

    def receive_sign(self) -> None:
        """Believe that the port is open after all: a neighbour answers."""
        if not self.authorised and self.reason == SILENT:
            self._rest()
            self._decide_by = None
            self.authorised, self.reason = True, ""

    def receive_message(self, text: str, now: float) -> None:
        """Take one message of the supplicant, event or answer."""
        text = text[:LARGEST]
        if not text.startswith("<"):
            if self.authorised and self._busy_until is None and "\nsuppPortStatus=Un" in text:
                self._fail("the supplicant has left the port", now)
            return
        word, _, rest = text.partition(">")[2].partition(" ")
        if _WRONG.search(text):
            self._hint = PASSWORD
        self._hear(word, rest, now)

    def _hear(self, word: str, rest: str, now: float) -> None:
        fields = {name: quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
        if word.startswith("CTRL-EVENT-EAP"):
            self._busy_until = now + (LONGEST if self.authorised else self._stall)
        match word:
            case "Associated" if self._renewed:
                self._renewed, self._fresh, self._busy_until = False, True, None
                self._next = now if self._asked_at is not None else None
            case "CTRL-EVENT-EAP-STARTED" if not self._renewed:
                self._rest()
                self._hint, self._method_ran, self._met = "", False, True
            case "CTRL-EVENT-EAP-PROPOSED-METHOD":
                self._propose(fields.get("method", ""), rest)
            case "CTRL-EVENT-EAP-METHOD":
                self._method_ran = True
            case "CTRL-EVENT-EAP-TLS-CERT-ERROR":
                self._hint = _certificate(fields)
            case "CTRL-EVENT-EAP-STATUS" if fields.get("status") == "remote TLS alert":
                said = fields.get("parameter", "")
                self._hint = f"the authentication server refused the phone's certificate: {said}"
            case "CTRL-EVENT-EAP-SUCCESS":
                self._succeed()
            case "CTRL-EVENT-EAP-FAILURE":
                self._fail(self._hint or self._guess(), now)

    def _propose(self, method: str, rest: str) -> None:
        if rest.endswith("NAK"):
            offered = _METHODS.get(method, f"EAP method {method}")
            self._hint = f"the authentication server offers {offered}, which is not set up here"
        else:
            self.protocol = _METHODS.get(method, self.protocol)

    def _guess(self) -> str:
        """Return what a failure without a reason means."""
        if not self.protocol:
            return "the authentication server refused the phone's identity"
        if not self._method_ran:
            return UNREADABLE
        if self.protocol == "EAP-TLS":
            return "the authentication server refused the phone's certificate"
        return PASSWORD

    def _succeed(self) -> None:
        """Tell it, unless the port was open all the time: re-authentication shuts nobody out."""
        self._rest()
        if not self.authorised:
            self._events.append(Authorised(self.protocol))
        self.authorised, self.reason = True, ""
        self._pause, self._stall = FIRST_PAUSE, FIRST_STALL
        self._decide_by = self._busy_until = None

    def _fail(self, reason: str, now: float) -> None:
        self.authorised, self._busy_until = False, None
        if self._provisions and not self._hint:
            self._provisions = False
        else:
            self.reason, self._decide_by = reason, None
            self._events.append(Refused(reason))
        self._asked_at = self._next = now + self._pause
        self._pause = min(self._pause * 2, LAST_PAUSE)

    def _ask(self, now: float) -> None:
        self._asked_at = self._next = now
        self._entangled = True
        self._decide_by = now + PATIENCE

    def _rest(self) -> None:
        self._asked_at = self._next = None

    def get_timer(self) -> float | None:
        """Return when `handle_timer` has something to do, in monotonic seconds; None for never."""
        times = (self._next, self._busy_until, self._decide_by)
        return min((at for at in times if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Give up what took too long; whoever is let in stays so until something else says no."""
        if self._busy_until is not None and now >= self._busy_until:
            self._busy_until = None
            if self.authorised:
                self._ask(now)
            elif self._stall >= LONGEST:
                self._stall = FIRST_STALL
                self._fail(SLOW_SERVER, now)
            else:
                self._stall = min(self._stall * 2, LONGEST)
                self._asked_at, self._entangled = now, True
                self._next = now
        if self._decide_by is not None and now >= self._decide_by:
            self._decide_by = None
            if not self.authorised:
                asked = QUIET if self._met else NOBODY
                self.reason = self.reason or (SLOW_SERVER if self._busy_until else asked)
                self._events.append(Unanswered(self.reason))

    def starts_to_send(self, now: float) -> bool:
        """Return whether an EAPOL-Start is due, and take it as sent."""
        if self._next is None or self._asked_at is None or now < self._next:
            return False
        since = now - self._asked_at
        self._entangled = self._entangled or (since >= QUICK and not self._fresh)
        self._fresh = False
        self._renewed = self._entangled
        pause = RHYTHM if since < SLOW else START_PERIOD
        self._next = now + (REPEAT if now < self._asked_at + REPEAT else pause)
        return True

    def commands_to_send(self) -> tuple[str, ...]:
        """Return what the supplicant must be told in place of the EAPOL-Start that is due.

        The EAPOL-Start follows when it says that it did so, or else with the next that is due.

        In the middle of a conversation it takes no notice of a new one, whoever began the first:
        it is made to begin anew. At its own start that spares a wait of a tenth of a second.
        """
        told, self._entangled = ("REASSOCIATE",) if self._entangled else (), False
        return told

    def next_event(self) -> Event | None:
        """Return the next thing that happened, None when all is told."""
        return self._events.popleft() if self._events else None


def _certificate(fields: dict[str, str]) -> str:
    """Return what is wrong with the server's certificate, with the library's own words."""
    words = _REASONS.get(fields.get("reason", ""), "the authentication server was refused")
    subject = fields.get("subject", "").rpartition("/CN=")[2]
    said = fields.get("err", "")
    who = f" ({subject})" if subject else ""
    return f"{words}{who}: {said}" if said else f"{words}{who}"
