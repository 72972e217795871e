"""A TFTP client that reads one file, without I/O and without a clock.

Source: RFC 1350; RFC 2347 to 2349 (options, blksize, tsize); RFC 1123 section 4.2.3.
"""

import enum
import re
import struct

from msgspec import Struct

BLOCK = 1428
"""Bytes of a block that are asked for: with all headers an Ethernet frame and a VLAN tag."""
PLAIN_BLOCK = 512
"""Bytes of a block where the server knows no options."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 8.0
"""Seconds until a packet is sent again; doubled each time."""
SENDINGS = 5
"""Times that one packet is sent before the server counts as silent."""
LONGEST = 60.0
"""Seconds for the whole file."""

_OPTION = re.compile(rb"([^\0]{1,64})\0([^\0]{1,64})\0")
_NUMBER = re.compile(rb"[0-9]{1,10}")


class Opcode(enum.IntEnum):
    """First two bytes of a packet."""

    READ = 1
    DATA = 3
    ACK = 4
    ERROR = 5
    OPTIONS = 6


class Code(enum.IntEnum):
    """Error codes that matter to a client. Source: RFC 1350, appendix; RFC 2347."""

    UNDEFINED = 0
    NOT_FOUND = 1
    FULL = 3
    ILLEGAL = 4
    UNKNOWN_ID = 5
    OPTION = 8


class Datagram(Struct, frozen=True):
    """A packet, and the server's port that it goes to."""

    data: bytes
    port: int


class Done(Struct, frozen=True):
    """How the transfer ended."""

    body: bytes = b""
    error: str = ""
    """Why there is no file; empty where there is one."""
    missing: bool = False
    """The server has no such file."""


