"""HTTP/1.1 through Egress: addresses one after another, redirects, limits.

Source: phone-facts 2.9; chapter, Redundant Provisioning Servers.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from urllib.parse import urljoin

import h11
from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError, RingfenceError
from ringfence.policy import hostname
from ringfence.policy.network import written
from ringfence.policy.route import asked
from ringfence.policy.rules import Url, parse_url
from ringfence.protocols.sip.digest import Credentials
from ringfence.runtime.egress import Egress, Secured, Stream, Target
from ringfence.runtime.egress_target import ProxyAnsweredError
from ringfence.runtime.http_login import LOGINS, is_stale, proof, sip_proof

logger = logging.getLogger(__name__)

BODY_LIMIT = 1 << 20
"""Bytes of a body, where a request does not say otherwise."""
HEAD_LIMIT = 16 << 10
"""Bytes of a status line and its header fields."""
ANSWER_TIME = 30.0
"""Seconds from the request to the last byte of the answer, for each MiB that it may have."""
REDIRECTS = 5
CONNECT_TIME, PROXY_TIME = 5.0, 10.0
"""Seconds that a server has to be there; and one behind a proxy, which looks it up itself."""
WAYS_TIME = 60.0
"""Seconds after which no further way by a proxy is tried."""
PROXY_ASKS = 407

_LOGIN = {
    401: (b"www-authenticate", "Authorization"),
    407: (b"proxy-authenticate", "Proxy-Authorization"),
}
"""`{status: (field that asks, field that answers)}`."""


class Request(Struct, frozen=True):
    """What is asked of a server; a redirect repeats it whole at its new place."""

    url: Url
    headers: Mapping[str, str] = {}
    credentials: Credentials | None = None
    """For a server that asks who we are; never sent to another host."""
    method: str = "GET"
    body: bytes = b""
    limit: int = BODY_LIMIT
    """Bytes that the body of the answer may have."""
    sip_user: str = ""
    """Whose SIP password those have, of a BroadWorks server that is to know us by it."""

    @property
    def patience(self) -> float:
        """Return the seconds that the answer may take: more where it may be large."""
        return ANSWER_TIME * max(1.0, self.limit / BODY_LIMIT)


class Response(Struct, frozen=True):
    """A whole answer."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    """Header fields, names in lower case."""
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header field, in order."""
        return [text for held, text in self.fields if held == name]


class Answer(Struct, frozen=True):
    """A response, and who gave it."""

    url: Url
    """Where it came from in the end, after redirects."""
    address: str
    """Of the server; behind a proxy, which alone knows it, the server's name."""
    secured: Secured | None
    response: Response
    by: str = ""
    """The way in the words of a PAC file; empty for none by a proxy."""

    @property
    def place(self) -> str:
        """Return who gave it, for messages."""
        return f"{self.url.host} " + (f"by {self.by}" if self.by else f"at {self.address}")


async def get(
    egress: Egress,
    target: Callable[[Url], Target],
    request: Request,
    asking: Callable[[Url, str], None],
    entropy: Callable[[int], bytes],
) -> Answer:
    """Return what a server answered, whatever its status.

    Each address of the host is tried until one gives an HTTP status; a failed TLS or identity
    check counts as no answer (rulings 5). At most five redirects are followed, each judged
    like a first request and never from https to http. `asking(url, address)` is called before
    the first request to each server.

    Raises:
        PolicyError: the host is forbidden, or a redirect is; nothing was sent there.
        NetworkError: no address answered; the message has the reason of each.
        RemoteProtocolError: a server answered, but not with HTTP that can be used.

    """
    for _ in range(REDIRECTS + 1):
        aim = target(request.url)
        try:
            aim, address, given = await _first(egress, aim, request, asking)
            given = await _known(egress, aim, (address, given), request, entropy)
        except RingfenceError as error:
            egress.note(aim, str(error))
            raise
        egress.note(aim)
        if given.response.status not in (301, 302):
            return given
        request = redirected(request, given.response)
    raise RemoteProtocolError(f"more than {REDIRECTS} redirects")


