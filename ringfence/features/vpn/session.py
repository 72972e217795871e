"""One run of openconnect: from its start to the end of the tunnel."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from ringfence.config.codecs import Secret
from ringfence.errors import ComponentError, RemoteProtocolError
from ringfence.protocols import openconnect
from ringfence.protocols.openconnect import Configured, Failure, Login, Report
from ringfence.runtime.host_child import dependent, program
from ringfence.runtime.host_program import Program

logger = logging.getLogger(__name__)

LOGIN = 15.0
"""Seconds that one address of the server has to give us a tunnel."""
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "RES_OPTIONS": "timeout:1 attempts:1",
}
"""Where a server sends us on to another one, whose name we did not look up, is not waited for."""


class Session:
    """openconnect at one address of the VPN server."""

    def __init__(self, login: Login, address: str, hold: Callable[[Configured], None]) -> None:
        """Take what to do with what the server gives; it may raise `ComponentError`."""
        self._login = login
        self._address = address
        self._hold = hold
        self._program: Program | None = None
        self._failure: Failure | None = None
        self.connected = False
        """Whether the tunnel is there now; packets wait while openconnect comes back to it."""
        self.was_connected = False

    async def run(self, password: Secret, interface: str, authorities: Path) -> Failure:
        """Connect, stay connected, and return why it ended.

        Raises:
            ComponentError: openconnect is not there.

        """
        import shutil  # only a tunnel pays for it

        binary = shutil.which("openconnect", path=_PATH)
        if binary is None:
            raise ComponentError("openconnect", "is not installed")
        started = await Program.start(
            lambda reports: self._words(binary, interface, authorities, reports),
            _ENVIRONMENT,
            password.reveal().encode() + b"\n",
            openconnect.LARGEST,
        )
        self._program = started
        try:
            async with asyncio.timeout(LOGIN) as clock, asyncio.TaskGroup() as group:
                group.create_task(started.listen())
                group.create_task(self._hear(started, clock))
                code = await started.ended()
        except TimeoutError:
            return Failure(f"the server gave no tunnel in {LOGIN:g} s")
        finally:
            self.connected = False
            await started.end()
        logger.debug("vpn.said: %s", " / ".join(map(openconnect.shown, started.said())))
        return self._failure or openconnect.failure(code, started.said(), self._login)

    async def end(self) -> None:
        """Take leave of the server; `run` returns then."""
        if self._program:
            await self._program.end()

    async def _hear(self, started: Program, clock: asyncio.Timeout) -> None:
        """Take the reports; what cannot be used ends the tunnel."""
        try:
            async for line in started.reports():
                told = openconnect.report(line)
                logger.info("vpn.%s", openconnect.shown(told.reason) or "told_nothing")
                if self._obey(told):
                    clock.reschedule(None)
        except (RemoteProtocolError, ComponentError, ValueError) as error:
            self._failure = Failure(f"what the server gave cannot be used: {error}")
            await started.end()

    def _obey(self, told: Report) -> bool:
        """Return whether the tunnel is there now."""
        if told.configured:
            self._hold(told.configured)
            self.connected = self.was_connected = True
        elif told.reason in ("attempt-reconnect", "disconnect"):
            self.connected = False
        return self.connected

    def _words(self, binary: str, interface: str, authorities: Path, reports: int) -> list[str]:
        import shlex

        script = shlex.join(program("ringfence.runtime.vpn_script", str(reports)))
        confined = dependent("ringfence.runtime.vpn_child", binary)
        said = openconnect.words(self._login, self._address, interface, str(authorities), script)
        return [*confined, *said]
