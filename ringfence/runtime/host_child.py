"""A process that answers line by line and is killed where it does not."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

import ringfence
from ringfence.errors import ComponentError

_START = (
    "import importlib, sys; sys.path += sys.argv[1:3];"
    "importlib.import_module(sys.argv[3]).main(*sys.argv[4:])"
)


def program(module: str, *words: str) -> tuple[str, ...]:
    """Return the words that run `main(*words)` of a module of ours in a process of its own.

    It finds Ringfence where this process found it, in an image, too, and nothing of the
    environment.
    """
    found = (Path(one.__file__ or "").parent.parent for one in (ringfence, msgspec))
    return (sys.executable, "-I", "-S", "-c", _START, *map(str, found), module, *words)


class Child:
    """A program with its standard input and output; it sees no environment but the one given."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._source = source
        self._sink = sink
        # By this handle it is killed, and nobody who has got its number since; Process.kill
        # may take the exit status away from who waits for it.
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._handle = os.pidfd_open(process.pid)

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        environment: dict[str, str],
        limit: int,
        handles: Sequence[int] = (),
    ) -> "Child":
        """Start a program whose answers are at most `limit` bytes long.

        It inherits the descriptors in `handles` under their numbers.

        Raises:
            ComponentError: it is missing.

        """
        told, telling = os.pipe()
        hearing, said = os.pipe()
        ours = os.fdopen(hearing, "rb", 0), os.fdopen(telling, "wb", 0)
        with os.fdopen(told, "rb", 0) as stdin, os.fdopen(said, "wb", 0) as stdout:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=environment,
                    pass_fds=handles,
                )
            except OSError as error:
                for end in ours:
                    end.close()
                raise ComponentError(argv[0], error.strerror or str(error)) from error
        try:
            return cls(process, *await _streams(*ours, limit))
        except BaseException:  # a phone that stops meanwhile leaves nobody behind
            process.kill()
            for end in ours:
                end.close()
            raise

    async def ask(self, line: bytes, timeout: float) -> bytes:
        """Send a line and return the one that comes back; empty where the program ended.

        Raises:
            TimeoutError: nothing came in `timeout` seconds.
            ValueError: the line is longer than allowed.

        """
        try:
            async with asyncio.timeout(timeout):
                self._sink.write(line + b"\n")
                await self._sink.drain()
                return await self._source.readline()
        except ConnectionError:
            return b""

    async def line(self) -> bytes:
        """Return the next line that it says by itself; empty where it ended.

        Raises:
            ValueError: the line is longer than allowed.

        """
        return await self._source.readline()

    async def end(self) -> int:
        """Kill the program, wait until it is gone, and return its exit status."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.close(self._handle)
            self._handle = None
        self._sink.close()
        return await self._process.wait()


async def _streams(
    source: IO[bytes], sink: IO[bytes], limit: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return streams of pipes; those of the loop's own processes take a turn more an answer."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
    idle = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    writing, protocol = await loop.connect_write_pipe(lambda: idle, sink)
    return reader, asyncio.StreamWriter(writing, protocol, None, loop)
