"""A phone's IPv6 feature on a wire with Kea and radvd."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ringfence.features.ipv6 import FEATURE, driver
from ringfence.lab.namespaces import Namespace, link
from ringfence.protocols.dhcpv6 import Lease6
from tests.support.lease import Addressed, addressed, starting
from tests.support.lease6 import SERVER, Kea6, Radvd

MAC = "02:00:00:00:aa:01"
PORT, BRIDGE = "eth0", "br0"
FORMED = "fd00:99:1:0:0:ff:fe00:aa01"
"""What that hardware forms. Source: RFC 4291 appendix A."""
RAPID = {"rapid-commit": True}
URL = "https://prov6.tele.test/$MA.xml"


class Wire(NamedTuple):
    phone: Namespace
    server: Namespace
    interface: str


@pytest.fixture
def wire(
    namespaces: Callable[[str], Namespace],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Wire:
    """Return a phone without a global address and a server at fd00:99:1::1, on one wire.

    With `br0` as its parameter a computer hangs behind the phone, and keeps its bridge awake.
    """
    interface = getattr(request, "param", PORT)
    bridged = interface == BRIDGE
    monkeypatch.setattr(driver, "HEAD_START", 0.0)  # here is no IPv4 that could go first
    made = Wire(namespaces("phone"), namespaces("server"), interface)
    for space in made[:2]:  # a second less for each test; one of them looks for duplicates
        space.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0")
    link(made.phone, "net" if bridged else PORT, made.server, PORT)
    if bridged:
        made.phone.run("ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
        link(made.phone, "pcp", namespaces("pc"), PORT)
        for port in ("net", "pcp"):
            made.phone.run("ip", "link", "set", port, "master", BRIDGE)
    made.phone.run("ip", "link", "set", interface, "down", "address", MAC)
    made.phone.run("ip", "link", "set", interface, "up")
    made.server.address("eth0", f"{SERVER}/64")
    return made


@pytest.fixture
def radvd(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Radvd]]:
    out = subprocess.run(["radvd", "-v"], capture_output=True, text=True, check=False)
    component.append("radvd " + (out.stdout + out.stderr).split()[1])
    with starting(lambda **flags: Radvd(wire.server, tmp_path, **flags)) as start:
        yield start


@pytest.fixture
def kea(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Kea6]]:
    out = subprocess.run(["kea-dhcp6", "-v"], capture_output=True, text=True, check=True)
    component.append("Kea " + out.stdout.strip())
    with starting(
        lambda *options, **subnet: Kea6(wire.server, tmp_path, list(options), **subnet)
    ) as start:
        yield start


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


async def informed(phone: Addressed) -> Lease6:
    """Return what the phone knows once a server answered and it has an address."""
    await phone.until(
        lambda: phone.facts.lease6 and phone.facts.lease6.address and phone.facts.lease6.server
    )
    assert phone.facts.lease6
    return phone.facts.lease6


class Seen(NamedTuple):
    lease: Lease6
    rows: dict[str, str]
    data: dict[str, Any]
    log: list[str]


def get(space: Namespace, state: Path, **texts: str) -> Seen:
    """Return what a phone with these parameters knows and shows."""

    async def scenario() -> Seen:
        async with addressed(state, FEATURE, known=None, **texts) as phone:
            told = await informed(phone)
            status = phone.status()
            data: Any = status.data["lease"]
            return Seen(told, dict(status.rows), data, phone.log)

    seen: Seen = space.call(scenario)
    return seen