async def _known(
    egress: Egress,
    aim: Target,
    first: tuple[str, Answer],
    request: Request,
    entropy: Callable[[int], bytes],
) -> Answer:
    """Return what a server answers who asks who we are, once it knows.

    A proxy that asks for itself is told the proxy's login and nothing else.
    Source: phone-facts 2.9: 401 and 407, at most two retries.
    """
    address, given = first
    proven: dict[str, str] = {}
    for _ in range(LOGINS):
        asks = _LOGIN.get(given.response.status)
        by_proxy = given.response.status == PROXY_ASKS and _is_whole(aim)
        if asks is None or (request.credentials is None and not by_proxy):
            break
        challenge, answered = asks
        values, again = given.response.values(challenge), answered in proven
        if by_proxy:
            proven[answered] = _proof_for_proxy(aim, request, values, entropy(8), again=again)
        elif request.credentials is not None:
            if again and not is_stale(values):
                break  # the password is wrong, and will be so again
            words = (request.method, request.url.path, entropy(8))
            secret = request.url.scheme == "https"
            proven[answered] = (
                sip_proof(request.credentials, values, request.sip_user, in_clear=secret)
                if request.sip_user
                else proof(request.credentials, values, *words, in_clear=secret)
            )
        known = replace(request, headers={**request.headers, **proven})
        given = await _once(egress, aim, address, known)
    if given.response.status == PROXY_ASKS and _is_whole(aim):
        raise ProxyAnsweredError(f"{aim.place(address)}: the proxy asks once more (407)")
    return given


def _proof_for_proxy(
    aim: Target, request: Request, values: list[bytes], entropy: bytes, *, again: bool
) -> str:
    from ringfence.runtime.egress_proxy import who

    return who(aim.via.login, values, request.method, _whole(request.url), entropy, again=again)


async def _first(
    egress: Egress, target: Target, request: Request, asking: Callable[[Url, str], None]
) -> tuple[Target, str, Answer]:
    """Return the target with the way that gave an answer, the address dialled, and the answer.

    What a proxy has answered ends the search; one that cannot be reached does not.
    """
    reasons: list[str] = []
    begun = False
    async with aclosing(_ways(egress, target, request.url, reasons)) as ways:
        async for aim, address in ways:
            if not begun:
                asking(request.url, _shown(aim, address))
            begun = True
            try:
                return aim, address, await _once(egress, aim, address, request)
            except PolicyError as error:
                logger.warning("http.refused: %s", error)
                reasons.append(f"{address}: {error}")
                if aim.via.host:
                    break
            except NetworkError as error:
                reasons.append(f"{address}: {error}")
                if isinstance(error, ProxyAnsweredError):
                    break
    raise NetworkError("; ".join(reasons))


async def _ways(
    egress: Egress, target: Target, url: Url, reasons: list[str]
) -> AsyncGenerator[tuple[Target, str], None]:
    """Yield every way with every address of its first hop; add to `reasons` what leads nowhere."""
    until = asyncio.get_running_loop().time() + WAYS_TIME
    for route in await egress.routes(target, asked(url)):
        aim = replace(target, via=route)
        try:
            addresses = await egress.resolve(aim.hop)
        except NetworkError as error:
            reasons.append(str(error))
            continue
        for address in addresses:
            if route.host and asyncio.get_running_loop().time() > until:
                reasons.append(f"given up after {WAYS_TIME:g} s")
                return
            yield aim, address


async def _once(egress: Egress, aim: Target, address: str, request: Request) -> Answer:
    """Return the answer that comes from one address."""
    patience = PROXY_TIME if aim.via.host else CONNECT_TIME
    stream = await egress.connect(aim, address, patience)
    try:
        async with asyncio.timeout(request.patience):
            response = await exchange(stream, request, whole=_is_whole(aim))
    except TimeoutError:
        raise NetworkError(f"no answer in {request.patience:g} s") from None
    finally:
        await stream.close()
    by = str(aim.via) if aim.via.host else ""
    return Answer(request.url, _shown(aim, address), stream.secured, response, by)


def _shown(aim: Target, address: str) -> str:
    return aim.host if aim.via.host else address


