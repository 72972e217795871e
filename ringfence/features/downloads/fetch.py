"""One request for a file, and what can be shown of the answer."""

import asyncio

from ringfence.errors import NetworkError, RemoteProtocolError
from ringfence.policy.rules import Url
from ringfence.protocols import dictionary
from ringfence.protocols.dictionary import Words
from ringfence.protocols.http_cache import Validators
from ringfence.runtime.download import Received, aim, receive, unheard
from ringfence.runtime.feature import World
from ringfence.runtime.picture import Picture, Pictures
from ringfence.runtime.reach import Reach

PATIENCE = 20.0
"""Seconds for a file, from the question to what can be shown."""


async def fetched(  # noqa: PLR0913 - who asks, of whom, and how much may come
    world: World, reach: Reach, url: Url, tag: str, limit: int, known: Validators
) -> Received:
    """Return what a server has, of at most `limit` bytes; nothing new where it is `known`.

    Raises:
        RingfenceError: the server is not believed, does not have it, or breaks a limit.

    """
    from ringfence.runtime.http import Request

    request = Request(url, {"User-Agent": reach.agent, **known.conditions()}, limit=limit)
    try:
        async with asyncio.timeout(PATIENCE):
            got = await receive(world, aim(reach, url.host, tag), request, unheard)
    except TimeoutError:
        raise NetworkError(f"{url.host}: not whole after {PATIENCE:g} s") from None
    if got.missing:
        raise NetworkError(got.missing)
    if got.coded not in (b"", b"identity"):
        coded = got.coded[:40].decode("ascii", "replace")
        raise RemoteProtocolError(f"it came packed by {coded}, which was not asked for")
    return got


async def shown(pictures: Pictures, body: bytes, room: tuple[int, int] | None) -> Picture | Words:
    """Return the picture that fits into `room`, in pixels, or without it the words.

    Raises:
        RemoteProtocolError: it is neither, or breaks a limit.

    """
    if room is None:
        return await asyncio.to_thread(dictionary.read, body)
    return await pictures.decode(body, *room)
