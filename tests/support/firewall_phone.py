"""A process that holds nothing but the firewall feature, under the real supervisor.

It is forked into a network namespace. One JSON object a line goes in, `{"set": {TAG: text},
"bound": {NAME: [[KIND, PORT]]}, "peers": [ADDRESS]}`, or "file" and its path instead of "set"; the
status comes back.
"""

import asyncio
import ctypes
import json
import os
import signal
import socket
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ringfence.config.cfgxml import read
from ringfence.config.settings import Settings, decode, virgin
from ringfence.config.snapshot import Origin, Snapshot, submit
from ringfence.features.firewall import FEATURE
from ringfence.lab.namespaces import Namespace, enter
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts
from ringfence.runtime.supervisor import Supervisor
from tests.support.firewall_model import CONNECTION_REQUESTS

Bound = Mapping[str, list[tuple[str, int]]]
CAPABILITIES_VERSION_3 = 0x20080522


class FirewallPhone:
    """The test's end of such a process."""

    def __init__(self, space: Namespace, *, capable: bool = True) -> None:
        self.space = space
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            _child(space, theirs, capable)
        theirs.close()
        self._pipe = ours.makefile("rw")
        ours.close()

    def set(self, bound: Bound | None = None, **texts: str) -> dict[str, Any]:
        """Apply settings, all others default, and return the status afterwards."""
        return self.apply(texts, bound)

    def apply(
        self, texts: Mapping[str, str], bound: Bound | None = None, peers: Sequence[str] = ()
    ) -> dict[str, Any]:
        return self._ask({"set": texts, "bound": bound or {}, "peers": [*peers]})

    def load(self, file: Path) -> dict[str, Any]:
        """Apply a cfg.xml to a virgin phone, and return the status afterwards."""
        return self._ask({"file": str(file), "bound": {}})

    def change_without_rest(self, many: Sequence[Mapping[str, str]]) -> None:
        """Have settings applied one after another, and do not wait for any."""
        requests = (json.dumps({"set": texts, "bound": {}}) for texts in many)
        self._pipe.write("\n".join(requests) + "\n")
        self._pipe.flush()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._pipe.write(json.dumps(request) + "\n")
        self._pipe.flush()
        line = self._pipe.readline()
        assert line, "the phone died"
        return dict(json.loads(line))

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
            self._pipe.close()


def _child(space: Namespace, pipe: socket.socket, capable: bool) -> None:
    try:
        enter(space.name)
        if not capable:
            header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION_3, 0)
            assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
        asyncio.run(_serve(pipe))
    except BaseException:  # noqa: BLE001 - the parent sees the end of the pipe
        traceback.print_exc()
    os._exit(0)


async def _serve(pipe: socket.socket) -> None:
    host = Host(Path())

    def build(spawn: Callable[[Coroutine[Any, Any, None]], None]) -> World:
        return cast(World, SimpleNamespace(host=host, spawn=spawn))

    reader, writer = await asyncio.open_connection(sock=pipe)
    async with asyncio.TaskGroup() as group:
        supervisor = Supervisor((FEATURE,), build, group)
        async for line in reader:
            request = json.loads(line)
            settings = _settings(request)
            bound = {
                name: frozenset((kind, port) for kind, port in ports)
                for name, ports in request["bound"].items()
            }
            facts = Facts(
                connection_request_port=CONNECTION_REQUESTS,
                bound=bound,
                peers={"line 1": frozenset(request.get("peers", ()))},
            )
            now = asyncio.get_running_loop().time()
            await supervisor.reconcile(settings, facts, now)
            status = supervisor.statuses()["firewall"]
            answer = {
                "health": status.health.value,
                "rows": dict(status.rows),
                "data": status.data,
            }
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        await supervisor.close()


def _settings(request: Mapping[str, Any]) -> Settings:
    if "file" in request:
        blank = Snapshot(virgin())
        document = read(Path(request["file"]).read_bytes())
        snapshot, errors = submit(blank, document.changes(blank), Origin.PROFILE)
        settings = snapshot.settings
    else:
        settings, errors = decode(request["set"], virgin())
    assert not errors, errors
    return settings
