"""What was published, for phones that show a certificate of the provider's."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from ringfence.provider.firmware.repository import NAME
from ringfence.provider.profiles import Client

PIECE = 64 << 10
"""Bytes that one phone costs in memory."""


class Firmware:
    """A folder of `ringfence provider firmware publish`."""

    def __init__(self, folder: Path, revoked: Callable[[int], bool]) -> None:
        self._folder = folder
        self._revoked = revoked

    def may_have(self, client: Client) -> bool:
        """Return whether a phone gets images: with any certificate that counts."""
        return client.shown is not None and not self._revoked(client.shown.number)

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Send a file, piece by piece.

        Raises:
            web.HTTPNotFound: there is no such file.

        """
        name = request.match_info["name"]
        if not NAME.fullmatch(name):  # it is decoded, and may hold a slash
            raise web.HTTPNotFound
        try:
            file = await asyncio.to_thread((self._folder / name).open, "rb")
        except OSError:
            raise web.HTTPNotFound from None
        with file:
            return await _sent(request, file)


async def _sent(request: web.Request, file: BinaryIO) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = "application/octet-stream"
    response.content_length = file.seek(0, 2)
    file.seek(0)
    await response.prepare(request)
    while piece := await asyncio.to_thread(file.read, PIECE):
        await response.write(piece)
    await response.write_eof()
    return response
