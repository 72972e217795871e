"""The phone's control socket: one JSON object a line, for its owner alone."""

import contextlib
import logging
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.errors import ComponentError, RingfenceError

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger(__name__)

NAME = "control"
LIMIT = 4 * 1024 * 1024
"""Bytes of one line."""

Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, object]]]
"""Answer one request. Raises `RingfenceError`."""


class ControlServer:
    """Answers whoever owns the phone, on a socket in its state folder."""

    def __init__(self, state: Path, answer: Answer) -> None:
        self._state = state
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            ComponentError: the socket cannot be made.

        """
        import asyncio  # who only asks does without

        try:
            bound = listen(self._state, NAME)
        except OSError as error:
            raise ComponentError("control socket", error.strerror or "") from error
        self._server = await asyncio.start_unix_server(self._serve, sock=bound, limit=LIMIT)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server:
            self._server.close()
        (self._state / NAME).unlink(missing_ok=True)

    async def _serve(self, reader: "asyncio.StreamReader", writer: "asyncio.StreamWriter") -> None:
        import json  # a phone that nobody asks does without

        try:
            if _uid(writer.get_extra_info("socket")) not in (0, os.geteuid()):
                return
            while line := await reader.readline():
                reply = await self._one(json.loads(line))
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, RecursionError) as error:
            logger.info("control.closed: %s", type(error).__name__)
        finally:
            writer.close()

    async def _one(self, request: object) -> Mapping[str, object]:
        if not isinstance(request, dict):
            return {"error": "a request is a JSON object"}
        try:
            return {"answer": await self._answer(request)}
        except RingfenceError as error:
            return {"error": str(error)}
        except Exception as error:
            logger.exception("control.failed: %s", request.get("verb"))
            return {"error": f"a fault of the phone's own ({type(error).__name__}); its log tells"}


def ask(state: Path, request: Mapping[str, object], timeout: float = 60.0) -> dict[str, Any] | None:
    """Return the answer of the phone that runs on a state folder; None where none runs.

    Raises:
        ComponentError: the phone refused, or did not answer in `timeout` seconds.

    """
    import json

    try:
        connection = connect(state, NAME)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return None
    except OSError as error:
        raise ComponentError("control socket", error.strerror or "") from error
    with connection:
        connection.settimeout(timeout)
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as file:
                line = file.readline(LIMIT)
        except OSError as error:
            raise ComponentError("phone", f"no answer: {error}") from error
    if not line:
        return None
    reply = json.loads(line)
    if "error" in reply:
        raise ComponentError("phone", str(reply["error"]))
    return dict(reply["answer"])


def listen(folder: Path, name: str) -> socket.socket:
    """Return a listening socket in a folder, for its owner, and its group where that may write.

    Raises:
        OSError: it cannot be made.

    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    shared = folder.stat().st_mode & stat.S_IWGRP
    try:
        os.fchmod(made.fileno(), 0o600)  # the file's mode from the start; a umask is every thread's
        with _reached(folder, name) as path:
            Path(path).unlink(missing_ok=True)
            made.bind(path)
            if shared:
                os.chmod(path, 0o660)
    except OSError:
        made.close()
        raise
    made.listen(16)
    made.setblocking(False)
    return made


def connect(folder: Path, name: str) -> socket.socket:
    """Return a connection to a listening socket of a folder.

    Raises:
        OSError: nobody listens there.

    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _reached(folder, name) as path:
            made.connect(path)
    except OSError:
        made.close()
        raise
    return made


@contextlib.contextmanager
def _reached(folder: Path, name: str) -> Iterator[str]:
    """Give a short path through a descriptor: a socket address has 108 bytes at most."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{name}"
    finally:
        os.close(handle)


def _uid(peer: socket.socket) -> int:
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[1])
