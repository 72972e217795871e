"""A file of a provider's server, over HTTPS, HTTP or TFTP, through Egress."""

from collections.abc import Callable

from msgspec import Struct

from ringfence.errors import NetworkError
from ringfence.policy.rules import Url
from ringfence.runtime.egress import Target
from ringfence.runtime.feature import World
from ringfence.runtime.reach import Reach

OK = 200


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
        )

    return target


async def download(
    world: World, reach: Reach, url: Url, named_by: str, posted: Posted | None = None
) -> bytes:
    """Return the file at a URL, or what the server answers to what is posted there.

    Raises:
        PolicyError: the server's domain is forbidden, before anything was asked of DNS.
        NetworkError: no address gave it.
        RemoteProtocolError: the server does not speak HTTP that can be used.

    """
    egress, host = world.egress, world.host
    target = aim(reach, url.host, named_by)
    if url.scheme == "tftp":
        from ringfence.runtime import tftp

        sent = await tftp.get(egress, host, target(url), url, _unheard)
        if sent.missing:
            raise NetworkError(f"{url.host} at {sent.address}: {sent.missing}")
        return sent.body
    from ringfence.runtime import http

    headers = {"User-Agent": reach.agent}
    if posted is None:
        request = http.Request(url, headers)
    else:
        headers["Content-Type"] = posted.kind
        request = http.Request(url, headers, method="POST", body=posted.body)
    answer = await http.get(egress, target, request, _unheard, host.entropy)
    status = answer.response.status
    if status != OK:
        raise NetworkError(f"{answer.url.host} at {answer.address}: HTTP status {status}")
    return answer.response.body


def _unheard(url: Url, address: str) -> None:
    """Tell nobody that a request goes out."""
