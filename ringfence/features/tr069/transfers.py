"""Downloads that the ACS asked for, by the phone's own upgrade and resync."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ringfence.errors import ConfigError, RingfenceError
from ringfence.features.tr069.methods import FIRMWARE
from ringfence.features.tr069.record import Book, Transfer
from ringfence.policy.tls import HANDSHAKE
from ringfence.protocols.cwmp import faults
from ringfence.runtime.feature import World

logger = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between two tries where the phone is not ready: a call, an image on probation."""
PATIENCE = 3600.0
"""Seconds after which a download that could not begin has failed."""
FAULTS = {
    "login-refused": faults.TRANSFER_LOGIN_REFUSED,
    "no-answer": faults.SERVER_UNREACHABLE,
    HANDSHAKE: faults.SERVER_UNREACHABLE,
    "file-refused": faults.FILE_INACCESSIBLE,
    "answer-unreadable": faults.TRANSFER_BROKEN_OFF,
    "file-unreadable": faults.FILE_CORRUPTED,
    "image-tampered": faults.FILE_CORRUPTED,
    "image-size": faults.FILE_CORRUPTED,
    "image-unusable": faults.FILE_CORRUPTED,
    "image-unsigned": faults.FILE_NOT_AUTHENTIC,
    "image-metadata": faults.FILE_NOT_AUTHENTIC,
    "image-replayed": faults.FILE_NOT_AUTHENTIC,
    "image-expired": faults.FILE_NOT_AUTHENTIC,
}
"""`{rule of the error: fault}`; any other is a failure that has no fault of its own."""
WAITING = ("waiting", "", "")
_Told = tuple[str, str, str]
"""The result in a word, why it failed, and the rule of that error."""


async def transfer(world: World, book: Book, wanted: Transfer, over: Callable[[], None]) -> None:
    """Do one download, and note how it came out.

    An image that is started ends the phone's life; the next one looks how its probation ends. So
    an ACS is never told of a success that was none.
    """
    host = world.host
    if not wanted.started:
        wanted.started = host.wall()
        book.try_to_write()
    until = host.now() + PATIENCE
    reason = rule = ""
    while host.now() < until:
        if wanted.version:
            result, reason, rule = _probation(world)
        else:
            result, reason, rule = await _try(world, wanted)
            if wanted.version:
                book.try_to_write()
                return  # the phone restarts
        if result != "waiting":
            break
        await asyncio.sleep(LOOK)
    else:
        reason = reason or "the phone was not ready for it"
    if wanted not in book.record.transfers:
        return  # another ACS took over
    wanted.ended = host.wall()
    wanted.fault = FAULTS.get(rule, faults.TRANSFER_FAILURE) if reason else 0
    wanted.reason = reason[: faults.LONGEST]
    wanted.user = wanted.password = ""
    book.record.add("7 TRANSFER COMPLETE")
    book.record.add("M Download", wanted.command_key)
    book.try_to_write()
    logger.info("tr069.transfer: %s: %s", wanted.kind, reason or "done")
    over()


async def _try(world: World, wanted: Transfer) -> _Told:
    """Fetch the file and use it; an image that is installed leaves its version."""
    if not _ready(world):
        return WAITING
    name = "upgrade" if wanted.kind == FIRMWARE else "resync"
    rule = wanted.url
    if wanted.user or wanted.password:
        rule = f'[--uid "{wanted.user}" --pwd "{wanted.password}"] {wanted.url}'
    try:
        told: Any = await world.commands.run(name, {"rule": rule})
    except ConfigError as error:
        waits = error.parameter == "upgrade"  # an image is on probation
        return ("waiting" if waits else "failure"), str(error), error.rule
    except RingfenceError as error:
        return "failure", str(error), error.rule
    result = str(told.get("result"))
    if result == "success" and wanted.kind == FIRMWARE:
        wanted.version = str(told.get("version"))
    reason = str(told.get("reason", "")) if result in ("failure", "waiting") else ""
    return result, reason, str(told.get("rule", ""))


def _probation(world: World) -> _Told:
    """Return how the probation of the image came out that the phone was started with."""
    status = world.statuses().get("upgrade")
    outcome: Any = status.data.get("outcome") if status else None
    if not outcome:
        return WAITING
    back = f"{outcome['version']} was taken back: {outcome['reason']}" if outcome["reason"] else ""
    return ("failure" if back else "success"), back, ""


def _ready(world: World) -> bool:
    """Return whether no line has a call, which would make the download wait."""
    line = world.statuses().get("line")
    return not (line and line.data.get("calls"))
