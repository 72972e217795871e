"""A phone's address feature on a wire with dnsmasq, Kea, or a server that lies."""

import os
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ringfence.lab.namespaces import Namespace, link
from ringfence.protocols.dhcp import Lease
from tests.support.lease import (
    Dnsmasq,
    Kea,
    Liar,
    addressed,
    starting,
)

Start = Callable[..., Dnsmasq]

LONG_URL = "https://prov.tele.test/" + "long/" * 41 + "$MA.xml"
EVERY_SOURCE = (
    'dhcp-option-force=66,"tftp.tele.test"',
    'dhcp-option-force=160,"https://prov.tele.test/$MA.xml"',
    'dhcp-option-force=159,"prov159.tele.test"',
    "dhcp-option-force=150,10.99.1.10,10.99.1.11",
    'dhcp-option-force=encap:43,1,"http://acs43.tele.test:7547/acs"',
    'dhcp-option-force=vi-encap:3561,1,"http://acs125.tele.test:7547/acs"',
)

STATIC = {"Connection_Type": "Static IP", "Static_IP": "10.99.1.77", "NetMask": "255.255.255.0"}


class Wire(NamedTuple):
    phone: Namespace
    server: Namespace


@pytest.fixture
def wire(namespaces: Callable[[str], Namespace]) -> Wire:
    """Return a phone without an address and a server at 10.99.1.1, on one wire."""
    made = Wire(namespaces("phone"), namespaces("server"))
    link(made.phone, "eth0", made.server, "eth0")
    made.server.address("eth0", "10.99.1.1/24")
    return made


@pytest.fixture
def dnsmasq(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Start]:
    out = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True, check=True)
    component.append("dnsmasq " + out.stdout.split()[2])
    with starting(lambda *lines: Dnsmasq(wire.server, tmp_path, *lines)) as start:
        yield start


@pytest.fixture
def kea(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Kea]]:
    out = subprocess.run(["kea-dhcp4", "-v"], capture_output=True, text=True, check=True)
    component.append("Kea " + out.stdout.strip())
    with starting(lambda options, **subnet: Kea(wire.server, tmp_path, options, **subnet)) as start:
        yield start


@pytest.fixture
def liar(wire: Wire, tmp_path: Path) -> Iterator[Callable[..., Liar]]:
    with starting(lambda *offers: Liar(wire.server, tmp_path, *offers)) as start:
        yield start


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def get_lease(space: Namespace, state: Path, **texts: str) -> Lease:
    """Return the lease that a phone with these parameters publishes."""

    async def scenario() -> Lease:
        async with addressed(state, known=None, **texts) as phone:
            return await phone.bound()

    lease: Lease = space.call(scenario)
    return lease


class Watch:
    """Every change of an IPv4 address, as ip(8) prints them."""

    def __init__(self, space: Namespace) -> None:
        self._space = space
        self._process = space.popen("ip", "-4", "monitor", "address", stdout=subprocess.PIPE)
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._out = self._process.stdout
        self._seen = b""
        while not select.select([self._out], [], [], 0.05)[0]:
            self._touch()

    def _touch(self) -> None:
        self._space.run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
        self._space.run("ip", "addr", "del", "192.0.2.1/32", "dev", "lo")

    def until(self, text: bytes) -> bytes:
        """Return what was printed until `text`."""
        while text not in self._seen:
            assert select.select([self._out], [], [], 15)[0], self._seen
            self._seen += self._out.read()
        return self._seen

    def of_eth0(self) -> bytes:
        """Return every line about eth0 so far."""
        self._space.run("ip", "addr", "add", "192.0.2.2/32", "dev", "lo")
        lines = self.until(b"192.0.2.2").splitlines()
        return b"\n".join(line for line in lines if b"eth0" in line)

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def watch(wire: Wire) -> Iterator[Callable[[], Watch]]:
    started: list[Watch] = []

    def start() -> Watch:
        started.append(Watch(wire.phone))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def get_source(space: Namespace, state: Path, **texts: str) -> dict[str, Any]:
    """Return what the phone shows as the source of its profile."""

    async def scenario() -> Any:
        async with addressed(state, known=None, **texts) as phone:
            await phone.bound()
            return phone.status().data["lease"]

    lease: dict[str, dict[str, Any]] = space.call(scenario)
    return lease["profile_source"]
