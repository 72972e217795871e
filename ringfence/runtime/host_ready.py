"""Waiting for sockets that the caller reads itself."""

import asyncio
import socket


async def arrived(*sockets: socket.socket) -> None:
    """Return when something waits at one of them.

    The loop's own `sock_recv` would do for one socket, but it loads all of TLS to ask whether
    that is one of TLS: a fortieth of a start.
    """
    loop = asyncio.get_running_loop()
    waiting = loop.create_future()
    numbers = [each.fileno() for each in sockets]  # one may be closed meanwhile
    for number in numbers:
        loop.add_reader(number, _settle, waiting)
    try:
        await waiting
    finally:
        for number in numbers:
            loop.remove_reader(number)


def _settle(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
