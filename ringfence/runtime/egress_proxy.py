"""The way through an HTTP proxy: CONNECT, and who the phone is there.

What answers CONNECT has decided: what it refuses is not tried another way (ADR 38).
Source: RFC 9110 sections 9.3.6 and 11.7; RFC 9112 section 3.2.3.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import h11

from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError
from ringfence.policy import hostname
from ringfence.policy.network import written
from ringfence.policy.route import Login
from ringfence.protocols.sip.digest import Credentials
from ringfence.runtime.egress_target import ProxyAnsweredError, Target
from ringfence.runtime.http_login import LOGINS, is_stale, proof

HEAD_LIMIT = 16 << 10
"""Bytes that a proxy has for everything it says before the tunnel."""
ASKS = 407
NO_LOGIN = (
    "the proxy asks who the phone is (407), and the phone has no user name for it; Proxy_Mode"
    " Manual takes one: Proxy_Server_Requires_Authentication, Proxy_Username, Proxy_Password"
)
WRONG_LOGIN = "the proxy refuses Proxy_Username and Proxy_Password (407)"


async def tunnel(
    dial: Callable[[], Awaitable[socket.socket]],
    target: Target,
    entropy: Callable[[int], bytes],
) -> socket.socket:
    """Return a connection whose other end is the server's, for whatever that shows of itself.

    `dial` makes a fresh connection to the proxy.

    Raises:
        ProxyAnsweredError: the proxy does not let the phone through.
        NetworkError: what is there is no HTTP proxy.
        OSError: the connection to it broke.

    """
    where = authority(target)
    proven = ""
    for _ in range(LOGINS + 1):
        connection = await dial()
        try:
            said = await _connect(connection, where, proven)
        except BaseException:
            connection.close()
            raise
        if 200 <= said.status_code < 300:
            return connection
        connection.close()
        if said.status_code != ASKS:
            reason = "".join(c if c.isprintable() else "?" for c in said.reason.decode("latin-1"))
            answer = f"{said.status_code} {reason[:80]}".strip()
            raise ProxyAnsweredError(f"the proxy refuses the way to {where}: {answer}")
        asked = [bytes(text) for name, text in said.headers if name == b"proxy-authenticate"]
        proven = who(target.via.login, asked, "CONNECT", where, entropy(8), again=bool(proven))
    raise ProxyAnsweredError(WRONG_LOGIN)


def who(  # noqa: PLR0913 - who, what was asked, for which request
    login: Login | None, asked: list[bytes], method: str, uri: str, entropy: bytes, *, again: bool
) -> str:
    """Return the value of Proxy-Authorization; `again` where one was refused before.

    Raises:
        ProxyAnsweredError: there is none that the proxy would take.

    """
    if login is None:
        raise ProxyAnsweredError(NO_LOGIN)
    if again and not is_stale(asked):
        raise ProxyAnsweredError(WRONG_LOGIN)
    known = Credentials(login.user, login.password.reveal())
    try:
        return proof(known, asked, method, uri, entropy, in_clear=True)
    except (RemoteProtocolError, PolicyError) as error:
        raise ProxyAnsweredError(f"407: {error}") from None


def authority(target: Target) -> str:
    """Return host and port of a server as CONNECT names it.

    Raises:
        NetworkError: its name is none.

    """
    try:
        literal = hostname.address(target.host)
        return written(str(literal) if literal else hostname.name(target.host), target.port)
    except ValueError as error:
        raise NetworkError(f"{target.host!r} is not the name of a server: {error}") from None


async def _connect(connection: socket.socket, where: str, proven: str) -> h11.Response:
    """Return what a proxy answers to CONNECT.

    Raises:
        ProxyAnsweredError: it speaks in the server's place.
        NetworkError: it does not speak HTTP.
        OSError: the connection broke.

    """
    loop, http = asyncio.get_running_loop(), h11.Connection(h11.CLIENT, HEAD_LIMIT)
    fields = [("Host", where), *([("Proxy-Authorization", proven)] if proven else [])]
    request = h11.Request(method="CONNECT", target=where, headers=fields)
    data = (http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b"")
    await loop.sock_sendall(connection, data)
    room = HEAD_LIMIT
    try:
        while not isinstance(event := http.next_event(), h11.Response):
            if event is not h11.NEED_DATA:
                continue  # 1xx, which counts against the room
            data = await loop.sock_recv(connection, 4096)
            room -= len(data)
            if not data or room < 0:
                why = "a head without end" if data else "the connection was closed"
                raise NetworkError(f"no answer to CONNECT: {why}")
            http.receive_data(data)
    except h11.RemoteProtocolError as error:
        raise NetworkError(f"what answers is no HTTP proxy: {error}") from None
    if http.their_state is h11.SWITCHED_PROTOCOL and http.trailing_data[0]:
        raise ProxyAnsweredError("the proxy said something in the server's place after CONNECT")
    return event
