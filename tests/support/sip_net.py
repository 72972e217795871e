"""Several registrars of one provider, and the DNS that leads to them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import Pair, authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.lease import Server
from tests.support.tls_servers import version

DOMAIN = "telco.test"
PHONE, DNS, FIRST, SECOND, THIRD = (f"10.99.0.{n}" for n in (2, 8, 9, 10, 11))
FIRST_V6, SECOND_V6 = "fd99::9", "fd99::10"
USERS = {"1001": "pw1001", "1002": "pw1002"}
ROOT = authority()
LINE = {
    "Proxy_1_": DOMAIN,
    "User_ID_1_": "1001",
    "Password_1_": "pw1001",
    "Primary_DNS": DNS,
    "SIP_IP_Preference": "IPv4",
}


class Provider:
    """A namespace with a DNS server and registrars, each at an address of its own."""

    def __init__(self, space: Namespace, folder: Path, component: list[str]) -> None:
        self.space = space
        self._folder = folder
        self._component = component
        self._dns: list[Server] = []
        self.registrars: list[Kamailio] = []
        space.address("eth0", *(f"{address}/24" for address in (DNS, SECOND, THIRD)))
        space.address("eth0", f"{SECOND_V6}/64")

    def zone(self, *lines: str) -> Server:
        """Answer DNS with these lines of dnsmasq's configuration, and no others any more."""
        for server in self._dns:
            server.stop()
        configuration = self._folder / "dnsmasq.conf"
        own = (f"listen-address={DNS}", "bind-interfaces", "user=root", "pid-file=", "no-hosts")
        quiet = ("no-resolv", "local=/test/", "log-queries", "log-facility=-")
        configuration.write_text("".join(f"{line}\n" for line in (*own, *quiet, *lines)))
        server = Server(self.space, self._folder, "dnsmasq", "-k", f"-C{configuration}")
        server.wait_for("started")
        self._dns.append(server)
        self._component.append(version("dnsmasq", "--version").split("  ")[0].strip())
        return server

    def registrar(
        self, address: str = FIRST, certificate: Pair | None = None, **more: object
    ) -> Kamailio:
        """Start a registrar; its certificate is good for the domain unless another is given."""
        folder = self._folder / f"registrar-{len(self.registrars)}"
        folder.mkdir()
        pair = certificate or leaf(ROOT, dns=[DOMAIN])
        crt, key = map(Path, pair.save(folder, "sip"))
        named: Mapping[str, object] = {"domain": DOMAIN, "users": USERS, **more}
        registrar = Registrar(address, certificate=crt, key=key, **named)  # type: ignore[arg-type]
        started = Kamailio(self.space, folder, registrar)
        self._component.append(started.version())
        self.registrars.append(started)
        return started

    def close(self) -> None:
        for server in self._dns:
            server.stop()
        for registrar in self.registrars:
            registrar.close()


def naptr(order: int, service: str, preference: int = 10) -> str:
    """Return a line of dnsmasq for a NAPTR record of the domain."""
    names = {"SIPS+D2T": "_sips._tcp", "SIP+D2T": "_sip._tcp", "SIP+D2U": "_sip._udp"}
    replacement = f"{names[service]}.{DOMAIN}"
    return f"naptr-record={DOMAIN},{order},{preference},s,{service},,{replacement}"


def srv(service: str, host: str, port: int, priority: int = 0, weight: int = 0) -> str:
    """Return a line of dnsmasq for an SRV record."""
    return f"srv-host={service}.{DOMAIN},{host},{port},{priority},{weight}"


@pytest.fixture
def provider(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Provider]:
    made = Provider(pair[1], tmp_path, component)
    yield made
    made.close()
