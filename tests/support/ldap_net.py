"""A phone's directory feature in a namespace, and directories on the same wire."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pytest

from ringfence.errors import RingfenceError
from ringfence.features.ldap import FEATURE
from ringfence.lab import slapd
from ringfence.lab.namespaces import Namespace
from ringfence.lab.slapd import BASE, CLIENT_DN, USER, Slapd, Someone
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts
from tests.support.certificates import Pair, authority, leaf
from tests.support.lease import Server, addressed
from tests.support.slapd import PASSWORD, Directory, version

SECURE, PLAIN, LIAR, BOX = "10.99.0.9", "10.99.0.10", "10.99.0.11", "10.99.0.12"
"""Addresses of a slapd with TLS, of one without, of a server that lies, and of a box between."""
PHONE = "10.99.0.2"
KNOWN = {
    "LDAP_Dir_Enable": "Yes",
    "LDAP_Search_Base": BASE,
    "LDAP_Client_DN": CLIENT_DN,
    "LDAP_User_Name": USER,
    "LDAP_Password": PASSWORD,
}

Told = Mapping[str, Any]


class Wire:
    """The phone's side, and what is on the other."""

    def __init__(self, phone: Namespace, servers: Namespace, folder: Path) -> None:
        self.phone, self.servers, self.folder = phone, servers, folder
        self.root = authority("Provider Root")
        servers.address("eth0", *(f"{one}/24" for one in (PLAIN, LIAR, BOX)))
        self._stops: list[Callable[[], object]] = []

    def pair(self, *, ips: tuple[str, ...] = (SECURE,), issuer: Pair | None = None) -> Pair:
        """Return a certificate, by default the right one for the slapd with TLS."""
        return leaf(issuer or self.root, ips=list(ips), cn="dir")

    def slapd(
        self,
        address: str,
        certificate: Pair | None = None,
        people: tuple[Someone, ...] = slapd.PEOPLE,
        **options: Any,
    ) -> Directory:
        """Run slapd at an address; without a certificate it knows no TLS."""
        folder = self.folder / f"slapd-{address}"
        files = certificate.save(self.folder, f"at-{address}") if certificate else ("", "")
        sasldb = options.pop("sasldb", False)
        told = Slapd(folder, address, PASSWORD, **options)
        if certificate:
            told = Slapd(folder, address, PASSWORD, Path(files[0]), Path(files[1]), **options)
        made = Directory(self.servers, told, people, sasldb=sasldb)
        self._stops.append(made.stop)
        return made

    def program(self, name: str, *words: str) -> Server:
        """Run a module in the servers' namespace until the end of the test."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        made = Server(self.servers, folder, sys.executable, "-m", name, *words)
        self._stops.append(made.stop)
        made.wait_for("ready")
        return made

    def stripper(self) -> Server:
        """Put a box before the slapd with TLS that refuses StartTLS in its place."""
        return self.program("ringfence.lab.stripper", BOX, "389", SECURE, "389")

    def facts(self) -> Facts:
        lease = Lease(PHONE, 24, SECURE, resolvers=(SECURE,))
        return Facts(lease=lease, trust=Trust(provider_root=(self.root.pem,)))

    def search(self, server: str, word: str = "l", by: str = "", **texts: str) -> Told:
        """Return the answer of one search, with the status of the feature after it.

        `grown` is by how many KiB the memory of the process has grown meanwhile.
        """
        return self.searches(server, [{"word": word, "by": by}], **texts)[-1]

    def searches(self, server: str, asked: list[dict[str, str]], **texts: str) -> list[Told]:
        """Return the answers of some searches of one phone."""
        told = {**KNOWN, "LDAP_Server": server, **texts}
        found: list[Told] = self.phone.call(_search, self.folder, self.facts(), told, asked)
        return found

    def stop(self) -> None:
        for stop in reversed(self._stops):
            stop()


async def _search(
    folder: Path, facts: Facts, texts: dict[str, str], asked: list[dict[str, str]]
) -> list[Told]:
    found: list[Told] = []
    state = folder / "state"
    state.mkdir(exist_ok=True)
    async with addressed(state, FEATURE, known=facts, **texts) as phone:
        for one in asked:
            words, before = dict(one), getrusage(RUSAGE_SELF).ru_maxrss
            name = words.pop("command", "directory")
            try:
                told = dict(await phone.world.commands.run(name, words))
            except RingfenceError as error:
                told = {"result": "refused", "reason": str(error)}
            told["grown"] = getrusage(RUSAGE_SELF).ru_maxrss - before
            status = phone.status()
            told["health"], told["rows"] = status.health.value, dict(status.rows)
            told["log"] = list(phone.log)
            found.append(told)
    return found


def names(told: Told) -> list[str]:
    assert told["result"] == "success", told
    return [one["name"] for one in told["entries"]]


@pytest.fixture
def wire(pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]) -> Iterator[Wire]:
    component.append(version())
    made = Wire(*pair, tmp_path)
    yield made
    made.stop()
