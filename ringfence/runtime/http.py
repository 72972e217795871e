"""HTTP/1.1 through Egress: addresses one after another, redirects, limits.

Source: phone-facts 2.9; chapter, Redundant Provisioning Servers.
"""

import asyncio
import base64
import logging
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import h11
from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError
from ringfence.policy import hostname
from ringfence.policy.rules import Url, parse_url
from ringfence.protocols.sip.digest import Credentials, Use, answer, choose
from ringfence.runtime.egress import Egress, Secured, Stream, Target

logger = logging.getLogger(__name__)

BODY_LIMIT = 1 << 20
"""Bytes of a body, where a request does not say otherwise."""
HEAD_LIMIT = 16 << 10
"""Bytes of a status line and its header fields."""
ANSWER_TIME = 30.0
"""Seconds from the request to the last byte of the answer, for each MiB that it may have."""
REDIRECTS = 5
LOGINS = 2
"""Times that a request is repeated because the server asks who we are."""

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
    secured: Secured | None
    response: Response


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
        addresses = await egress.resolve(aim)
        asking(request.url, addresses[0])
        given = await _first(egress, aim, addresses, request)
        given = await _known(egress, aim, given, request, entropy)
        if given.response.status not in (301, 302):
            return given
        request = _redirected(request, given.response)
    raise RemoteProtocolError(f"more than {REDIRECTS} redirects")


async def _known(
    egress: Egress,
    aim: Target,
    given: Answer,
    request: Request,
    entropy: Callable[[int], bytes],
) -> Answer:
    """Return what a server answers who asks who we are, once it knows.

    Source: phone-facts 2.9: 401 and 407, at most two retries.
    """
    proven: dict[str, str] = {}
    for _ in range(LOGINS):
        asked = _LOGIN.get(given.response.status)
        if asked is None or request.credentials is None:
            break
        challenge, answered = asked
        if answered in proven and not _stale(given.response.values(challenge)):
            break  # the password is wrong, and will be so again
        proof = _proof(request, request.credentials, given.response.values(challenge), entropy(8))
        proven[answered] = proof
        known = replace(request, headers={**request.headers, **proven})
        given = await _first(egress, aim, (given.address,), known)
    return given


async def _first(
    egress: Egress, target: Target, addresses: tuple[str, ...], request: Request
) -> Answer:
    reasons = []
    for address in addresses:
        try:
            stream = await egress.connect(target, address)
            try:
                async with asyncio.timeout(request.patience):
                    response = await exchange(stream, request)
            finally:
                await stream.close()
        except TimeoutError:
            reasons.append(f"{address}: no answer in {request.patience:g} s")
        except PolicyError as error:
            logger.warning("http.refused: %s", error)
            reasons.append(f"{address}: {error}")
        except NetworkError as error:
            reasons.append(f"{address}: {error}")
        else:
            return Answer(request.url, address, stream.secured, response)
    raise NetworkError("; ".join(reasons))


def _redirected(request: Request, response: Response) -> Request:
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


def _stale(asked: list[bytes]) -> bool:
    """Return whether only the nonce was too old. Source: RFC 7616 section 3.3."""
    challenge = choose(asked)
    return challenge is not None and challenge.stale


def _proof(request: Request, credentials: Credentials, asked: list[bytes], entropy: bytes) -> str:
    """Return what answers a challenge: Digest where it is asked for, else Basic under TLS."""
    if challenge := choose(asked):
        path, method = request.url.path.encode(), request.method.encode()
        use = Use(method, path, b"00000001", entropy.hex().encode())
        return answer(challenge, credentials, use).decode()
    if not any(text.lower().startswith(b"basic") for text in asked):
        raise RemoteProtocolError("the server asks for a kind of login that is not spoken here")
    if request.url.scheme != "https":
        text = "the server asks for the password in clear text without TLS"
        raise PolicyError("http-basic-clear", text)
    pair = f"{credentials.user}:{credentials.password}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def exchange(stream: Stream, request: Request) -> Response:
    """Return the answer to one request on a fresh stream.

    Raises:
        NetworkError: the connection ended or spoke no HTTP before a status came.
        RemoteProtocolError: what came after the status breaks HTTP or exceeds a limit.

    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
    reading = _Reading(request.limit)
    try:
        await stream.write(_bytes(connection, request))
        while (whole := reading.whole) is None:
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
    return whole


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


def _bytes(connection: h11.Connection, request: Request) -> bytes:
    host = request.url.host
    if literal := hostname.address(host):
        host = f"[{literal}]" if literal.version == 6 else str(literal)
    else:
        host = hostname.name(host)
    default = {"http": 80, "https": 443}[request.url.scheme]
    fields = {
        "Host": host if request.url.port == default else f"{host}:{request.url.port}",
        **request.headers,
        "Accept": "*/*",
        "Connection": "close",
    }
    if request.body or request.method != "GET":
        fields["Content-Length"] = str(len(request.body))
    events = [
        h11.Request(method=request.method, target=request.url.path, headers=list(fields.items())),
        *([h11.Data(request.body)] if request.body else []),
        h11.EndOfMessage(),
    ]
    return b"".join(connection.send(event) or b"" for event in events)