class Download:
    """One file on its way; whoever drives it owns the socket and the server's address.

    Only datagrams of that address may be given to `receive_datagram`.
    """

    def __init__(self, name: str, limit: int, now: float, port: int = 69) -> None:
        """Ask for a file of at most `limit` bytes.

        Raises:
            ValueError: the name cannot stand in a request.

        """
        asked = name.encode()
        if not asked or b"\0" in asked or len(asked) > 256:
            raise ValueError("a file name for TFTP has 1 to 256 bytes and no NUL")
        self._limit = limit
        self._server = port
        """Where the request goes."""
        self._peer: int | None = None
        """The server's port for this transfer (its TID), once it has answered."""
        self._block = PLAIN_BLOCK
        self._announced: int | None = None
        self._body = bytearray()
        self._received = 0
        """Blocks so far."""
        self._out: list[Datagram] = []
        self._packet, self._wait, self._sendings = b"", FIRST_WAIT, 0
        self._again, self._end = now, now + LONGEST
        self._done: Done | None = None
        self._told = False
        options = b"blksize\0%d\0tsize\x000\0" % BLOCK
        self._say(struct.pack("!H", Opcode.READ) + asked + b"\0octet\0" + options, now)

    @property
    def begun(self) -> bool:
        """Whether the server has answered."""
        return self._peer is not None

    def receive_datagram(self, data: bytes, port: int, now: float) -> None:
        """Take a datagram that came from a port of the server."""
        if self._done or len(data) < 4:
            return
        if self._peer is not None and port != self._peer:
            self._out.append(Datagram(_error(Code.UNKNOWN_ID, b"unknown transfer"), port))
            return
        opcode, number = struct.unpack_from("!HH", data)
        if opcode == Opcode.ERROR:
            self._refused(number, data[4:])
        elif opcode == Opcode.OPTIONS and not self._received:
            self._peer = port
            self._agree(data[2:], now)
        elif opcode == Opcode.DATA:
            self._take(number, data[4:], port, now)

    def datagrams_to_send(self) -> list[Datagram]:
        """Return what is to be sent now, in order."""
        out, self._out = self._out, []
        return out

    def get_timer(self) -> float | None:
        """Return when `handle_timer` is to be called, None where the transfer is over."""
        return None if self._done else min(self._again, self._end)

    def handle_timer(self, now: float) -> None:
        """Send the last packet again, or give up."""
        if self._done or now < min(self._again, self._end):
            return
        if now >= self._end:
            self._fail(f"no whole file in {LONGEST:g} s", Code.UNDEFINED)
        elif self._sendings >= SENDINGS:
            self._done = Done(error=f"no answer to {SENDINGS} packets")
        else:
            self._wait = min(self._wait * 2, LONGEST_WAIT)
            self._send(now)

    def next_event(self) -> Done | None:
        """Return how it ended, once; None before that."""
        if self._told:
            return None
        self._told = self._done is not None
        return self._done

    def _agree(self, listed: bytes, now: float) -> None:
        """Take the options that the server grants. Source: RFC 2347."""
        try:
            given = _options(listed)
            block = given.pop(b"blksize", PLAIN_BLOCK)
            size = given.pop(b"tsize", None)
        except ValueError as error:
            self._fail(f"the server's options make no sense: {error}", Code.OPTION)
            return
        if given or not 8 <= block <= BLOCK:
            self._fail("the server grants options that nobody asked for", Code.OPTION)
        elif size is not None and size > self._limit:
            self._fail(f"the file exceeds {self._limit} bytes", Code.FULL)
        else:
            self._block, self._announced = block, size
            self._acknowledge(now)

    def _take(self, number: int, data: bytes, port: int, now: float) -> None:
        if self._received and number == self._received & 0xFFFF:
            self._send(now)  # our acknowledgment was lost; older duplicates are only late
            return
        if number != self._received + 1 & 0xFFFF:
            return
        self._peer = port
        if len(data) > self._block:
            self._fail(f"a block has {len(data)} bytes, not {self._block}", Code.ILLEGAL)
        elif len(self._body) + len(data) > self._limit:
            self._fail(f"the file exceeds {self._limit} bytes", Code.FULL)
        else:
            self._body += data
            self._received += 1
            last = len(data) < self._block
            if last and self._announced not in (None, len(self._body)):
                text = f"the server announced {self._announced} bytes and sent {len(self._body)}"
                self._fail(text, Code.UNDEFINED)
                return
            self._acknowledge(now)
            if last:
                self._done = Done(bytes(self._body))

    def _acknowledge(self, now: float) -> None:
        self._say(struct.pack("!HH", Opcode.ACK, self._received & 0xFFFF), now)

    def _refused(self, code: int, text: bytes) -> None:
        said = text.partition(b"\0")[0].decode(errors="replace")
        shown = "".join(c if c.isprintable() else "?" for c in said[:120])
        self._done = Done(
            error=f"TFTP error {code}: {shown or 'no reason given'}",
            missing=code == Code.NOT_FOUND,
        )

    def _fail(self, reason: str, code: Code) -> None:
        if self._peer is not None:
            self._out.append(Datagram(_error(code, reason.encode()), self._peer))
        self._done = Done(error=reason)

    def _say(self, packet: bytes, now: float) -> None:
        self._packet, self._wait, self._sendings = packet, FIRST_WAIT, 0
        self._send(now)

    def _send(self, now: float) -> None:
        self._sendings += 1
        self._again = now + self._wait
        self._out.append(Datagram(self._packet, self._peer or self._server))


def _options(listed: bytes) -> dict[bytes, int]:
    """Return `{option, lower case: number}` of an OACK.

    Raises:
        ValueError: it is cut off, or a value is no number.

    """
    found: dict[bytes, int] = {}
    at = 0
    while at < len(listed):
        if (match := _OPTION.match(listed, at)) is None or not _NUMBER.fullmatch(match[2]):
            raise ValueError("not names and numbers")
        found[match[1].lower()] = int(match[2])
        at = match.end()
    return found


def _error(code: Code, reason: bytes) -> bytes:
    return struct.pack("!HH", Opcode.ERROR, code) + reason + b"\0"
