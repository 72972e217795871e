"""Start everything that the lab consists of, and say what each part answered."""

import asyncio
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.lab import kamailio, servers, topology
from ringfence.lab.crew import Crew, notified, run
from ringfence.lab.launch import Order
from ringfence.lab.machine import CAPABILITIES, COMPONENTS, version
from ringfence.lab.proofs import RETRY, Proofs, Step, StepError

PYTHON = (sys.executable, "-m")
RUN = Path("/run/lab")
"""Sockets and generated configuration, gone with the lab."""


class Boot:
    """Boots one lab."""

    def __init__(self, order: Order, crew: Crew, door: socket.socket) -> None:
        self._config = order.config
        self._password = order.password
        self._crew = crew
        self._door = door
        self._folder = Path(order.folder)
        self._state = self._folder / "phone"
        self._provider = self._folder / "provider"
        self._users = servers.users()
        self._phones_log = self._folder / "log" / "phones.log"
        users = () if self._config else tuple(self._users)
        self._proofs = Proofs(crew, self._state, self._phones_log, users)

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
        made = await asyncio.to_thread(servers.certify, self._provider, self._state)
        values = [f"{tag}={text}" for tag, text in servers.FACTORY.items()]
        words = ("ringfence", "phone", "set", "--state", str(self._state))
        await run(topology.PHONE, *PYTHON, *words, *values)
        return made

    async def _servers(self) -> Mapping[str, Any]:
        starts = (self._counter, self._dnsmasq, self._rsyslog, self._kamailio, self._provisioner)
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start())
        used = [c for c in COMPONENTS if c.name in ("dnsmasq", "kamailio", "rsyslogd")]
        versions = [f"{c.name} {version(c.version)}" for c in used]
        return {"versions": [*versions, "Ringfence's provisioning server"]}

    async def _counter(self) -> None:
        file = RUN / "counter.nft"
        file.write_text(servers.DEAD_COUNTER)
        await run(topology.SERVERS, "nft", "-f", str(file))

    async def _dnsmasq(self) -> None:
        file = RUN / "dnsmasq.conf"
        file.write_text(servers.dnsmasq(f"{RUN}/leases"))
        words = ("dnsmasq", "--no-daemon", f"--conf-file={file}")
        output = await self._crew.start("dnsmasq", topology.SERVERS, *words)
        await output.wait("started, version")

    async def _rsyslog(self) -> None:
        file, door = RUN / "rsyslog.conf", RUN / "rsyslog.notify"
        file.write_text(servers.rsyslog(str(self._phones_log), str(RUN)))
        words = ("rsyslogd", "-n", "-f", str(file), "-i", str(RUN / "rsyslog.pid"))
        said = {"NOTIFY_SOCKET": str(door)}
        await notified(
            door,
            lambda: self._crew.start("rsyslogd", topology.SERVERS, *words, environment=said),
        )

    async def _kamailio(self) -> None:
        name = topology.REGISTRAR_NAME
        pair = (self._provider / f"{name}.crt", self._provider / f"{name}.key")
        registrar = kamailio.Registrar(topology.INFRASTRUCTURE, name, self._users, *pair)
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

    async def _provisioner(self) -> None:
        name = topology.PROVISIONING_NAME
        words = ("ringfence", "provider", "serve", "--bind", topology.PROVIDER)
        files = {
            "--dir": self._write_profile(),
            "--ca-dir": self._provider / "ca",
            "--certificate": self._provider / f"{name}.crt",
            "--key": self._provider / f"{name}.key",
        }
        options = (str(word) for pair in files.items() for word in pair)
        output = await self._crew.start("provider", topology.SERVERS, *PYTHON, *words, *options)
        await output.wait("provider.ready")

    def _write_profile(self) -> Path:
        """Return the folder of templates: one for every phone, or the user's own as it is."""
        templates = self._provider / "templates"
        templates.mkdir()
        if self._config:
            try:
                text = "{% raw %}" + Path(self._config).read_text("utf-8") + "{% endraw %}"
            except UnicodeDecodeError as error:
                raise StepError(f"{self._config} is not UTF-8 text") from error
        else:
            text = servers.profile(self._users, self._password)
        (templates / "default.xml").write_text(text)
        return templates

    async def _phone(self) -> Mapping[str, Any]:
        words = ("ringfence", "phone", "run", "--state", str(self._state))
        await self._crew.start("phone", topology.PHONE, *PYTHON, *words)
        await self._relay()
        await self._proofs.status(lambda status: True)
        return {"capabilities": _capabilities(self._crew.pid("phone"))}

    async def _relay(self) -> None:
        door = self._door.fileno()
        relay = ("ringfence.lab.relay", str(door), str(self._state))
        await self._crew.start("relay", topology.PC, *PYTHON, *relay, pass_fds=(door,))
        self._door.close()


def _capabilities(keeper: int) -> list[str]:
    """Return what the kernel lets the phone's own process do."""
    child = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()[0]
    found = re.findall(r"CapEff:\s*(\w+)", Path("/proc", child, "status").read_text())
    held = int(found[0], 16)
    names = {bit: name for name, bit in CAPABILITIES.items()}
    return [names.get(bit, f"capability {bit}") for bit in range(64) if held >> bit & 1]
