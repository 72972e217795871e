"""A process that holds nothing but the firewall feature, under the real supervisor.

One JSON object a line comes in, `{"set": {TAG: text}, "bound": {NAME: [[KIND, PORT]]}}`; the
status goes out. Started by path inside a network namespace.
"""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ringfence.config.settings import decode, virgin
from ringfence.features.firewall import FEATURE
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts
from ringfence.runtime.supervisor import Supervisor


class FirewallPhone:
    """The test's end of such a process."""

    def __init__(self, space: Namespace, *prefix: str) -> None:
        self.space = space
        self.process = space.popen(
            *prefix,
            sys.executable,
            __file__,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def set(self, bound: Mapping[str, list[tuple[str, int]]] = {}, **texts: str) -> dict[str, Any]:
        """Apply settings, all others default, and return the status afterwards."""
        return self.apply(texts, bound)

    def apply(
        self, texts: Mapping[str, str], bound: Mapping[str, list[tuple[str, int]]] = {}
    ) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"set": texts, "bound": bound}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the phone died"
        return dict(json.loads(line))

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


async def main() -> None:
    host = Host(Path())

    def build(spawn: Callable[[Coroutine[Any, Any, None]], None]) -> World:
        return cast(World, SimpleNamespace(host=host, spawn=spawn))

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        supervisor = Supervisor((FEATURE,), build, group)
        async for line in reader:
            request = json.loads(line)
            settings, errors = decode(request["set"], virgin())
            assert not errors, errors
            bound = {
                name: frozenset((kind, port) for kind, port in ports)
                for name, ports in request["bound"].items()
            }
            await supervisor.reconcile(settings, Facts(bound=bound), loop.time())
            status = supervisor.statuses()["firewall"]
            answer = {
                "health": status.health.value,
                "rows": dict(status.rows),
                "data": status.data,
                "findings": [f.rule for f in FEATURE.plan(settings, Facts()).findings],
            }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        await supervisor.close()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    asyncio.run(main())
