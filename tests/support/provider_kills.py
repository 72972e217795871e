"""Processes that change an inventory, or take uploads, and are killed in the middle."""

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select

from ringfence.provider.inventory import devices
from ringfence.provider.inventory.database import Inventory
from ringfence.provider.inventory.schema import HISTORY
from tests.support.provider_net import FIRST, NAME
from tests.support.provider_server import Provider
from tests.support.provider_stock import Stock

WRITER = """
import sys
from pathlib import Path
from ringfence.provider.inventory import devices
from ringfence.provider.inventory.database import Inventory
inventory = Inventory(Path(sys.argv[1]))
with inventory.reading() as connection:
    first = inventory.generation(connection)
print("ready", flush=True)
for number in range(first + 1, first + 10_000):
    with inventory.changing("me", "device set", str(number)) as connection:
        for mac in range(20):
            devices.put(connection, devices.Device(f"{mac:012x}", str(number)))
    print(number, flush=True)
"""
"""Gives twenty devices one name after another, each in one change, and says what is kept."""


def kill_a_writer(data: Path, chosen: random.Random) -> int:
    """Start a writer, kill it at some moment; return the last change that it acknowledged."""
    words = (sys.executable, "-c", WRITER, str(data))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        with suppress(subprocess.TimeoutExpired):
            process.wait(chosen.uniform(0.0, 0.2))
        process.kill()
        return max(map(int, process.stdout.read().split()), default=0)


def look_at_what_is_kept(data: Path, acknowledged: int) -> None:
    """Find every change whole: its devices, its line of history, its number."""
    inventory = Inventory(data)
    with inventory.reading() as connection:
        names = {each.device.name for each in devices.listed(connection)}
        generation = inventory.generation(connection)
        lines = connection.execute(select(HISTORY.c.number, HISTORY.c.subject)).all()
    inventory.close()
    assert generation >= acknowledged
    assert sorted(number for number, _ in lines) == list(range(1, generation + 1))
    assert names == ({str(generation)} if generation else set())


def workers_of(provider: Provider) -> list[int]:
    """Return the process ids of the workers, below what `ip netns exec` or the sandbox made."""
    found, todo = [], [provider.server.process.pid]
    while todo:
        pid = todo.pop()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        todo += map(int, below)
        if not below:
            found.append(pid)
    return found


class Sender:
    """curl, which sends one file again and again."""

    def __init__(self, made: Stock, count: int, size: int) -> None:
        self._made, folder = made, made.provider.net.folder
        self.body = folder / "body"
        self.body.write_bytes(os.urandom(size))
        crt, key = made.device.save(folder, "curl")
        urls = folder / "urls"
        pair = f'url = "https://{NAME}/{{}}"\nupload-file = "{self.body}"\n'
        urls.write_text("".join(pair.format(number) for number in range(count)))
        words: tuple[str, ...] = (
            "curl",
            "-s",
            "--cacert",
            str(made.provider.root),
            "--cert",
            crt,
            "--key",
            key,
        )
        words = (*words, "--resolve", f"{NAME}:443:{FIRST}", "-K", str(urls))
        self._words = (*words, "-w", "%{http_code}\n", "-o", "/dev/null")

    def send(self, chosen: random.Random) -> tuple[int, int]:
        """Send while a worker is killed; return how often 201 was said, and how many were killed.

        The kill comes at some moment after the first acknowledgement.
        """
        space = self._made.provider.net.phone_space
        with space.popen(*self._words, stdout=subprocess.PIPE, text=True) as curl:
            assert curl.stdout
            lines = [curl.stdout.readline()]
            with suppress(subprocess.TimeoutExpired):
                curl.wait(chosen.uniform(0.0, 0.1))
            killed = 0
            for pid in workers_of(self._made.provider):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            lines += curl.stdout.readlines()
        return lines.count("201\n"), killed

    def look_at_what_is_kept(self, acknowledged: int) -> None:
        """Find every upload whole, and as many as were acknowledged, of which ten stay."""
        kept = self._made.sent()
        assert len(kept) >= min(acknowledged, 10)
        assert {each["size"] for each in kept} <= {self.body.stat().st_size}
        assert len({each["sha256"] for each in kept}) <= 1
        if kept:
            out = self._made.provider.net.folder / "out"
            self._made.say("upload", "get", str(kept[0]["id"]), "-o", str(out))
            assert out.read_bytes() == self.body.read_bytes()
