"""What the phone sends to a provider's server, over HTTPS or HTTP, through Egress."""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.errors import NetworkError
from ringfence.policy.uploads import Upload
from ringfence.runtime.download import aim, unheard
from ringfence.runtime.feature import World
from ringfence.runtime.reach import Reach

GOOD = range(200, 300)


class Content(Struct, frozen=True):
    """What is sent."""

    method: str
    """PUT or POST."""
    body: bytes
    headers: Mapping[str, str]


async def send(world: World, reach: Reach, upload: Upload, content: Content, named_by: str) -> None:
    """Send something; `named_by` is the tag of the rule.

    Raises:
        PolicyError: the server's domain is forbidden, before anything was asked of DNS, or the
            server was refused.
        NetworkError: no address answered, or with a status that is no success.
        RemoteProtocolError: the server does not speak HTTP that can be used.

    """
    from ringfence.protocols.sip.digest import Credentials
    from ringfence.runtime import http

    who = Credentials(upload.uid, upload.pwd.reveal()) if upload.uid else None
    headers = {"User-Agent": reach.agent, **content.headers}
    request = http.Request(upload.url, headers, who, content.method, content.body)
    target = aim(reach, upload.url.host, named_by)
    answer = await http.get(world.egress, target, request, unheard, world.host.entropy)
    status = answer.response.status
    if status not in GOOD:
        raise NetworkError(f"{answer.place}: HTTP status {status}")
