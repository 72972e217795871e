"""A phone's Egress on one wire with servers of any kind, and what they received."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import NetworkError, PolicyError
from ringfence.lab.namespaces import Namespace
from ringfence.policy.applications import PROVISIONING, Application, NameCheck
from ringfence.policy.tls import ClientCertificate, Trust, policy_for
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts
from tests.support.certificates import Pair, authority
from tests.support.tls_servers import Dnsmasq, Nginx, OpensslServer, RawServer, version

HOST, SERVER, OTHER = "pv.telco.test", "10.99.0.9", "10.99.0.77"
REQUEST = b"GET /secret-path HTTP/1.0\r\n\r\n"
RECORDS: dict[str, Sequence[str]] = {
    HOST: [SERVER],
    "liar.telco.test": [OTHER],
    "sprov.callme.com": [SERVER],
    "pv.telco.net": [SERVER],
    "prof.voice.com": [SERVER],
    "six.telco.test": ["fd99::9"],
    "xn--bcher-kva.telco.test": [SERVER],
}


class Ask(Struct, frozen=True):
    """One connection of the phone."""

    host: str = HOST
    application: Application = PROVISIONING
    names: NameCheck | None = None
    address: str = SERVER
    roots: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    client: tuple[str, str] | None = None
    domains: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    source_ports: tuple[int, int] | None = None
    timeout: float = 5.0
    resolvers: tuple[str, ...] = (SERVER,)
    named_by: str = "Profile_Rule"

    def target(self) -> Target:
        settings, errors = decode(dict(self.tags), Settings())
        assert not errors
        client = ClientCertificate(*self.client, "") if self.client else None
        facts = Facts(trust=Trust(self.roots, self.custom, self.lists), client=client)
        policy = policy_for(self.application, settings, facts, names=self.names)
        return Target(
            self.application,
            self.host,
            443,
            policy,
            domains=self.domains,
            resolvers=self.resolvers,
            source_ports=self.source_ports,
            named_by=self.named_by,
        )


Answer = tuple[str, str, str]
"""accepted, name, suite; or refused, rule, reason; or failed, nothing, reason."""


async def ask(asked: Ask) -> Answer:
    """Connect, and only when that succeeded, send the request and read."""
    egress = Egress(Host(Path()))
    try:
        stream = await egress.connect(asked.target(), asked.address, asked.timeout)
        await stream.write(REQUEST)
        await stream.finish(asked.timeout)
    except PolicyError as error:
        return "refused", error.rule, str(error)
    except NetworkError as error:
        return "failed", "", str(error)
    assert stream.secured
    return "accepted", stream.secured.matched, f"{stream.secured.version} {stream.secured.suite}"


@dataclass
class Bench:
    """A phone, and servers that can be of any kind."""

    phone: Namespace
    servers: Namespace
    folder: Path
    root: Pair

    def __post_init__(self) -> None:
        self.started: list[OpensslServer | Nginx | RawServer] = []

    def serve(self, certificate: Pair, *words: str, **options: Any) -> OpensslServer:
        server = OpensslServer(self.servers, self.folder, certificate, *words, **options)
        self.started.append(server)
        return server

    def nginx(self, server: str) -> Nginx:
        started = Nginx(self.servers, self.folder, server)
        self.started.append(started)
        return started

    def ask(self, asked: Ask) -> Answer:
        held = asked.roots or asked.custom
        trusting = asked if held else replace(asked, roots=(self.root.pem,))
        answer: Answer = self.phone.call(ask, trusting)
        return answer


@pytest.fixture
def dns(pair: tuple[Namespace, Namespace], component: list[str]) -> Iterator[Dnsmasq]:
    component.append(re.sub(r"\s+Copyright.*", "", version("dnsmasq", "--version")))
    server = Dnsmasq(pair[1], SERVER, RECORDS)
    yield server
    server.kill()


@pytest.fixture
def bench(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Bench]:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    made = Bench(*pair, tmp_path, authority())
    yield made
    for server in made.started:
        server.kill()


async def resolve(asked: Ask) -> tuple[str, ...]:
    try:
        found = await Egress(Host(Path())).resolve(asked.target())
    except PolicyError as error:
        return ("refused", error.reason)
    except NetworkError as error:
        return ("failed", str(error))
    return ("found", *found)
