"""Start everything that the lab consists of, and say what each part answered."""

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.lab import lodge, proxy, servers, topology
from ringfence.lab.access import NAME, Access
from ringfence.lab.acs import AcsHost
from ringfence.lab.computer import Computer
from ringfence.lab.crew import PYTHON, RUN, Crew, run
from ringfence.lab.daemons import Daemons
from ringfence.lab.directory import LdapHost
from ringfence.lab.launch import Order
from ringfence.lab.machine import CAPABILITIES, COMPONENTS, version
from ringfence.lab.process import capabilities, phone_of, status
from ringfence.lab.proofs import Proofs, Step, StepError
from ringfence.lab.vpn import VpnHost
from ringfence.runtime.host_trace import INHERITED


class Boot:
    """Boots one lab."""

    def __init__(self, order: Order, crew: Crew, door: socket.socket) -> None:
        self._config = order.config
        self._trace = order.trace
        self._password = order.password
        self._crew = crew
        self._door = door
        self._folder = Path(order.folder)
        self.state = self._folder / "phone"
        self._users = servers.users()
        self._mediasec = order.mediasec
        alone = order.zero_touch
        self.daemons = Daemons(self._folder, crew, self._users, order.mediasec, zero_touch=alone)
        users = () if self._config else tuple(self._users)
        log = self.daemons.phones_log
        self._proofs = Proofs(crew, self.state, log, users, zero_touch=alone)
        if order.dot1x:
            access = Access(crew, self.daemons.provider, order.dot1x)
            self.daemons.access = self._proofs.access = access
            self._proofs.computer = Computer(crew, self.daemons.provider, NAME)
        self.daemons.by_proxy = order.proxy
        if order.proxy:
            self._proofs.proxy = self.daemons.proxy
        if order.proxy == "wpad":
            self.daemons.dhcp_options += proxy.WPAD_OPTION
        if order.vpn:
            self.daemons.vpn = self._proofs.vpn = VpnHost(crew, self.daemons.provider)
        if order.ldap:
            host = LdapHost(crew, self.daemons.provider, self.state)
            self.daemons.ldap = self._proofs.directory = host
        if order.tr069:
            self.daemons.acs = self._proofs.acs = AcsHost(crew, self.daemons.provider)
            self.daemons.dhcp_options += AcsHost.option

    def steps(self) -> list[tuple[str, Step]]:
        """Return every step with its name, in order."""
        return [
            ("network", self._network),
            ("certificates", self._certificates),
            ("servers", self._servers),
            ("phone", self._phone),
            *self._proofs.steps(),
        ]

    def hint(self, step: str) -> str:
        """Return what the programs said last that a failed step depends on."""
        outputs = self._crew.outputs
        suspects = outputs if step == "servers" else ("phone",)
        said = [
            f"{name}: {' / '.join(outputs[name].last(2))}"
            for name in suspects
            if name in outputs and (name == "phone" or outputs[name].ended)
        ]
        return "".join(f"; {words}" for words in said) + f" (logs: {self._folder}/log)"

    async def _network(self) -> Mapping[str, Any]:
        os.mkdir(RUN, 0o755)
        topology.build()
        nodes = [node.name for node in topology.NODES]
        return {"nodes": nodes, "networks": ["10.99.1.0/24", f"{topology.PREFIX_V6}/64"]}

    async def _certificates(self) -> Mapping[str, Any]:
        provider, alone = self.daemons.provider, self.daemons.zero_touch
        made = await asyncio.to_thread(servers.certify, provider, self.state, zero_touch=alone)
        settings = dict(servers.FACTORY)
        if self.daemons.access:
            settings |= self.daemons.access.settings()
        if mode := self.daemons.by_proxy:
            settings |= proxy.settings(mode, self.daemons.proxy.password)
        if self.daemons.vpn:
            settings |= self.daemons.vpn.settings()
        values = "".join(f"{tag}={text}\n" for tag, text in settings.items())
        words = ("ringfence", "phone", "set", "--state", str(self.state), "--stdin")
        await run(topology.PHONE, *PYTHON, *words, stdin=values)
        return made

    async def _servers(self) -> Mapping[str, Any]:
        self._write_profile()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.daemons.start())
            if self.daemons.access:
                group.create_task(self._access(self.daemons.access))
            if self.daemons.by_proxy:
                group.create_task(self._proxy())
            if self.daemons.vpn:
                group.create_task(self.daemons.vpn.stand())
            if self.daemons.ldap:
                group.create_task(self.daemons.ldap.stand())
            if self.daemons.acs:
                group.create_task(self.daemons.acs.stand())
        names = ["dnsmasq", "kamailio", "rsyslogd", *(["squid"] if self.daemons.by_proxy else [])]
        names += ["ocserv"] if self.daemons.vpn else []
        names += ["slapd"] if self.daemons.ldap else []
        used = [c for c in COMPONENTS if c.name in names]
        versions = [f"{c.name} {version(c.version)}" for c in used]
        return {"versions": [*versions, "Ringfence's provisioning server"]}

    async def _access(self, access: Access) -> None:
        await access.start()
        if self._proofs.computer:
            await self._proofs.computer.start()

    async def _proxy(self) -> None:
        """Leave the phone no way to the provisioning server but by the proxy."""
        mode, host = self.daemons.by_proxy, self.daemons.proxy
        await host.stand("digest" if mode == "manual" else "")
        await proxy.bar()
        if mode != "manual":
            await host.serve()

    def _write_profile(self) -> None:
        """Write the template for every phone, or the user's own file as it is."""
        templates = self.daemons.templates
        templates.mkdir()
        if self._config:
            try:
                text = "{% raw %}" + Path(self._config).read_text("utf-8") + "{% endraw %}"
            except UnicodeDecodeError as error:
                raise StepError(f"{self._config} is not UTF-8 text") from error
        else:
            hosts = (self.daemons.access, self.daemons.acs, self.daemons.vpn, self.daemons.ldap)
            more = {tag: text for host in hosts if host for tag, text in host.settings().items()}
            asks = self._mediasec == "client"
            text = servers.profile(self._users, self._password, asks=asks, more=more)
        (templates / servers.TEMPLATE).write_text(text)

    async def _phone(self) -> Mapping[str, Any]:
        lodging = await asyncio.to_thread(lodge.prepare, self.state)
        words = ["ringfence.lab.lodge", str(self.state), lodging.user]
        handles = () if self._trace is None else (self._trace,)
        words += [word for held in handles for word in ("--trace", f"{INHERITED}/{held}")]
        await self._crew.start("phone", topology.PHONE, *PYTHON, *words, pass_fds=handles)
        await self._relay()
        await self._proofs.status(lambda status: True)
        phone = phone_of(self._crew.pid("phone"))
        seen, names = status(phone), {bit: name for name, bit in CAPABILITIES.items()}
        return {
            "capabilities": [names.get(bit, f"capability {bit}") for bit in capabilities(phone)],
            "user": int(seen["Uid"].split()[0]),
            "root_because": lodging.root_because,
            "no_new_privileges": seen["NoNewPrivs"] == "1",
        }

    async def _relay(self) -> None:
        door = self._door.fileno()
        relay = ("ringfence.lab.relay", str(door), str(self.state))
        await self._crew.start("relay", topology.PC, *PYTHON, *relay, pass_fds=(door,))
        self._door.close()
