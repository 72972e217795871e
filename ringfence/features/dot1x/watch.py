"""Whether the network still answers: nobody tells a supplicant that its switch has forgotten it.

The router is asked who it is, every few seconds and by ARP, which needs nothing but the wire.
"""

from ringfence.protocols import arp_frames as arp

PERIOD, ANSWER = 5.0, 1.0
"""Seconds between two questions, and for an answer."""
TRIES = 3
"""Questions without an answer, the first to the router alone, after which the network is silent."""


class Watch:
    """One neighbour; only one that has answered before can fall silent."""

    def __init__(self, hardware: bytes) -> None:
        self._hardware = hardware
        self._own = self._target = ""
        self._known = arp.EVERYONE
        self._heard = False
        self._missed = 0
        self._asked = False
        self._next: float | None = None

    def aim(self, own: str, target: str, now: float) -> None:
        """Watch this neighbour of an address from now on; empty for none."""
        if (own, target) != (self._own, self._target):
            self._own, self._target = own, target
            self.forget(now)

    def forget(self, now: float) -> None:
        """Begin anew: a neighbour that has not answered since now is not missed."""
        self._known, self._heard, self._missed, self._asked = arp.EVERYONE, False, 0, False
        self._next = now if self._target else None

    @property
    def words(self) -> str:
        """Return whom it watches and how that neighbour does; empty for nobody."""
        if not self._target:
            return ""
        verdict = (
            "does not answer" if self.silent else "answers" if self._heard else "not heard yet"
        )
        return f"{self._target} {verdict}"

    @property
    def silent(self) -> bool:
        """Whether the neighbour has answered, and does not any more."""
        return self._heard and self._missed >= TRIES

    @property
    def answers(self) -> bool:
        """Whether the neighbour has answered the last question that it had time for."""
        return self._heard and not self._missed

    def receive_frame(self, frame: bytes, now: float) -> None:
        """Take an answer of the neighbour; whatever else it is does not count."""
        reply = arp.parse_reply(frame)
        if reply and reply.address == self._target:
            self._known, self._heard, self._missed = reply.hardware, True, 0
            if self._asked:
                self._asked, self._next = False, now + PERIOD

    def get_timer(self) -> float | None:
        """Return when the next question is due, in monotonic seconds; None for never."""
        return self._next

    def frames_to_send(self, now: float) -> tuple[bytes, ...]:
        """Return the question that is due; everyone is asked once the neighbour missed one."""
        if self._next is None or now < self._next:
            return ()
        if self._asked:
            self._missed += 1
            self._known = arp.EVERYONE
        self._asked = True
        self._next = now + (PERIOD if self._missed > TRIES else ANSWER)
        return (arp.request(self._hardware, self._own, self._target, self._known),)
