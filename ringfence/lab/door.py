"""The running lab's control socket: a request, then what is done, line by line.

Who hangs up in the middle stops the work; what it must tidy up it still does.
"""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

from ringfence.errors import ComponentError
from ringfence.runtime.control import connect, listen

NAME = "door"
LIMIT = 1 << 20
"""Bytes of one line."""
PATIENCE = 90.0
"""Seconds between two lines of an answer."""

logger = logging.getLogger(__name__)

Say = Callable[[Mapping[str, Any]], Awaitable[None]]
Answer = Callable[[Mapping[str, Any], Say, asyncio.Event], Coroutine[Any, Any, None]]
"""Does what a request asks; the event is set when nobody listens any more."""


async def serve(folder: Path, answer: Answer) -> None:
    """Answer commands on a socket in the lab's folder, until cancelled.

    Raises:
        OSError: the socket cannot be made.

    """
    talks: set[asyncio.Task[None] | None] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        gone = asyncio.Event()

        async def say(message: Mapping[str, Any]) -> None:
            if not writer.is_closing():
                writer.write(json.dumps(message).encode() + b"\n")

        try:
            request = json.loads(await reader.readline() or b"{}")
            async with asyncio.TaskGroup() as group:
                noticing = group.create_task(_notice(reader, gone))
                await answer(request, say, gone)
                noticing.cancel()
        except (OSError, ValueError) as error:
            logger.warning("door.closed: %s", error)
        finally:
            writer.close()
            talks.discard(asyncio.current_task())

    server = await asyncio.start_unix_server(one, sock=listen(folder, NAME), limit=LIMIT)
    try:
        await server.serve_forever()
    finally:
        for talk in filter(None, talks):
            talk.cancel()


async def unless(gone: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do some work unless the other end is gone or goes; return whether it was done."""
    async with asyncio.TaskGroup() as group:
        working, leaving = group.create_task(work), group.create_task(gone.wait())
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        leaving.cancel()
    return not working.cancelled()


async def _notice(reader: asyncio.StreamReader, gone: asyncio.Event) -> None:
    """Set `gone` as soon as the other end has no more to say."""
    with contextlib.suppress(OSError):
        await reader.read()
    gone.set()


class Call:
    """One request to the running lab."""

    def __init__(self, folder: Path, request: Mapping[str, Any]) -> None:
        """Ask.

        Raises:
            ComponentError: nobody answers.

        """
        try:
            self._connection = connect(folder, NAME)
        except OSError as error:
            raise ComponentError("lab", f"it does not answer: {error.strerror}") from error
        self._connection.settimeout(PATIENCE)
        self._connection.sendall(json.dumps(request).encode() + b"\n")

    def hang_up(self) -> None:
        """Have the lab stop and tidy up; it still says how that went."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def heard(self) -> Iterator[Mapping[str, Any]]:
        """Yield what the lab says, to the last, whose `part` is `end`.

        Raises:
            ComponentError: the lab went away.

        """
        with self._connection, self._connection.makefile("rb") as file:
            while True:
                try:
                    line = file.readline(LIMIT)
                except OSError as error:
                    raise ComponentError("lab", f"no answer: {error}") from error
                if not line:
                    raise ComponentError("lab", "it ended in the middle of its answer")
                told = json.loads(line)
                yield told
                if told["part"] == "end":
                    return
