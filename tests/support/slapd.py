"""A real directory for tests: slapd with TLS or without, its users in sasldb, and its log."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ringfence.lab import slapd
from ringfence.lab.namespaces import Namespace
from ringfence.lab.slapd import REALM, USER, Slapd, Someone, program
from tests.support.lease import Server
from tests.support.tls_servers import wait_for_listener

PASSWORD = "a secret: of the directory"
SASL = Path("/etc/ldap/sasl2")
"""Where Debian's slapd looks for the settings of SASL, and nowhere else."""


class Operation(Struct, frozen=True):
    """A line of slapd's log: one operation of one connection."""

    connection: int
    word: str
    """BIND, SRCH, EXT, STARTTLS, UNBIND, ABANDON, …"""
    rest: str


class Directory:
    """A running slapd."""

    def __init__(
        self, space: Namespace, told: Slapd, people: tuple[Someone, ...], *, sasldb: bool
    ) -> None:
        told.folder.mkdir()
        if sasldb:
            told = replace(told, more=("sasl-auxprops sasldb", *told.more))
        words = slapd.render(told, people)
        if sasldb:
            words = _with_sasldb(told, words)
        self.server = Server(space, told.folder, *words)
        self.server.wait_for(slapd.READY)
        for port in (told.port, *([told.tls_port] if told.certificate else [])):
            wait_for_listener(space, port, told.address)  # it says so a moment too early

    def operations(self, last: str, count: int = 1) -> list[Operation]:
        """Return what the log has, once it has `count` operations of the kind `last`."""
        log = self.server.wait_for(f" {last}", count)
        found = re.finditer(r"conn=(\d+) op=\d+ ([A-Z]+)(.*)", log)
        return [Operation(int(one[1]), one[2], one[3].strip()) for one in found]

    def connection(self, count: int) -> str:
        """Return what the log has of the connection that is the `count`-th, once it is over.

        Whoever accepts it may log that later than others what came of it.
        """
        self.server.wait_for(" ACCEPT ", count)
        log = self.server.wait_for(" closed", count)
        return "\n".join(line for line in log.splitlines() if f"conn={999 + count} " in line)

    def stop(self) -> None:
        self.server.stop()


def version() -> str:
    ran = subprocess.run([program("slapd"), "-VV"], capture_output=True, text=True, check=False)
    found = re.search(r"slapd (\d+\.\d+\.\d+)", ran.stdout + ran.stderr)
    assert found, ran
    return f"slapd {found[1]}"


def _with_sasldb(told: Slapd, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words that run slapd with users of its own; nobody else sees what is mounted."""
    users, place = told.folder / "sasldb2", told.folder / "sasl"
    place.mkdir()
    (place / "slapd.conf").write_text(f"sasldb_path: {users}\n")
    know = (program("saslpasswd2"), "-p", "-c", "-f", str(users), "-u", REALM, USER)
    subprocess.run(know, input=told.password, text=True, check=True, capture_output=True)
    script = 'mount --bind "$0" "$1" && shift && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, str(place), str(SASL), *words)


@contextmanager
def directory(
    space: Namespace,
    told: Slapd,
    people: tuple[Someone, ...] = slapd.PEOPLE,
    *,
    sasldb: bool = False,
) -> Iterator[Directory]:
    running = Directory(space, told, people, sasldb=sasldb)
    try:
        yield running
    finally:
        running.stop()
