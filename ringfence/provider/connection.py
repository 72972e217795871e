"""One connection of a phone: the short way for what is plain and at hand, aiohttp for the rest."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from typing import Any, NamedTuple, cast

from aiohttp import web
from msgspec import Struct

from ringfence.policy.certificate import printable
from ringfence.provider.identity import shown
from ringfence.provider.profiles import Answer, Client, words
from ringfence.provider.tally import Tally
from ringfence.provider.wire import Wire

logger = logging.getLogger(__name__)

IDLE_TIME = 15.0
"""Seconds that a connection may wait for its next request."""
PRODUCT = "Ringfence"
INTERNAL_ERROR = 500
LINE = 256
"""Characters of a stranger's text that a line of the log takes."""
REMEMBERED = 512
"""Requests, and heads of answers, that are not read or written anew."""
_LIMITS: dict[str, Any] = {"access_log": None, "keepalive_timeout": IDLE_TIME}
_PLAIN = re.compile(
    rb"GET (/[A-Za-z0-9._/-]{1,255}) HTTP/1\.1\r\n"
    rb"((?:(?:Host|User-Agent|Accept|Accept-Language|Cache-Control):[\t\x20-\x7e]{0,512}\r\n){1,8})"
    rb"\r\n",
    re.I,
)
"""A whole request that has nothing in it which needs thought."""
_AGENT = re.compile(rb"^User-Agent:[\t ]*(.*?)[\t ]*\r$", re.I | re.M)
_HOST = re.compile(rb"^Host:", re.I | re.M)
_HEAD = f"""\
HTTP/1.1 200 OK\r
Content-Type: application/xml; charset=utf-8\r
Content-Length: {{length}}\r
Date: {{date}}\r
Server: {PRODUCT}\r
Cache-Control: no-store\r
\r
"""

AtHand = Callable[[str, Client], Answer | None]


class Asked(Struct, frozen=True):
    """What a plain request asks for."""

    path: str
    agent: str
    """The User-Agent, fit for the log."""


@lru_cache(REMEMBERED)
def read(request: bytes) -> Asked | None:
    """Return what a whole request asks for; None where there is something to it that needs thought.

    A phone sends the same bytes each time.
    """
    found = _PLAIN.fullmatch(request)
    if not (found and _HOST.search(found[2])):
        return None
    agent = _AGENT.search(found[2])
    return Asked(found[1].decode(), within(agent[1].decode()) if agent else "")


@lru_cache(REMEMBERED)
def head(length: int, now: int) -> bytes:
    """Return the head of an answer with a profile; `now` is in seconds since 1970."""
    return _HEAD.format(length=length, date=formatdate(now, usegmt=True)).encode()


class Counter(NamedTuple):
    """What every connection meets."""

    server: web.Server
    at_hand: AtHand
    """Knows the answers that take no time."""
    tally: Tally
    tell: Callable[[str], None]
    """Writes a line of the log."""


class Connection(asyncio.Protocol):
    """One connection.

    A request that is plain, and whose answer is at hand, is answered here. Anything else goes to
    aiohttp, and all that follows it on this connection.
    """

    def __init__(self, counter: Counter, remote: str) -> None:
        self._server = counter.server
        self._at_hand = counter.at_hand
        self._tally = counter.tally
        self._tell = counter.tell
        self._remote = remote
        self._got = 0
        self._wire: Wire | None = None
        self._client: Client | None = None
        self.asked = False
        """Whether a whole request came, or what is none."""

    @property
    def client(self) -> Client:
        """Return who asks, with the certificate that the handshake verified."""
        if self._client is None:
            held = self._wire.certificate if self._wire else None
            self._client = Client(shown(held) if held else None, "", self._remote)
        return self._client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the wire."""
        self._wire = cast(Wire, transport)

    def data_received(self, data: bytes) -> None:
        """Answer at once, or leave this and all that follows to aiohttp."""
        self._got += len(data)
        if self._wire and not self._answered(self._wire, data):
            handler = _Handler(self._server, self)
            handler.connection_made(self._wire)
            self._wire.set_protocol(handler)
            self._got -= len(data)
            handler.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Log a phone that came, shook hands and left; what it refused is in its own log."""
        if not self.asked:
            who = within(words(self.client.device))
            logger.info('%s "%s" closed after %d bytes of a request', self._remote, who, self._got)

    def more(self, data: bytes) -> None:
        """Count what aiohttp gets."""
        self._got += len(data)

    def failed(self, status: int, error: BaseException | None) -> None:
        """Log in one line what is no HTTP; an error of ours in full."""
        self.asked = True
        said = within(str(error).partition("\n")[0] or type(error).__name__)
        ours = error if status >= INTERNAL_ERROR else None
        who = within(words(self.client.device))
        logger.info('%s "%s" %d no request: %s', self._remote, who, status, said, exc_info=ours)

    def _answered(self, wire: Wire, data: bytes) -> bool:
        began = time.monotonic()
        asked = read(data)
        if asked is None or wire.get_write_buffer_size():
            return False
        answer = self._at_hand(asked.path, self.client)
        if answer is None:
            return False
        self.asked = True
        wire.writelines((head(len(answer.body), int(time.time())), answer.body))
        self._tell(line(self._remote, within(answer.who), f"GET {asked.path}", 200, asked.agent))
        self._tally.answered("200", time.monotonic() - began)
        return True


class _Handler(web.RequestHandler):
    """The rest of a connection, in the hands of aiohttp."""

    def __init__(self, server: web.Server, guest: Connection) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **_LIMITS)
        self.guest = guest

    def data_received(self, data: bytes) -> None:
        """Count, and let aiohttp read."""
        self.guest.more(data)
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer in one line, whatever it was."""
        self.guest.failed(status, exc)
        response = web.Response(status=status, text=f"{status}\n")
        response.headers["Server"] = PRODUCT
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the connection, too."""
        self.guest.connection_lost(exc if isinstance(exc, Exception) else None)
        super().connection_lost(exc)


def guest(request: web.BaseRequest) -> Connection | None:
    """Return the connection on which a request came."""
    handler = request.protocol
    return handler.guest if isinstance(handler, _Handler) else None


def log(whence: str, who: str, asked: str, status: int, agent: str) -> None:
    """Write a line of the access log: who, with which certificate and agent, asked for what."""
    logger.info(line(whence, within(who), within(asked), status, within(agent)))


def line(whence: str, who: str, asked: str, status: int, agent: str) -> str:
    """Return a line of the access log, of texts that are `within` it."""
    return f'{whence} "{who}" "{asked}" {status} "{agent}"'


def within(text: str) -> str:
    """Return text of a stranger so that it stays inside its quotes and its line."""
    if text.isprintable() and '"' not in text and len(text) <= LINE:
        return text
    return printable(text.replace('"', "?"), LINE)
