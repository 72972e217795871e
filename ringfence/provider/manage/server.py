"""The management listener: a port of its own, in a process of its own."""

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from ringfence.errors import ComponentError
from ringfence.provider import listener, metrics, tls
from ringfence.provider.authority import certificate
from ringfence.provider.inventory.database import Inventory
from ringfence.provider.manage.api import Api
from ringfence.provider.manage.app import App
from ringfence.provider.manage.entrance import Entrance
from ringfence.provider.manage.page import Page
from ringfence.provider.server import Files
from ringfence.provider.tally import Tallies

_CONNECTION: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": 15.0,
    "lingering_time": 1.0,
    "max_field_size": 8190,
}


class Management:
    """The page, the API and the metrics of an inventory.

    Raises:
        ComponentError: a file or the port cannot be used.

    """

    def __init__(
        self, files: Files, where: tuple[str, int], inventory: Path, tallies: Tallies
    ) -> None:
        self._inventory = inventory
        self._tallies = tallies
        self._tls = tls.context(files.certificate, files.key)
        self._ends = int(certificate(files.certificate).not_valid_after_utc.timestamp())
        address, port = where
        try:
            self._sockets = listener.listen(address, port)
        except (OSError, OverflowError) as error:
            said = error.strerror if isinstance(error, OSError) else None
            raise ComponentError(f"tcp {address}:{port}", said or str(error)) from error

    @property
    def where(self) -> str:
        """Return where connections are taken."""
        address, port = self._sockets[0].getsockname()[:2]
        return f"https://{f'[{address}]' if ':' in address else address}:{port}/"

    async def serve(self) -> None:
        """Serve until cancelled.

        Raises:
            ComponentError: the inventory cannot be used.

        """
        inventory = Inventory(self._inventory)
        entrance = Entrance(inventory, time.monotonic)
        api = Api(inventory, lambda: metrics.text(inventory, self._tallies.totals(), self._ends))
        app = App(api, entrance, Page(inventory, entrance)).application()
        runner = web.AppRunner(app)
        await runner.setup()
        guest = partial(_Connection, cast(web.Server, runner.server))
        try:
            await listener.accept(self._sockets, self._tls, guest)
        finally:
            await runner.cleanup()
            inventory.close()


class _Connection(web.RequestHandler):
    """One connection; what is no HTTP is answered without a word about why."""

    def __init__(self, server: web.Server, remote: str) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **_CONNECTION)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer in one line; an error of ours is logged in full."""
        if status >= 500:
            self.logger.error("provider.manage: an error of ours", exc_info=exc)
        response = web.Response(status=status, text=f"{status}\n")
        response.force_close()
        return response
