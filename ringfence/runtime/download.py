"""A file of a provider's server, over HTTPS, HTTP or TFTP, through Egress."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.errors import NetworkError
from ringfence.policy.rules import Url
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World
from ringfence.runtime.reach import Reach

if TYPE_CHECKING:
    from ringfence.runtime.http import Answer, Request

CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
OK, NOT_MODIFIED, NOT_FOUND = 200, 304, 404
WHO_ARE_YOU = (401, 407)
LOGIN_REFUSED, FILE_REFUSED = "login-refused", "file-refused"
"""Why a server that answered gave no file."""

Asking = Callable[[Url, str], None]
"""Told before the first request to each server: where it goes, and to which address."""


class Received(Struct, frozen=True):
    """What became of a request."""

    url: Url
    """Where the answer came from in the end, after redirects."""
    address: str
    body: bytes
    missing: str = ""
    """What the server said in place of the file, which it does not have."""
    coded: bytes = b""
    """Value of Content-Encoding."""
    answer: "Answer | None" = None
    """What was said besides; None over TFTP."""

    @property
    def unchanged(self) -> bool:
        """Return whether what the phone has is still what the server has."""
        return self.answer is not None and self.answer.response.status == NOT_MODIFIED


class Posted(Struct, frozen=True):
    """A body for the server, and its media type."""

    body: bytes
    kind: str


def aim(reach: Reach, host: str, named_by: str) -> Callable[[Url], Target]:
    """Return what makes a target of a URL; `named_by` names `host`, and a redirect any other."""

    def target(url: Url) -> Target:
        return Target(
            application=reach.tls.application,
            host=url.host,
            port=url.port,
            tls=reach.tls if url.scheme == "https" else None,
            domains=reach.domains,
            resolvers=reach.resolvers,
            exact_domains=reach.exact_domains,
            records=reach.records,
            named_by=named_by if url.host == host else f"a redirect of {host}",
            routing=reach.routing,
        )

    return target


async def receive(
    world: World, target: Callable[[Url], Target], request: "Request", asking: Asking
) -> Received:
    """Return what a server gives for a request, or that it does not have it.

    Of a request over TFTP only the URL and the limit count.

    Raises:
        PolicyError: the host is forbidden, before anything was asked of DNS, or was refused.
        NetworkError: nobody answered, or with neither a file nor that there is none.
        RemoteProtocolError: the answer broke its protocol.

    """
    egress, host, url = world.egress, world.host, request.url
    if url.scheme == "tftp":
        from ringfence.runtime import tftp

        sent = await tftp.get(egress, host, target(url), url, asking, limit=request.limit)
        missing = f"{url.host} at {sent.address}: {sent.missing}" if sent.missing else ""
        return Received(url, sent.address, sent.body, missing)
    from ringfence.runtime import http

    answer = await http.get(egress, target, request, asking, host.entropy)
    status, given = answer.response.status, answer.response
    if status == OK:
        coded = b",".join(given.values(b"content-encoding"))
        return Received(answer.url, answer.address, given.body, "", coded, answer)
    if status == NOT_MODIFIED and CONDITIONS & request.headers.keys():
        return Received(answer.url, answer.address, b"", answer=answer)
    said = f"{answer.place}: HTTP status {status} for {answer.url.path}"
    if status == NOT_FOUND:
        return Received(answer.url, answer.address, b"", said)
    raise NetworkError(said, LOGIN_REFUSED if status in WHO_ARE_YOU else FILE_REFUSED)


async def download(
    world: World, reach: Reach, url: Url, named_by: str, posted: Posted | None = None
) -> bytes:
    """Return the file at a URL, or what the server answers to what is posted there.

    Raises what `receive` does, and:
        NetworkError: the server does not have it.

    """
    from ringfence.runtime.http import Request

    request = Request(url, {"User-Agent": reach.agent})
    if posted:
        headers = {**request.headers, "Content-Type": posted.kind}
        request = Request(url, headers, method="POST", body=posted.body)
    got = await receive(world, aim(reach, url.host, named_by), request, unheard)
    if got.missing:
        raise NetworkError(got.missing, FILE_REFUSED)
    return got.body


def unheard(url: Url, address: str) -> None:
    """Tell nobody that a request goes out."""
