"""A program that runs beside the phone for as long as it is wanted, and what it says meanwhile."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from ringfence.errors import ComponentError

KEPT, WIDTH = 40, 400
"""Lines of its output that are remembered, and characters of each."""
PIECE = 65536
LEAVE = 1.0
"""Seconds that it gets to end in order."""


class Program:
    """A running program; it sees no environment but the one given."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reports: asyncio.StreamReader,
        pipe: asyncio.ReadTransport,
    ) -> None:
        self._process = process
        self._reports = reports
        self._pipe = pipe
        self._said: deque[str] = deque(maxlen=KEPT)
        self._begun = b""
        # By this handle it is signalled, and nobody who has got its number since.
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._handle = os.pidfd_open(process.pid)

    @classmethod
    async def start(
        cls,
        argv: Callable[[int], Sequence[str]],
        environment: Mapping[str, str],
        stdin: bytes,
        limit: int,
    ) -> "Program":
        """Start a program and give it its standard input.

        `argv` is told a descriptor that the program inherits: what is written there is heard
        apart from its output, in lines of at most `limit` bytes.

        Raises:
            ComponentError: it is missing.

        """
        reader, writer = os.pipe()
        reports = asyncio.StreamReader(limit=limit)
        pipe = os.fdopen(reader, "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reports), pipe
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *argv(writer),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(writer,),
                env=dict(environment),
            )
        except OSError as error:
            transport.close()
            raise ComponentError(argv(writer)[0], error.strerror or str(error)) from error
        finally:
            os.close(writer)
        if process.stdin:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(stdin)
                await process.stdin.drain()
            process.stdin.close()
        return cls(process, reports, transport)

    async def listen(self) -> None:
        """Remember what it says, until it falls silent for good."""
        source = self._process.stdout
        while source and (data := await source.read(PIECE)):
            *lines, self._begun = (self._begun + data).split(b"\n")
            self._said.extend(line[:WIDTH].decode(errors="replace") for line in lines)
            self._begun = self._begun[:WIDTH]

    def said(self) -> list[str]:
        """Return the last lines of its output."""
        return [*self._said, self._begun.decode(errors="replace")]

    async def reports(self) -> AsyncIterator[bytes]:
        """Yield the lines of its reports until there can be no more.

        Raises:
            ValueError: a line is longer than allowed.

        """
        while line := await self._reports.readline():
            yield line

    async def ended(self) -> int:
        """Return its exit status once it has ended; negative where a signal ended it."""
        return await self._process.wait()

    async def end(self) -> int:
        """Ask the program to end, kill it where it does not, and return its exit status."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE):
                    await self._process.wait()
                    break
        code = await self._process.wait()
        self.forget()
        return code

    def forget(self) -> None:
        """Give back what is held of a program that has ended."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._pipe.close()

    def _signal(self, number: int) -> None:
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)
