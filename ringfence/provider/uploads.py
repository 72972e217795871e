"""What phones send: reports by PUT or POST, problem reports as a form. Source: phone-facts 1.8, 5.

A phone sends with its own certificate, and what it sent is kept under that, whatever the path
says. A path that names another phone is refused.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web

from ringfence.errors import ComponentError
from ringfence.policy.certificate import printable
from ringfence.provider.fleet import Fleet
from ringfence.provider.inventory.uploads import Kind
from ringfence.provider.profiles import UNAVAILABLE, Answer, Client, Profiles, words
from ringfence.provider.tally import PROBLEMS, REPORTS, Tally

logger = logging.getLogger(__name__)

AT_ONCE = 16
"""Uploads at the same time, of all workers; they lie in memory, and each worker has its part."""
FIELD = "prt_file"
"""Field of a form in which a phone sends a problem report. Source: phone-facts 5."""
PROBLEM_PATHS = ("prt", "problem")
"""First segments of paths to which problem reports go without a form."""
CREATED, OK, BAD, TOO_LARGE, BUSY = 201, 200, 400, 413, 429


class Uploads:
    """Takes what phones send into the inventory."""

    def __init__(self, fleet: Fleet, profiles: Profiles, tally: Tally) -> None:
        self._tally = tally
        self._fleet = fleet
        self._profiles = profiles
        self._sending: set[str] = set()
        self._most = max(1, AT_ONCE // tally.crowd.workers)

    async def take(self, request: web.Request, client: Client) -> Answer:
        """Return what a phone is told; where that is good, its upload survives a power cut."""
        who = words(client.device)
        try:
            if refused := await asyncio.to_thread(self._profiles.may_send, request.path, client):
                return refused
            mac = client.device.mac
            if mac in self._sending:
                return _answer(BUSY, "one at a time", who)
            if len(self._sending) >= self._most:
                return _answer(UNAVAILABLE, "too many at once; come again", who)
            self._sending.add(mac)
            try:
                return await self._kept(request, mac, who)
            finally:
                self._sending.discard(mac)
        except ComponentError:  # the fleet has logged it
            return _answer(UNAVAILABLE, "the inventory does not answer; come again", who)

    async def _kept(self, request: web.Request, mac: str, who: str) -> Answer:
        kind = _kind(request)
        if (request.content_length or 0) > kind.largest:
            return _answer(TOO_LARGE, f"more than {kind.largest >> 10} KiB", who)
        try:
            name, body = await _body(request, kind)
        except (ValueError, web.HTTPException, ConnectionError):
            return _answer(BAD, "this is no report", who)
        if body is None:
            return _answer(TOO_LARGE, f"more than {kind.largest >> 10} KiB", who)
        if not body:
            return _answer(BAD, "it is empty", who)
        await asyncio.to_thread(self._fleet.keep, mac, kind, name, body)
        self._tally.add(REPORTS if kind is Kind.REPORT else PROBLEMS)
        logger.info("provider.upload: %s of %s, %d bytes", kind.value, mac, len(body))
        return _answer(CREATED if request.method == "PUT" else OK, "kept", who)


def _kind(request: web.Request) -> Kind:
    first = request.path.removeprefix("/").partition("/")[0].lower()
    form = request.content_type == "multipart/form-data"
    return Kind.PROBLEM if form or first in PROBLEM_PATHS else Kind.REPORT


async def _body(request: web.Request, kind: Kind) -> tuple[str, bytes | None]:
    """Return name and contents of what is sent; no contents where it is too large.

    Raises:
        ValueError: a form is broken, or has not the field.

    """
    if request.content_type != "multipart/form-data":
        name = request.path.rpartition("/")[2]
        return printable(name), await _whole(request.content.iter_any(), kind.largest)
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == FIELD:
            return printable(part.filename or FIELD), await _whole(_chunks(part), kind.largest)
    raise ValueError(FIELD)


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(1 << 16):
        yield chunk


async def _whole(chunks: AsyncIterator[bytes], largest: int) -> bytes | None:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > largest:
            return None
    return bytes(body)


def _answer(status: int, said: str, who: str) -> Answer:
    return Answer(status, f"{status}: {said}\n".encode(), who)
