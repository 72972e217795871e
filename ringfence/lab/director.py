"""Inside the lab: boot it step by step, tell the story, then watch until told to stop."""

import asyncio
import contextlib
import json
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.errors import RingfenceError
from ringfence.lab.boot import Boot
from ringfence.lab.breaks.breaker import Breaker
from ringfence.lab.crew import Crew, first
from ringfence.lab.door import serve
from ringfence.lab.launch import MESSAGE, STAY, Order
from ringfence.lab.proofs import Step, StepError

STEP_TIME = 25.0
"""Seconds after which a step counts as failed."""


def direct(channel: socket.socket, door: socket.socket) -> int:
    """Boot the lab and keep it until SIGTERM, or until the launcher is gone too early."""
    channel.setblocking(False)
    return asyncio.run(Director(channel, door).run())


class Director:
    """Runs the steps and speaks with the launcher."""

    def __init__(self, channel: socket.socket, door: socket.socket) -> None:
        self._channel = channel
        self._door = door
        self._began = time.monotonic()
        self._over = asyncio.Event()

    async def run(self) -> int:
        """Boot, stay, stop the phone in order; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        data = await loop.sock_recv(self._channel, MESSAGE)
        if not data:
            return 1
        order = Order(**json.loads(data))
        async with asyncio.TaskGroup() as group:
            crew = Crew(Path(order.folder, "log"), group)
            boot = Boot(order, crew, self._door)
            breaker = Breaker(crew, boot.daemons, boot.state)
            works = (self._boot(boot), self._listen(), serve(Path(order.folder), breaker.answer))
            tasks = [group.create_task(work) for work in works]
            await self._over.wait()
            breaker.end()
            for task in tasks:
                task.cancel()
            await crew.stop_all("phone")
        return 0

    async def _listen(self) -> None:
        """Stop where the launcher goes away without having said that the lab may stay."""
        said = await asyncio.get_running_loop().sock_recv(self._channel, MESSAGE)
        if said != STAY:
            self._over.set()

    async def _boot(self, boot: Boot) -> None:
        stays = False
        for name, step in boot.steps():
            good = await self._step(name, step, boot)
            stays = stays or name == "phone"
            if not good:
                await self._say({"good": False, "stays": stays})
                return
        await self._say({"good": True, "stays": True})

    async def _step(self, name: str, step: Step, boot: Boot) -> bool:
        told: dict[str, Any] = {"step": name, "ok": False, "data": {}}
        try:
            async with asyncio.timeout(STEP_TIME):
                told |= {"ok": True, "data": await step()}
        except* TimeoutError:
            told["reason"] = f"nothing within {STEP_TIME:g} s{boot.hint(name)}"
        except* EOFError as ended:
            told["reason"] = f"{first(ended)} ended{boot.hint(name)}"
        except* (StepError, RingfenceError, RuntimeError, OSError) as group:
            told["reason"] = f"{first(group)}{boot.hint(name)}"
        told["seconds"] = round(time.monotonic() - self._began, 3)
        await self._say(told)
        return bool(told["ok"])

    async def _say(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the launcher is gone; _listen notices
            await asyncio.get_running_loop().sock_sendall(
                self._channel, json.dumps(message).encode()
            )
