"""Requests to one server, one after another: the connection, cookies and login are kept.

Source: RFC 9112 section 9.3; RFC 6265 section 5; TR-069, section on the use of HTTP.
"""

import asyncio
import logging
from collections.abc import Callable

import h11
from msgspec.structs import replace

from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError
from ringfence.policy.rules import Url
from ringfence.runtime import http
from ringfence.runtime.egress import Egress, Stream, Target
from ringfence.runtime.http_login import proof

logger = logging.getLogger(__name__)

REDIRECTS = 5
AGAIN = (301, 302, 307, 308)
UNAUTHORIZED = 401
COOKIES, COOKIE = 16, 1024
"""Most cookies, and most bytes of each."""


class Conversation:
    """What an application and a server say to one another over a while."""

    def __init__(
        self,
        egress: Egress,
        target: Callable[[Url], Target],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._egress = egress
        self._target = target
        self._entropy = entropy
        self._stream: Stream | None = None
        self._connection: h11.Connection | None = None
        self._cookies: dict[str, str] = {}
        self._challenges: list[bytes] = []
        self._count = 0
        self._moved: Url | None = None
        """Where a redirect led."""
        self._begun = False
        self.address = ""
        """Of the server."""

    async def ask(self, request: http.Request) -> http.Response:
        """Return the answer to a request; the first one may be redirected.

        Raises:
            PolicyError: the host or a redirect is forbidden, or the server was refused.
            NetworkError: no address answered.
            RemoteProtocolError: what came is no HTTP that can be used.

        """
        url, credentials = request.url, request.credentials
        for _ in range(REDIRECTS + 1):
            if self._moved and self._moved.host != url.host:
                credentials = None
            here = replace(request, url=self._moved or url, credentials=credentials)
            response = await self._known(here)
            if response.status not in AGAIN:
                self._begun = True
                return response
            if self._begun:
                raise RemoteProtocolError("a redirect in the middle")
            self._moved = http.redirected(here, response).url
            await self.close()
            self._cookies.clear()
            self._challenges = []
        raise RemoteProtocolError(f"more than {REDIRECTS} redirects")

    async def close(self) -> None:
        """End the connection."""
        stream, self._stream, self._connection = self._stream, None, None
        if stream:
            await stream.close()

    async def _known(self, request: http.Request) -> http.Response:
        """Return what a server answers who asks who we are, once it knows."""
        response = await self._sent(request)
        if response.status != UNAUTHORIZED or request.credentials is None:
            return response
        self._challenges, self._count = response.values(b"www-authenticate"), 0
        return await self._sent(request)

    async def _sent(self, request: http.Request) -> http.Response:
        fields = dict(request.headers)
        if self._cookies:
            fields["Cookie"] = "; ".join(f"{key}={text}" for key, text in self._cookies.items())
        if self._challenges and request.credentials is not None:
            self._count += 1
            words = (request.method, request.url.path, self._entropy(8))
            secret = request.url.scheme == "https"
            fields["Authorization"] = proof(
                request.credentials, self._challenges, *words, in_clear=secret, count=self._count
            )
        kept = self._stream is not None
        ready = replace(request, headers=fields)
        try:
            response = await self._exchanged(ready)
        except NetworkError:
            if not kept:
                raise
            response = await self._exchanged(ready)  # it was closed while nothing was said
        self._remember(response)
        return response

    async def _exchanged(self, request: http.Request) -> http.Response:
        stream = self._stream or await self._connected(request.url)
        connection = self._connection = self._connection or http.fresh()
        try:
            async with asyncio.timeout(request.patience):
                response = await http.exchange(stream, request, connection=connection)
        except TimeoutError:
            await self.close()
            raise RemoteProtocolError(f"no answer in {request.patience:g} s") from None
        except BaseException:
            await self.close()
            raise
        try:
            connection.start_next_cycle()
        except h11.LocalProtocolError:
            await self.close()  # the server wants no other request on it
        return response

    async def _connected(self, url: Url) -> Stream:
        aim = self._target(url)
        reasons: list[str] = []
        for address in await self._egress.resolve(aim):
            try:
                self._stream = await self._egress.connect(aim, address, http.CONNECT_TIME)
            except PolicyError as error:
                logger.warning("http.refused: %s", error)
                reasons.append(f"{address}: {error}")
            except NetworkError as error:
                reasons.append(f"{address}: {error}")
            else:
                self.address = address
                return self._stream
        raise NetworkError("; ".join(reasons))

    def _remember(self, response: http.Response) -> None:
        for raw in response.values(b"set-cookie"):
            name, _, text = raw.partition(b";")[0].decode("latin-1").partition("=")
            name, text = name.strip(), text.strip()
            if not name or len(raw) > COOKIE or not (name + text).isprintable():
                continue
            if name in self._cookies or len(self._cookies) < COOKIES:
                self._cookies[name] = text
