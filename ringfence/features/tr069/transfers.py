"""Downloads that the ACS asked for, by the phone's own upgrade and resync."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ringfence.errors import ConfigError, RingfenceError
from ringfence.features.tr069.methods import FIRMWARE
from ringfence.features.tr069.record import Book, Transfer
from ringfence.protocols.cwmp.faults import LONGEST, TRANSFER_FAILURE
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between two tries where the phone is not ready: a call, an image on probation."""
PATIENCE = 3600.0
"""Seconds after which a download that could not begin has failed."""


async def transfer(world: World, book: Book, wanted: Transfer, over: Callable[[], None]) -> None:
    """Do one download, and note how it came out.

    An image that is started ends the phone's life; the next one asks again, and hears that the
    image runs, or why it was taken back. So an ACS is never told of a success that was none.
    """
    host = world.host
    if not wanted.started:
        wanted.started = host.wall()
        book.try_to_write()
    until = host.now() + PATIENCE
    fault = ""
    while host.now() < until:
        result, fault = await _try(world, wanted)
        if result == "success" and wanted.kind == FIRMWARE:
            return
        if result != "waiting":
            break
        await asyncio.sleep(LOOK)
    wanted.ended = host.wall()
    wanted.fault = TRANSFER_FAILURE if fault else 0
    wanted.reason = fault[:LONGEST]
    wanted.user = wanted.password = ""
    book.record.add("7 TRANSFER COMPLETE")
    book.record.add("M Download", wanted.command_key)
    book.try_to_write()
    logger.info("tr069.transfer: %s: %s", wanted.kind, fault or "done")
    over()


async def _try(world: World, wanted: Transfer) -> tuple[str, str]:
    """Return the result in a word, and why it failed; empty where it did not."""
    if not _ready(world, wanted.kind):
        return "waiting", "the phone was not ready for it"
    name = "upgrade" if wanted.kind == FIRMWARE else "resync"
    rule = wanted.url
    if wanted.user or wanted.password:
        rule = f'[--uid "{wanted.user}" --pwd "{wanted.password}"] {wanted.url}'
    try:
        told: Any = await world.commands.run(name, {"rule": rule})
    except ConfigError as error:
        waits = error.parameter == "upgrade"  # an image is on probation
        return ("waiting" if waits else "failure"), str(error)
    except RingfenceError as error:
        return "failure", str(error)
    result = str(told.get("result"))
    reason = str(told.get("reason", "")) if result in ("failure", "waiting") else ""
    return result, reason


def _ready(world: World, kind: str) -> bool:
    """Return whether no line has a call, which would make the download wait."""
    line = world.statuses().get("line")
    return not (line and line.data.get("calls"))
