"""Squid on the provider's wire, and what its access log says."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from msgspec import Struct

from ringfence.lab import squid
from ringfence.lab.namespaces import Namespace
from ringfence.lab.squid import Proxy
from tests.support.lease import Server
from tests.support.provider_net import FIRST, NAME, SECOND, Fifo, Net, versions

HOST = "proxy.telco.test"
USER, PASSWORD = "phone", "a secret: of the proxy"


class Asked(Struct, frozen=True):
    """A line of the access log."""

    client: str
    status: int
    method: str
    url: str
    user: str


class Squid:
    """A running Squid; its server side has an address of its own."""

    def __init__(self, space: Namespace, folder: Path, proxy: Proxy) -> None:
        folder.mkdir()
        self._access = Fifo(folder / "access.log")
        self._access.path.chmod(0o666)
        self._hosts = Path(proxy.hosts)
        words = squid.render(folder, proxy)
        self.server = Server(space, folder, *words)
        self.server.wait_for(squid.READY)

    def asked(self, count: int) -> list[Asked]:
        """Return the lines of the log, as soon as there are so many."""
        lines = self._access.wait_for("\n", count) if count else []
        return [_read(line) for line in lines]

    def knows(self, names: Mapping[str, str]) -> None:
        """Have it know more names; it reads them anew."""
        held = (line.split() for line in self._hosts.read_text().splitlines())
        known = {name: address for address, name in held} | dict(names)
        self._hosts.write_text("".join(f"{address} {name}\n" for name, address in known.items()))
        self.server.reload()
        self.server.wait_for(squid.READY, self.server.logged(squid.READY) + 1)

    def stop(self) -> None:
        self.server.stop()
        self._access.close()


def _read(line: str) -> Asked:
    found = re.fullmatch(squid.ACCESS, line)
    assert found, line
    return Asked(
        found["client"], int(found["status"]), found["method"], found["url"], found["user"]
    )


StartSquid = Callable[..., Squid]


@pytest.fixture
def proxy(net: Net, component: list[str]) -> Iterator[StartSquid]:
    """Start a Squid at `SECOND`, port 3128, that knows the provider's server.

    Its folder is in the sandbox's own /run, because the user that Squid becomes may not enter
    those of a test.
    """
    component.append(versions("squid", "-v").replace("Squid Cache: Version", "Squid"))
    folder = Path("/run") / net.servers.name
    folder.mkdir()
    hosts = folder / "hosts"
    hosts.write_text(f"{FIRST} {NAME}\n")
    started: list[Squid] = []

    def start(login: str = "", *rules: str, address: str = SECOND) -> Squid:
        name = f"{net.servers.name.replace('-', '')}n{len(started)}"
        told = Proxy(name, address, str(hosts), login, {USER: PASSWORD}, rules)
        started.append(Squid(net.servers, folder / name, told))
        return started[-1]

    yield start
    for one in started:
        one.stop()
    shutil.rmtree(folder)
