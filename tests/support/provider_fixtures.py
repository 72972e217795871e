"""A phone and a provider's servers on one wire."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import Pair, leaf
from tests.support.lease import Server
from tests.support.provider_net import NAME, Fifo, Net, Nginx, versions

StartDnsmasq = Callable[..., Server]
StartNginx = Callable[..., Nginx]


@pytest.fixture
def net(namespaces: Callable[[str], Namespace], tmp_path: Path) -> Iterator[Net]:
    """Return the wire; the phone has a device certificate, and no server runs yet."""
    made = Net(namespaces("phone"), namespaces("servers"), tmp_path)
    made.become(made.trust.device())
    yield made
    made.stop()


@pytest.fixture
def dnsmasq(net: Net, component: list[str]) -> StartDnsmasq:
    """Start dnsmasq with the lines that are given."""
    component.append("dnsmasq " + versions("dnsmasq", "--version").split()[2])
    return net.dnsmasq


@pytest.fixture
def nginx(net: Net, component: list[str]) -> StartNginx:
    """Start nginx, by default with the right certificate."""
    component.append(versions("nginx", "-v").rpartition(": ")[2])

    def start(
        name: str = "nginx", certificate: Pair | None = None, *words: str, **options: str
    ) -> Nginx:
        held = certificate or leaf(net.trust.servers, dns=[NAME])
        return net.nginx(name, held, *words, **options)

    return start


@pytest.fixture
def rsyslog(net: Net, component: list[str]) -> Fifo:
    """Start rsyslog; return what it receives."""
    component.append(" ".join(versions("rsyslogd", "-v").split()[:2]))
    return net.rsyslog()
