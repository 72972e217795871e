"""The tunnel at a real server: ocserv's view, the kernel's routes, and the wire."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import version
from ringfence.lab.namespaces import Namespace
from tests.support.vpn_net import INSIDE, NAME, POOL, SERVER, USER, VpnNet, connected


@pytest.fixture
def net(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[VpnNet]:
    component.append(f"ocserv {version(('ocserv', '--version'))}")
    component.append(f"openconnect {version(('openconnect', '--version'))}")
    made = VpnNet(namespaces("phone"), namespaces("servers"), tmp_path)
    yield made
    made.close()


@pytest.mark.proves("VPN-01", "VPN-02")
@pytest.mark.parametrize("server", [NAME, SERVER])
def test_the_phone_connects_by_name_and_by_address(net: VpnNet, server: str) -> None:
    net.dnsmasq()
    vpn = net.ocserv()
    status = connected(net.phone(VPN_Server=server))
    (user,) = vpn.users()
    assert (user["Username"], user["IPv4"]) == (USER, status["address"])
    assert status["address"].startswith(POOL)
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)
