"""A process that answers line by line and is killed where it does not."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

import msgspec

import ringfence
from ringfence.errors import ComponentError

_PIECE = 64 << 10
"""Bytes that are read at once: what a pipe holds."""
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


def dependent(module: str, *words: str) -> tuple[str, ...]:
    """Return the words that run `main(parent, *words)` of a module that ends with this process."""
    return program(module, str(os.getpid()), *words)


class Child:
    """A program with its standard input and output; it sees no environment but the one given."""

    def __init__(
        self, process: asyncio.subprocess.Process, lines: "_Lines", sink: IO[bytes]
    ) -> None:
        self._process = process
        self._lines = lines
        self._sink = sink
        self._left = memoryview(b"")
        self._waits = False
        self._loop = asyncio.get_running_loop()
        # By this handle it is killed, and nobody who has got its number since; Process.kill
        # may take the exit status away from who waits for it.
        self._handle: int | None = None
        with suppress(ProcessLookupError):
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
        with ExitStack() as ours:  # a phone that stops meanwhile leaves none of them open
            source = ours.enter_context(os.fdopen(hearing, "rb", 0))
            sink = ours.enter_context(os.fdopen(telling, "wb", 0))
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
                    raise ComponentError(argv[0], error.strerror or str(error)) from error
            ours.pop_all()
        os.set_blocking(telling, False)
        return cls(process, _Lines(source, limit), sink)

    async def ask(self, line: bytes, timeout: float) -> bytes:
        """Send a line and return the one that comes back; empty where the program ended.

        Raises:
            TimeoutError: nothing came in `timeout` seconds.
            ValueError: the line is longer than allowed.

        """
        # A timer of its own: asyncio.timeout costs an answer a tenth of its time.
        late = self._loop.call_later(timeout, self._lines.give_up)
        try:
            self._left = memoryview(line + b"\n")
            self._send()
            return await self._lines.next()
        finally:
            late.cancel()

    async def line(self) -> bytes:
        """Return the next line that it says by itself; empty where it ended.

        Raises:
            ValueError: the line is longer than allowed.

        """
        return await self._lines.next()

    async def end(self) -> int:
        """Kill the program, wait until it is gone, and return its exit status."""
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.close(self._handle)
            self._handle = None
        self._lines.close()
        if self._waits:
            self._waits = False
            self._loop.remove_writer(self._sink)
        self._sink.close()
        return await self._process.wait()

    def _send(self) -> None:
        """Write what the pipe takes, and the rest when it takes more."""
        try:
            sent = self._sink.write(self._left) or 0
        except BrokenPipeError:  # what it says has ended, too
            sent = len(self._left)
        self._left = self._left[sent:]
        if bool(self._left) != self._waits:
            self._waits = not self._waits
            if self._waits:
                self._loop.add_writer(self._sink, self._send)
            else:
                self._loop.remove_writer(self._sink)


class _Lines:
    """The lines that a pipe brings.

    It is read as it is: a stream of the loop takes a turn and a buffer more an answer.
    """

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._source = source
        self._limit = limit
        self._held = bytearray()
        self._ended = self._full = False
        self._waiter: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        os.set_blocking(source.fileno(), False)
        self._loop.add_reader(source, self._read)

    async def next(self) -> bytes:
        """Return the next line, empty where the pipe has ended.

        Raises:
            ValueError: it is longer than the limit.

        """
        if not (self._ended or self._full or b"\n" in self._held):
            self._waiter = self._loop.create_future()
            await self._waiter
        length = self._held.find(b"\n") + 1
        if length > self._limit or (self._full and not length):
            raise ValueError(f"a line of more than {self._limit} bytes")
        line = bytes(self._held[:length])
        del self._held[:length]
        if self._full and not self._ended:
            self._full = False
            self._loop.add_reader(self._source, self._read)
        return line

    def give_up(self) -> None:
        """Tell who waits that it took too long."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())

    def close(self) -> None:
        """Read no more; who waits is told that it has ended."""
        if not self._source.closed:
            self._loop.remove_reader(self._source)
            self._source.close()
        self._ended = True
        self._wake()

    def _read(self) -> None:
        data = self._source.read(_PIECE)
        if data is None:  # woken for nothing
            return
        self._held += data
        self._ended = not data
        self._full = len(self._held) > self._limit
        if self._ended or self._full:
            self._loop.remove_reader(self._source)
        if self._ended or self._full or b"\n" in data:
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter and not waiter.done():
            waiter.set_result(None)
