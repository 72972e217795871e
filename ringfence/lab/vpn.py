"""The lab's VPN server: ocserv beside the other servers, at an address of its own.

What the tunnel leads to are the lab's servers, by their usual addresses: a phone in the tunnel
finds what it found before, from an address that is only there in the tunnel.
"""

import asyncio
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.lab import topology
from ringfence.lab.crew import RUN, Crew, run
from ringfence.lab.daemons import Pair
from ringfence.lab.sandbox import has_sub_ids, search_path

ADDRESS, NAME = topology.VPN_ADDRESS, topology.VPN_NAME
USER, GROUP, GROUPS = "phone", "phones", ("phones", "admins")
FOLDER = RUN / "vpn"
USERS, DOOR = FOLDER / "users", FOLDER / "occtl.sock"
READY = "listening \\(UDP\\)"
LOGIN = r"to authenticate user"
"""What ocserv logs of everybody who gives a name and a password."""
NETWORK = "10.99.9.0"
TUN = Path("/dev/net/tun")
_ROUTES = re.compile(r'"Routes":\s*\[\],\s*(?="Routes")')
"""occtl writes a name twice where everything is routed."""

_CONFIGURATION = """\
auth = "plain[passwd={users}]"
tcp-port = 443
udp-port = 443
listen-host = {address}
run-as-user = nobody
run-as-group = daemon
socket-file = {folder}/sec-mod.sock
occtl-socket-file = {door}
use-occtl = true
pid-file = {folder}/pid
server-cert = {certificate}
server-key = {key}
isolate-workers = false
{groups}
default-select-group = DEFAULT
cisco-client-compat = true
device = vpns
ipv4-network = {network}
ipv4-netmask = 255.255.255.0
dns = {dns}
default-domain = {domain}
route = default
dpd = 10
mobile-dpd = 10
max-same-clients = 8
"""

_ONWARD = """\
table ip vpn
delete table ip vpn
table ip vpn {{
  chain onward {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {network}/24 oifname "{port}" masquerade
  }}
}}
"""
"""Who is in the tunnel reaches the lab's other hosts, as one of its servers."""


def lacking() -> str:
    """Return why this machine cannot run the VPN's server; empty where it can."""
    for program in ("ocserv", "openconnect"):
        if not shutil.which(program, path=search_path()):
            return f"{program} is missing: install ocserv and openconnect for the lab's VPN"
    uid = os.geteuid()
    if uid and not has_sub_ids(uid):
        return (
            "ocserv needs more than one user: run as root, or give this user a range in"
            " /etc/subuid and /etc/subgid and install newuidmap (package uidmap)"
        )
    if not TUN.exists():
        return f"this kernel has no tunnels: {TUN} is missing"
    return ""


class VpnHost:
    """The server, and what it knows the phone by."""

    def __init__(self, crew: Crew, provider: Path) -> None:
        self._crew = crew
        self._provider = provider
        self.password = secrets.token_hex(12)

    def settings(self) -> Mapping[str, str]:
        """Return the parameters of a phone that belongs into the tunnel."""
        return {
            "VPN_Server": NAME,
            "VPN_User_Name": USER,
            "VPN_Password": self.password,
            "VPN_Tunnel_Group": GROUP,
            "Connect_on_Bootup": "Yes",
        }

    async def stand(self) -> None:
        """Run it, or run it anew: it knows nobody's session any more then."""
        await self._crew.stop("ocserv")
        FOLDER.mkdir(mode=0o755, exist_ok=True)
        port = topology.SERVERS.interface
        await run(topology.SERVERS, "ip", "address", "replace", f"{ADDRESS}/24", "dev", port)
        (FOLDER / "onward.nft").write_text(_ONWARD.format(network=NETWORK, port=port))
        await run(topology.SERVERS, "nft", "-f", str(FOLDER / "onward.nft"))
        await asyncio.to_thread(topology.space(topology.SERVERS).call, _forward)
        if not USERS.exists():
            await self.know(self.password)
        pair = Pair.of(self._provider, NAME)
        file = FOLDER / "ocserv.conf"
        file.write_text(
            _CONFIGURATION.format(
                users=USERS,
                address=ADDRESS,
                folder=FOLDER,
                door=DOOR,
                certificate=pair.certificate,
                key=pair.key,
                groups="\n".join(f"select-group = {group}" for group in GROUPS),
                network=NETWORK,
                dns=topology.INFRASTRUCTURE,
                domain=topology.DOMAIN,
            )
        )
        words = ("ocserv", "--foreground", "--debug=1", f"--config={file}")
        output = await self._crew.start("ocserv", topology.SERVERS, *words)
        await output.wait(READY)

    async def know(self, password: str) -> None:
        """Let the server know the phone by a password."""
        words = ("ocpasswd", "-c", str(USERS), "-g", ",".join(GROUPS), USER)
        await run(topology.SERVERS, *words, stdin=f"{password}\n{password}\n")
        await asyncio.to_thread(USERS.chmod, 0o600)

    async def leave(self) -> None:
        """Take the server away."""
        await self._crew.stop("ocserv")

    async def connected(self) -> Mapping[str, Any]:
        """Return who is connected, as occtl tells it; nothing where nobody is."""
        try:
            told = await run(topology.SERVERS, "occtl", "-j", "-s", str(DOOR), "show", "users")
        except RuntimeError:
            return {}
        known = json.loads(_ROUTES.sub("", told) or "[]")
        held = [user for user in known if user.get("State") == "connected"]
        return dict(held[-1]) if held else {}


def _forward() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
