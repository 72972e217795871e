"""wpa_supplicant as a child of the phone: it ends with it, and speaks on a socket of its folder."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from ringfence.errors import ComponentError

PROGRAM = "wpa_supplicant"
CONTROL = "dot1x"
"""Folder of its control sockets, in the state folder; its configuration names the same."""
START_TIME = 5.0
"""Seconds within which it must answer."""
LOOK = 0.003
"""Seconds between two looks for its socket, which nobody announces."""
LARGEST = 8192
"""Bytes of one message."""
_ADMINISTRATORS = "/usr/local/sbin:/usr/sbin:/sbin"


class Supplicant:
    """A running wpa_supplicant, attached to: what happens arrives as messages, as answers do."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        # By this handle it is killed; Process.kill may take the exit status from who waits for it.
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._handle = os.pidfd_open(process.pid)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    @classmethod
    async def start(cls, state: Path, interface: str, configuration: str) -> "Supplicant":
        """Start it on an interface with a file of the state folder, and attach to it.

        It works in the state folder, where nothing that it writes is for anyone else's eyes.

        Raises:
            ComponentError: it is missing, or does not come up.

        """
        words = ("setpriv", "--pdeathsig", "KILL", "--", PROGRAM, "-Dwired", "-i", interface)
        null = asyncio.subprocess.DEVNULL
        path = f"{os.environ.get('PATH', os.defpath)}:{_ADMINISTRATORS}"
        for needed in (PROGRAM, words[0]):
            if shutil.which(needed, path=path) is None:
                raise ComponentError(needed, "is not installed")
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                *("-c", configuration),
                stdin=null,
                stdout=null,
                stderr=null,
                cwd=state,
                umask=0o077,
                env={"PATH": path},
            )
        except OSError as error:
            raise ComponentError(PROGRAM, error.strerror or str(error)) from error
        made = cls(process)
        try:
            await made._attach(state, interface)
        except BaseException:
            await made.kill()
            raise
        return made

    async def _attach(self, state: Path, interface: str) -> None:
        """Connect to its socket, by a short path: an address has 108 bytes at most."""
        handle = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._socket.bind("")
        try:
            async with asyncio.timeout(START_TIME):
                while True:
                    if self._process.returncode is not None:
                        raise ComponentError(PROGRAM, self._end())
                    try:
                        self._socket.connect(f"/proc/self/fd/{handle}/{CONTROL}/{interface}")
                        break
                    except (FileNotFoundError, ConnectionRefusedError):
                        await asyncio.sleep(LOOK)
        except TimeoutError:
            raise ComponentError(PROGRAM, f"no answer within {START_TIME:g} s") from None
        except OSError as error:
            raise ComponentError(PROGRAM, error.strerror or str(error)) from error
        finally:
            os.close(handle)
        self.send("ATTACH")

    def send(self, command: str) -> None:
        """Give a command; the answer arrives among the messages, where it is not lost.

        Raises:
            ComponentError: it is gone.

        """
        try:
            self._socket.send(command.encode())
        except BlockingIOError:
            return
        except OSError as error:
            raise ComponentError(PROGRAM, error.strerror or str(error)) from error

    async def receive(self) -> str:
        """Return the next message."""
        data = await asyncio.get_running_loop().sock_recv(self._socket, LARGEST)
        return data.decode(errors="replace")

    def waiting(self) -> Iterator[str]:
        """Yield the messages that have come already, without waiting for more."""
        with contextlib.suppress(OSError):  # none waits, or it is gone: `ended` tells
            while True:
                yield self._socket.recv(LARGEST).decode(errors="replace")

    async def ended(self) -> str:
        """Return how it ended, once it has."""
        await self._process.wait()
        return self._end()

    def _end(self) -> str:
        code = self._process.returncode or 0
        return f"ended by signal {-code}" if code < 0 else f"ended with exit status {code}"

    async def kill(self) -> None:
        """End it without a word to the switch, which keeps the port open."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.close(self._handle)
            self._handle = None
        self._socket.close()
        await self._process.wait()
