"""A signed image that is fetched through the tunnel builds it anew after its start."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import version
from ringfence.lab.namespaces import Namespace
from tests.support.firmware import Publisher, image
from tests.support.lease import Server
from tests.support.upgrade_phone import started
from tests.support.vpn_net import (
    INSIDE,
    LEASE,
    TUNNEL,
    VpnNet,
    connected,
    noise,
    openconnects,
    until,
)


@pytest.fixture
def net(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[VpnNet]:
    component.append(f"ocserv {version(('ocserv', '--version'))}")
    component.append(f"openconnect {version(('openconnect', '--version'))}")
    made = VpnNet(namespaces("phone"), namespaces("servers"), tmp_path)
    yield made
    made.close()


@pytest.mark.proves("VPN-04")
def test_an_image_connects_with_programs_of_its_own(net: VpnNet, tmp_path: Path) -> None:
    publisher, shelf = Publisher(tmp_path / "ca"), net.folder / "firmware"
    publisher.publish(shelf, image("9.9"))
    publisher.trust(shelf, net.state)
    net.dnsmasq()
    vpn = net.ocserv()
    words = ("-u", "-m", "http.server", "8080", "--bind", INSIDE, "--directory", str(shelf))
    web = Server(net.servers, net.folder, sys.executable, *words)
    net.at_end(web.stop)
    web.wait_for("Serving HTTP")
    phone = net.phone(Upgrade_Rule=f"http://{INSIDE}:8080/new.pyz")
    phone.wait_for("vpn.connected", 2)
    assert started(phone) == "firmware-a.pyz"
    assert connected(phone)["connection"] == "Connected"
    until(lambda: len(vpn.users()) == 1, "the first session is over")
    (program,) = openconnects(phone)
    assert b"firmware-a.pyz" in Path(f"/proc/{program}/cmdline").read_bytes()
    net.wire.seen()
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL, *LEASE) == set()
