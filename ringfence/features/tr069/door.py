"""Where the ACS asks for a session: by HTTP with digest, and by a signed datagram.

Source: TR-069, section on connection requests and its annex; chapter, Tables 3 and 4.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable

import h11
from msgspec import Struct

from ringfence.errors import NetworkError
from ringfence.policy.throttle import Throttle
from ringfence.protocols.cwmp.request import LARGEST, UdpRequest, read_udp
from ringfence.protocols.sip.digest import Credentials, Guard, Nonces, Verdict
from ringfence.runtime.egress_stream import Stream
from ringfence.runtime.host import Host
from ringfence.runtime.host_door import callers

logger = logging.getLogger(__name__)

REALM = b"cwmp"
CONNECTIONS = 16
"""Connections at a time; a further one is closed at once."""
HEAD = 4096
"""Bytes of a request; it has no body."""
PATIENCE = 5.0
"""Seconds that a connection may take."""
FREE, COST = 5, 12.0
"""Requests at once, and seconds until one more is granted: five a minute (reliability 3)."""
LOGINS = 256
"""Addresses of which failed logins are counted."""
_WORDS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"} | {
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


Fields = list[tuple[bytes, bytes]]


class Login(Struct, frozen=True):
    """What the ACS must know."""

    user: str
    password: str
    path: str

    def __repr__(self) -> str:
        """Leave out password and path."""
        return f"Login({self.user!r})"


class Door:
    """Listens for one ACS, and calls `asked` for each request that is granted."""

    def __init__(self, host: Host, asked: Callable[[str], None]) -> None:
        self._host = host
        self._asked = asked
        self._guesses = Throttle(FREE, COST, LOGINS)
        self._requests = Throttle(FREE, COST, 1)
        self._nonces = Nonces(host.entropy(32))
        self._busy = 0
        self._last = UdpRequest(0, "")
        """The newest datagram that was granted."""
        self.login = Login("", "", "/")
        self.granted = self.refused = 0

    async def serve(
        self, listeners: Iterable[socket.socket], ears: Iterable[socket.socket]
    ) -> None:
        """Listen until cancelled; the sockets are closed then."""
        doors, heard = tuple(listeners), tuple(ears)
        try:
            async with asyncio.TaskGroup() as group:
                for listener in doors:
                    group.create_task(self._accept(group, listener))
                for ear in heard:
                    group.create_task(self._listen(ear))
        finally:
            for each in (*doors, *heard):
                each.close()

    async def _accept(self, group: asyncio.TaskGroup, listener: socket.socket) -> None:
        async for connection, address in callers(listener, "tr069"):
            if self._busy >= CONNECTIONS:
                connection.close()
                continue
            self._busy += 1
            group.create_task(self._meet(connection, address))

    async def _meet(self, connection: socket.socket, address: str) -> None:
        try:
            connection.setblocking(False)
            stream = Stream(connection)
        except OSError:
            connection.close()
            self._busy -= 1
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._answer(stream, address)
        except (TimeoutError, NetworkError):
            pass  # whoever it was, it did not ask
        finally:
            stream.abort()
            self._busy -= 1

    async def _answer(self, stream: Stream, address: str) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        fields: Fields = []
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await stream.read(HEAD))
            if not isinstance(event, h11.Request):
                return
            status, fields = self._judge(event, address)
        except h11.RemoteProtocolError:
            status = 400
        if connection.our_state is h11.ERROR:
            return
        head = [(b"Content-Length", b"0"), (b"Connection", b"close"), *fields]
        answer = h11.Response(status_code=status, headers=head, reason=_WORDS[status].encode())
        data = (connection.send(answer) or b"") + (connection.send(h11.EndOfMessage()) or b"")
        await stream.write(data)
        await stream.close()

    def _judge(self, request: h11.Request, address: str) -> tuple[int, Fields]:
        """Return status and more fields of the answer; a request that is granted has its effect."""
        now, login = self._host.now(), self.login
        if request.target != login.path.encode():
            return 404, []
        if request.method != b"GET":
            return 405, [(b"Allow", b"GET")]
        if (seconds := self._guesses.wait(address, now)) > 0:
            self.refused += 1
            return 503, [_retry(seconds)]
        guard = Guard(REALM, Credentials(login.user, login.password))
        source = address.encode()
        given = [text for name, text in request.headers if name == b"authorization"]
        verdict, uri = guard.judge(given, b"GET", source, self._nonces, now)
        if verdict is Verdict.ACCEPTED and uri == request.target:
            self._guesses.succeeded(address)
            return self._grant(address, now)
        if verdict in (Verdict.REFUSED, Verdict.MALFORMED, Verdict.ACCEPTED):
            self._guesses.failed(address, now)
            self.refused += 1
            logger.warning("tr069.request_refused: from %s: wrong login", address)
        nonce = self._nonces.make(source, now)
        challenges = guard.challenges(nonce, stale=verdict is Verdict.STALE)
        return 401, [(b"WWW-Authenticate", each) for each in challenges]

    def _grant(self, address: str, now: float) -> tuple[int, Fields]:
        if (seconds := self._requests.wait("", now)) > 0:
            self.refused += 1
            logger.warning("tr069.request_refused: from %s: too many", address)
            return 503, [_retry(seconds)]
        self._requests.failed("", now)
        self.granted += 1
        self._asked(address)
        return 200, []

    async def _listen(self, ear: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):  # of an earlier datagram
                data, peer = await loop.sock_recvfrom(ear, LARGEST)
                self._hear(data, str(peer[0]))

    def _hear(self, data: bytes, address: str) -> None:
        """Grant a datagram that is signed and newer than the last; say nothing of others.

        Its sender's address proves nothing, so nobody is slowed down for wrong ones.
        """
        found = read_udp(data, self.login.user, self.login.password)
        if found is None or found.at < self._last.at or found == self._last:
            self.refused += 1
            return
        self._last = found
        self._grant(address, self._host.now())


def _retry(seconds: float) -> tuple[bytes, bytes]:
    return b"Retry-After", b"%d" % (int(seconds) + 1)
