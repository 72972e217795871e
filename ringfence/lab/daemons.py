"""The lab's real servers: started as they should be, and started anew with something broken."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ringfence.lab import kamailio, servers, topology
from ringfence.lab.crew import PYTHON, RUN, Crew, notified, run
from ringfence.lab.mediasec import MediaSec
from ringfence.lab.proofs import RETRY
from ringfence.lab.proxy import ProxyHost

if TYPE_CHECKING:
    from ringfence.lab.access import Access
    from ringfence.lab.acs import AcsHost
    from ringfence.lab.directory import LdapHost
    from ringfence.lab.vpn import VpnHost

HOSTS = RUN / "hosts"
"""A records of the lab's DNS."""


class Pair(NamedTuple):
    """Chain and key of a server, as PEM files."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> "Pair":
        """Return the pair of a server in a folder."""
        return cls(folder / f"{name}.crt", folder / f"{name}.key")


class Daemons:
    """Starts each server, and changes what it says."""

    def __init__(
        self,
        folder: Path,
        crew: Crew,
        users: Mapping[str, str],
        mediasec: str = "",
        *,
        zero_touch: bool = False,
    ) -> None:
        self.provider = folder / "provider"
        """The authority, and key and chain of each server."""
        self.templates = self.provider / "templates"
        self.phones_log = folder / "log" / "phones.log"
        """What rsyslog received."""
        self._crew = crew
        self._users = users
        self._mediasec = mediasec
        self.proxy = ProxyHost(crew)
        self.by_proxy = ""
        """How the phone finds the proxy that it must go by; empty where it goes direct."""
        self.zero_touch = zero_touch
        """Whether DHCP names no profile, so that the provisioning server is asked where it is."""
        self.dhcp_options = "" if zero_touch else servers.OPTIONS
        """Lines of dnsmasq: what DHCP says besides addresses."""
        self.access: Access | None = None
        """What guards the phone's port of the switch; None where nothing does."""
        self.vpn: VpnHost | None = None
        """The VPN's server; None where the lab has none."""
        self.ldap: LdapHost | None = None
        """The directory; None where the lab has none."""
        self.acs: AcsHost | None = None
        """The ACS; None where the lab has none."""

    async def start(self) -> None:
        """Start them all."""
        starts = (self.counter, self.dnsmasq, self.rsyslog, self.kamailio, self.provisioner)
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start())

    async def counter(self) -> None:
        """Count in the kernel who tries the dead addresses."""
        file = RUN / "counter.nft"
        file.write_text(servers.DEAD_COUNTERS)
        await run(topology.SERVERS, "nft", "-f", str(file))

    async def dnsmasq(self) -> None:
        """Serve DHCP and DNS."""
        HOSTS.write_text(servers.hosts(servers.RECORDS))
        file = RUN / "dnsmasq.conf"
        file.write_text(servers.dnsmasq(f"{RUN}/leases", str(HOSTS), self.dhcp_options))
        words = ("dnsmasq", "--no-daemon", f"--conf-file={file}")
        output = await self._crew.start("dnsmasq", topology.SERVERS, *words)
        await output.wait("started, version")

    async def dns(self, records: Mapping[str, tuple[str, ...]] = servers.RECORDS) -> None:
        """Have DNS answer with these A records from now on; no query is lost meanwhile."""
        output = self._crew.outputs["dnsmasq"]
        mark = output.count
        HOSTS.write_text(servers.hosts(records))
        os.kill(self._crew.pid("dnsmasq"), signal.SIGHUP)
        await output.wait(f"read {HOSTS}", mark)

    async def rsyslog(self) -> None:
        """Receive what phones send."""
        file, door = RUN / "rsyslog.conf", RUN / "rsyslog.notify"
        file.write_text(servers.rsyslog(str(self.phones_log), str(RUN)))
        words = ("rsyslogd", "-n", "-f", str(file), "-i", str(RUN / "rsyslog.pid"))
        said = {"NOTIFY_SOCKET": str(door)}
        await notified(
            door,
            lambda: self._crew.start("rsyslogd", topology.SERVERS, *words, environment=said),
        )

    async def kamailio(self) -> None:
        """Be the registrar."""
        name = topology.REGISTRAR_NAME
        pair = Pair.of(self.provider, name)
        part = MediaSec(self._mediasec) if self._mediasec else None
        where = topology.INFRASTRUCTURE
        registrar = kamailio.Registrar(where, name, self._users, *pair, mediasec=part)
        words = kamailio.render(RUN, registrar)
        output = await self._crew.start("kamailio", topology.SERVERS, *words)
        while not output.ended:
            try:
                await run(topology.SERVERS, *kamailio.control(RUN, "core.uptime"))
            except RuntimeError:
                await asyncio.sleep(RETRY)
            else:
                return
        raise EOFError("kamailio")

    async def provisioner(self, pair: Pair | None = None) -> None:
        """Serve profiles, with the provider's certificate or with another one."""
        shown = pair or Pair.of(self.provider, topology.PROVISIONING_NAME)
        where = (topology.SERVERS, topology.PROVIDER)
        more: tuple[str, ...] = ()
        if self.zero_touch:
            more = await asyncio.to_thread(servers.activation, self.provider)
        await self.serve("provider", *where, self.templates, shown, *more)

    async def serve(
        self, name: str, node: topology.Node, address: str, templates: Path, pair: Pair, *more: str
    ) -> None:
        """Run a provisioning server anywhere, with more words."""
        await self._crew.stop(name)
        words = ("ringfence", "provider", "serve", "--bind", address)
        files = {
            "--dir": templates,
            "--ca-dir": self.provider / "ca",
            "--certificate": pair.certificate,
            "--key": pair.key,
            "--firmware": self.provider / "firmware",
        }
        options = (str(word) for entry in files.items() for word in entry)
        output = await self._crew.start(name, node, *PYTHON, *words, *options, *more)
        await output.wait("provider.ready")
