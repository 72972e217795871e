"""The programs of a running lab: started in their nodes, their output kept and waited for."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from ringfence.lab.output import Output
from ringfence.lab.topology import Node, space

PYTHON = (sys.executable, "-m")
RUN = Path("/run/lab")
"""Sockets and generated configuration, gone with the lab."""
LINE = 1 << 20
"""Bytes of the longest line that is read."""
STOP_TIME = 5.0
REST = 0.2
"""Seconds until a program that must not end is started again."""


class Crew:
    """Starts programs and remembers them."""

    def __init__(self, log: Path, group: asyncio.TaskGroup) -> None:
        self._log = log
        self._group = group
        self._pumps: list[asyncio.Task[None]] = []
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.outputs: dict[str, Output] = {}

    async def start(
        self,
        name: str,
        node: Node,
        *argv: str,
        pass_fds: tuple[int, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> Output:
        """Start a program in a node; its standard output and error go to `log/NAME.log`."""
        process = await asyncio.create_subprocess_exec(
            *space(node).command(*argv),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=pass_fds,
            env={**os.environ, **(environment or {})},
            limit=LINE,
        )
        output = Output(name, self._log / f"{name}.log")
        self._processes[name], self.outputs[name] = process, output
        if process.stdout:
            self._pumps.append(self._group.create_task(output.pump(process.stdout)))
        return output

    async def keep(self, name: str, node: Node, *argv: str) -> None:
        """Start a program, and start it again whenever it ends."""
        output = await self.start(name, node, *argv)

        async def again() -> None:
            last = output
            while True:
                await last.end()
                await asyncio.sleep(REST)
                last = await self.start(name, node, *argv)

        self._pumps.append(self._group.create_task(again()))

    def pid(self, name: str) -> int:
        """Return the process id of a program."""
        return self._processes[name].pid

    async def stop(self, name: str) -> None:
        """Ask a program to end, and end it if it does not."""
        process = self._processes.get(name)
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIME):
                    await process.wait()
                    return

    async def stop_all(self, *first: str) -> None:
        """Stop the named programs one after another; the rest ends with the lab's init."""
        for name in first:
            await self.stop(name)
        for pump in self._pumps:
            pump.cancel()


async def run(node: Node, *argv: str, stdin: str = "") -> str:
    """Run a program in a node to its end and return what it printed; `stdin` for its secrets.

    Raises:
        RuntimeError: its exit status is not 0.

    """
    process = await asyncio.create_subprocess_exec(
        *space(node).command(*argv),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv[:3])}: {err.decode(errors='replace').strip()[-500:]}")
    return out.decode(errors="replace")


async def notified(path: Path, start: Callable[[], Awaitable[Output]]) -> Output:
    """Start a program and return when it says READY=1 on a socket. Source: sd_notify(3).

    Raises:
        EOFError: it ended without saying so.

    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(path))
        door.setblocking(False)
        output = await start()
        async with asyncio.TaskGroup() as group:
            said = group.create_task(asyncio.get_running_loop().sock_recv(door, 4096))
            ended = group.create_task(output.end())
            done, late = await asyncio.wait({said, ended}, return_when=asyncio.FIRST_COMPLETED)
            for task in late:
                task.cancel()
        if said not in done:
            raise EOFError(path.stem)
    return output


def first(group: BaseException) -> BaseException:
    """Return the first single error of a group."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
