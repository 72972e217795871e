"""`ringfence provider serve`, and curl as a phone of the provider."""

from collections.abc import Iterator

import pytest

from tests.support.certificates import Pair, leaf
from tests.support.lease import Server
from tests.support.phone import RINGFENCE
from tests.support.provider_net import FIRST, NAME, PHONE, Net, versions


class Provider:
    """`ringfence provider serve`, and curl as a phone of the provider."""

    def __init__(self, net: Net, *options: str) -> None:
        self.net = net
        self.templates = net.folder / "templates"
        self.templates.mkdir(exist_ok=True)
        self.ca = net.folder / "ca"
        self.ca.mkdir(exist_ok=True)
        (self.ca / "client-root.crt").write_text(net.trust.devices.pem)
        leaf(net.trust.servers, dns=[NAME]).save(self.ca, "server")
        self.root = net.folder / "root.crt"
        self.root.write_text(net.trust.servers.pem)
        words = ("--dir", str(self.templates), "--ca-dir", str(self.ca), "--bind", FIRST)
        self.server = Server(
            net.servers, net.folder, *RINGFENCE, "provider", "serve", *words, *options
        )
        self.server.wait_for("provider.ready")

    def put(self, name: str, text: str) -> None:
        (self.templates / name).write_text(text)

    def ask(self, device: Pair | None, path: str, *words: str) -> tuple[str, str]:
        """Return status and body; status 000 where TLS came to nothing."""
        certificate: tuple[str, ...] = ()
        if device:
            crt, key = device.save(self.net.folder, "curl")
            certificate = ("--cert", crt, "--key", key)
        done = self.net.phone_space.run(
            *("curl", "-s", "--path-as-is", "--cacert", str(self.root), *certificate),
            *("--resolve", f"{NAME}:443:{FIRST}", "-w", "\n%{http_code}", *words),
            f"https://{NAME}{path}",
            check=False,
        )
        body, _, status = done.stdout.rpartition("\n")
        return status, body


@pytest.fixture
def provider(net: Net, component: list[str]) -> Iterator[Provider]:
    component.append(" ".join(versions("curl", "--version").split()[:2]))
    net.phone_space.address("eth0", f"{PHONE}/24")
    made = Provider(net)
    yield made
    made.server.stop()
