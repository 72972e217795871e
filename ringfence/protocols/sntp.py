"""An SNTP client without a socket or a clock.

Theory of operation. The caller asks the server that `server_to_ask` names, by `question` and with a
cookie of its own for each datagram, and tells what became of it: a `Sample`, a `Kiss`, or silence.
An answer counts only with the cookie of its question, so whoever does not see the question cannot
forge one; who does see it can, which is why nothing that must be true may depend on the time.

Source: RFC 5905 sections 7.3, 7.4, 8 and 14; RFC 9109 for the local port, which is the caller's.
"""

import struct
from collections.abc import Callable

from msgspec import Struct

from ringfence.errors import RemoteProtocolError

PORT = 123
COOKIE_SIZE = 8
FIRST_DELAY, SPREAD = 2.0, 3.0
"""Seconds from the start to the first question: the way to the registrar comes first; and what is
added by chance, so that a fleet that boots together does not ask together."""
INTERVAL = 1024.0
"""Seconds between questions that were answered; ±10 %. Source: RFC 5905 7.2, MAXPOLL."""
FIRST_RETRY = 16.0
"""Seconds after a round in which nobody answered; doubled up to `INTERVAL`."""
YEARS = 20 * 365.25 * 86400
"""Seconds after the making of this version in which its time may lie."""
MOST_STRATUM, MOST_DISTANCE = 15, 16.0
"""A server further from the time, in steps and in seconds, has none. Source: RFC 5905 A.1.1."""

_PACKET = struct.Struct("!BBbbIIIQQQQ")
_QUESTION = 4 << 3 | 3
"""Version 4, mode client; no leap second is announced."""
_SERVER_MODE, _UNKNOWN_LEAP = 4, 3
_EPOCH, _ERA = 2208988800, 1 << 32
"""Seconds from 1900 to 1970, and those of an era."""


class Sample(Struct, frozen=True):
    """What a server says of the time."""

    ahead: float
    """Seconds that the server's clock is ahead of ours."""
    delay: float
    """Seconds that question and answer were on their way together."""
    stratum: int
    """Steps to a reference clock."""


class Kiss(Struct, frozen=True):
    """A server's wish to be asked less, or no more: `RATE`, `DENY`, `RSTR`, or another word."""

    code: str


def question(cookie: bytes) -> bytes:
    """Return a question that tells nothing of us; `cookie` is random, eight bytes."""
    return _PACKET.pack(_QUESTION, *(0,) * 9, int.from_bytes(cookie, "big"))


def answer(data: bytes, cookie: bytes, sent: float, received: float, floor: float) -> Sample | Kiss:
    """Return what the answer to a question says.

    `sent` and `received` are seconds since 1970 by our clock; no time before `floor`, when this
    version was made, is taken.

    Raises:
        RemoteProtocolError: it is not the answer, or its server has no usable time.

    """
    if len(data) < _PACKET.size:
        raise RemoteProtocolError(f"{len(data)} bytes are no answer")
    flags, stratum, _, _, delay, dispersion, reference, set_at, origin, arrived, left = (
        _PACKET.unpack_from(data)
    )
    if flags & 7 != _SERVER_MODE or not 1 <= flags >> 3 & 7 <= 4:
        raise RemoteProtocolError("no answer of a server")
    if origin != int.from_bytes(cookie, "big"):
        raise RemoteProtocolError("the answer to another question")
    if stratum == 0:
        word = reference.to_bytes(4, "big").rstrip(b"\0").decode("ascii", "replace")
        return Kiss("".join(c if c.isalnum() else "?" for c in word))
    if stratum > MOST_STRATUM or flags >> 6 == _UNKNOWN_LEAP:
        raise RemoteProtocolError("the server has no time itself")
    if (delay / 2 + dispersion) / 65536 >= MOST_DISTANCE or (left - set_at) % (1 << 64) >> 63:
        raise RemoteProtocolError("the server has lost its time")
    there, back = (_since_1970(stamp, floor) for stamp in (arrived, left))
    if not arrived or not left or back > floor + YEARS or there > floor + YEARS:
        raise RemoteProtocolError("a time at which this version was not in use")
    ahead = ((there - sent) + (back - received)) / 2
    return Sample(ahead, max(0.0, (received - sent) - (back - there)), stratum)


def _since_1970(stamp: int, floor: float) -> float:
    """Return a timestamp in seconds since 1970, of the first era in which it is not before `floor`.

    Source: RFC 5905 6, the prime epoch and eras.
    """
    seconds = (stamp >> 32) - _EPOCH + (stamp & 0xFFFFFFFF) / _ERA
    return seconds + max(0, -int((seconds - floor) // _ERA)) * _ERA


class Client:
    """Which of the servers is asked when."""

    def __init__(self, servers: tuple[str, ...], entropy: Callable[[int], bytes]) -> None:
        self._servers = servers
        self._entropy = entropy
        self._at = 0
        """Place of the server whose turn it is."""
        self._denied: set[str] = set()
        self._retry = FIRST_RETRY
        self._interval = INTERVAL
        self._timer: float | None = None

    def start(self, now: float) -> None:
        """Ask for the first time, soon."""
        self._timer = now + FIRST_DELAY + SPREAD * self._chance() if self._servers else None

    def get_timer(self) -> float | None:
        """Return when the next question is due; None where nobody may be asked."""
        return self._timer

    def server_to_ask(self, now: float) -> str:
        """Return the server to ask now; empty where no question is due."""
        if self._timer is None or now < self._timer:
            return ""
        return self._servers[self._at]

    def receive_sample(self, now: float) -> None:
        """Take notice that the server asked has answered: it is asked again in a while."""
        self._retry = FIRST_RETRY
        self._timer = now + self._interval * (0.9 + 0.2 * self._chance())

    def receive_kiss(self, kiss: Kiss, now: float) -> None:
        """Ask less, or never again, as the server wishes. Source: RFC 5905 7.4."""
        if kiss.code in ("DENY", "RSTR"):
            self._denied.add(self._servers[self._at])
        elif kiss.code == "RATE":
            self._interval = min(self._interval * 2, INTERVAL * 64)
        self.receive_silence(now)

    def receive_silence(self, now: float) -> None:
        """Take notice that no usable answer came: the next server, or all again in a while."""
        allowed = [n for n, name in enumerate(self._servers) if name not in self._denied]
        later = [n for n in allowed if n > self._at]
        if later:
            self._at, self._timer = later[0], now
        elif allowed:
            self._at, self._timer = allowed[0], now + self._retry * (0.9 + 0.2 * self._chance())
            self._retry = min(self._retry * 2, INTERVAL)
        else:
            self._timer = None

    def _chance(self) -> float:
        return int.from_bytes(self._entropy(2), "big") / 0xFFFF
