"""The lab's HTTP proxy: Squid on a host of its own, and the PAC files that lead to it.

Where the lab has one, the switch lets nothing of the phone through to the provisioning server: a
profile that comes has come by the proxy.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from ringfence.lab import servers, squid, topology
from ringfence.lab.crew import PYTHON, RUN, Crew, run
from ringfence.lab.output import Output
from ringfence.lab.sandbox import has_sub_ids, search_path

USER = "phone"
FOLDER = RUN / "squid"
FILES = RUN / "pac"
LOG = FOLDER / "access.log"
PAC = "/proxy.pac"
WPAD_OPTION = f'dhcp-option=252,"http://{topology.WPAD_NAME}/wpad.dat"\n'
HARDWARE = "02:00:00:99:01:14"
"""The same each time that the host is wired, so that nobody looks for an earlier one."""
BARRED = "barred"
"""Counter of the switch: what the phone sent past the proxy."""
SCRIPT = f"""\
function FindProxyForURL(url, host) {{
  if (dnsDomainIs(host, ".{topology.DOMAIN}")) return "PROXY {topology.PROXY_NAME}:{squid.PORT}";
  return "DIRECT";
}}
"""

_BAR = f"""\
table bridge lab {{
  counter {BARRED} {{ }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    ether saddr {topology.hardware(topology.PHONE_MAC)} ip daddr \
{{ {topology.DEAD}, {topology.SILENT}, {topology.PROVIDER} }} tcp dport 443 \
counter name "{BARRED}" drop
  }}
}}
"""


def lacking() -> str:
    """Return why this machine cannot run the proxy; empty where it can."""
    uid = os.geteuid()
    if not shutil.which("squid", path=search_path()):
        return "squid is missing: install the package squid for lab up --proxy"
    if uid and not has_sub_ids(uid):
        return "Squid gives up root, which takes subordinate ids: package uidmap, /etc/subuid"
    return ""


class ProxyHost:
    """The host of Squid; it is wired when it is first needed."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self.password = secrets.token_urlsafe(9)

    async def stand(self, login: str = "") -> None:
        """Run Squid anew; `login` as in `squid.Proxy`."""
        await asyncio.to_thread(_wire)
        await self._crew.stop("squid")
        LOG.unlink(missing_ok=True)
        hosts = RUN / "squid.hosts"
        hosts.write_text(servers.hosts(servers.RECORDS))
        told = squid.Proxy("lab", topology.PROXY_ADDRESS, str(hosts), login, {USER: self.password})
        words = await asyncio.to_thread(squid.render, FOLDER, told)
        output = await self._crew.start("squid", topology.PROXY, *words)
        await output.wait(squid.READY)

    async def serve(self, text: str = SCRIPT) -> None:
        """Serve a PAC file, by either of its names."""
        FILES.mkdir(exist_ok=True)
        for name in (PAC, "/wpad.dat"):
            (FILES / name[1:]).write_text(text)
        await asyncio.to_thread(_wire)
        if "pac" not in self._crew.outputs or self._crew.outputs["pac"].ended:
            where = ("--bind", topology.PROXY_ADDRESS, "--directory", str(FILES), "80")
            output = await self._crew.start("pac", topology.PROXY, *PYTHON, "http.server", *where)
            await _listening(output)

    async def leave(self) -> None:
        """Take the host away."""
        for name in ("squid", "pac"):
            await self._crew.stop(name)
        await asyncio.to_thread(_unwire)

    def asked(self) -> list[Mapping[str, str]]:
        """Return what Squid's access log has so far."""
        found = squid.ACCESSES.finditer(LOG.read_text() if LOG.exists() else "")
        return [one.groupdict() for one in found]


async def bar() -> None:
    """Let the switch pass nothing of the phone to the provisioning server."""
    file = RUN / "bar.nft"
    file.write_text(_BAR)
    await run(topology.SWITCH, "nft", "-f", str(file))


def settings(mode: str, password: str) -> Mapping[str, str]:
    """Return the parameters of a phone that leaves for a network with this proxy."""
    if mode == "manual":
        return {
            "Proxy_Mode": "Manual",
            "Proxy_Host": topology.PROXY_NAME,
            "Proxy_Server_Requires_Authentication": "Yes",
            "Proxy_Username": USER,
            "Proxy_Password": password,
        }
    if mode == "pac":
        url = f"http://{topology.WPAD_NAME}{PAC}"
        return {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "No", "PAC_URL": url}
    return {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "Yes"}


async def _listening(output: Output) -> None:
    """Return when the files can be asked for; the server says nothing of it."""
    while f"{topology.PROXY_ADDRESS}:80 " not in await run(topology.PROXY, "ss", "-Htln"):
        if output.ended:
            raise EOFError("pac")
        await asyncio.sleep(0.02)


def _wire() -> None:
    node, port = topology.PROXY, "up2"
    if Path("/run/netns", node.name).exists():
        return
    lines = [
        f"netns add {node.name}",
        f"link add {port} index 30 netns {topology.SWITCH.name} type veth peer name"
        f" {node.interface} address {HARDWARE} index 40 netns {node.name}",
    ]
    topology.batch((), lines)
    topology.batch(("-n", topology.SWITCH.name), [f"link set {port} master br0 up"])
    topology.batch(("-n", node.name), topology.node_commands(node))


def _unwire() -> None:
    topology.batch(("-force",), [f"netns del {topology.PROXY.name}"])