def _is_whole(aim: Target) -> bool:
    """Return whether a request goes to the proxy itself, and so names its URL as a whole."""
    return bool(aim.via.host) and aim.tls is None


def redirected(request: Request, response: Response) -> Request:
    """Return the request that a redirect asks for; another server learns no login.

    Raises:
        PolicyError: it leads to clear text.
        RemoteProtocolError: it leads nowhere.

    """
    location = b"".join(response.values(b"location")[:1]).decode("latin-1")
    url = request.url
    try:
        to = parse_url(urljoin(str(url), location))
    except ValueError as error:
        raise RemoteProtocolError(f"redirect: {error}") from None
    if url.scheme == "https" and to.scheme != "https":
        raise PolicyError("redirect-downgrade", f"redirect from https to {to.scheme} refused")
    if to.scheme == "tftp":
        raise PolicyError("redirect-scheme", "redirect to tftp refused")
    same = (to.scheme, to.host, to.port) == (url.scheme, url.host, url.port)
    return replace(request, url=to, credentials=request.credentials if same else None)


async def exchange(
    stream: Stream,
    request: Request,
    *,
    whole: bool = False,
    connection: h11.Connection | None = None,
) -> Response:
    """Return the answer to one request on a fresh stream; `whole` where it is a proxy's.

    With a `connection` of before the stream need not be fresh, and another request may follow.

    Raises:
        NetworkError: the connection ended or spoke no HTTP before a status came.
        RemoteProtocolError: what came after the status breaks HTTP or exceeds a limit.

    """
    last = connection is None
    connection = connection or fresh()
    reading = _Reading(request.limit)
    try:
        await stream.write(_bytes(connection, request, whole=whole, last=last))
        while (answer := reading.whole) is None:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                data = await stream.read()
                if not data and reading.head is None:
                    raise NetworkError("the connection was closed")
                connection.receive_data(data)
            else:
                reading.take(event)
    except (h11.RemoteProtocolError, NetworkError) as error:
        if reading.head is None:
            raise NetworkError(f"no HTTP answer: {error}") from None
        raise RemoteProtocolError(f"broken answer: {error}") from None
    return answer


def fresh() -> h11.Connection:
    """Return what reads the answers of a server."""
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)


class _Reading:
    """Collects the events of one answer."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.head: h11.Response | None = None
        self.whole: Response | None = None
        self._body = bytearray()

    def take(self, event: object) -> None:
        if isinstance(event, h11.Response):
            self.head = event
            self._fields = tuple((bytes(name), bytes(text)) for name, text in event.headers)
            for name, text in self._fields:
                if name == b"content-length":
                    self._check(int(text))
        elif isinstance(event, h11.Data):
            self._body += event.data
            self._check(len(self._body))
        elif self.head is not None and isinstance(event, h11.EndOfMessage):
            self.whole = Response(self.head.status_code, self._fields, bytes(self._body))

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise RemoteProtocolError(f"the body exceeds {self._limit} bytes")


def _host(url: Url) -> str:
    """Return host and port as the field Host has them. Source: RFC 9112 section 3.2."""
    literal = hostname.address(url.host)
    default = {"http": 80, "https": 443}[url.scheme]
    return written(str(literal) if literal else hostname.name(url.host), url.port, default)


def _whole(url: Url) -> str:
    """Return the request-target in absolute form. Source: RFC 9112 section 3.2.2."""
    return f"{url.scheme}://{_host(url)}{url.path}"


def _bytes(connection: h11.Connection, request: Request, *, whole: bool, last: bool) -> bytes:
    fields = {"Host": _host(request.url), **request.headers, "Accept": "*/*"}
    if last:
        fields["Connection"] = "close"
    if request.body or request.method != "GET":
        fields["Content-Length"] = str(len(request.body))
    target = _whole(request.url) if whole else request.url.path
    events = [
        h11.Request(method=request.method, target=target, headers=list(fields.items())),
        *([h11.Data(request.body)] if request.body else []),
        h11.EndOfMessage(),
    ]
    return b"".join(connection.send(event) or b"" for event in events)
