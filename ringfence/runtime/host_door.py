"""Who comes to a socket that listens."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

logger = logging.getLogger(__name__)
REST = 0.1
"""Seconds after a connection that could not be taken: the next one cannot be, either."""


async def callers(listener: socket.socket, what: str) -> AsyncIterator[tuple[socket.socket, str]]:
    """Yield connections, which do not block, with the address that each is from.

    Never ends by itself; a connection belongs to who was given it. `what` stands before `.accept`
    in the log.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection, peer = await loop.sock_accept(listener)
        except OSError as error:  # no descriptor left, or the peer is gone already
            logger.warning("%s.accept: %s", what, error.strerror)
            await asyncio.sleep(REST)
            continue
        yield connection, str(peer[0])
        await asyncio.sleep(0)  # a crowd at the door must not keep the loop to itself
