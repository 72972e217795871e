"""Routers and DHCPv6 servers for the IPv6 feature to meet: radvd, Kea."""

import json
from pathlib import Path
from typing import Any

from ringfence.lab.namespaces import Namespace
from tests.support.lease import Server

NETWORK = "fd00:99:1::/64"
SERVER = "fd00:99:1::1"
POOL = "fd00:99:1::100 - fd00:99:1::1ff"


class Radvd(Server):
    """radvd that advertises a router, with flags and what else stands in its configuration."""

    def __init__(
        self,
        space: Namespace,
        folder: Path,
        *,
        managed: bool = False,
        other: bool = False,
        formed: bool = False,
        more: str = "",
    ) -> None:
        configuration = folder / "radvd.conf"
        words = {True: "on", False: "off"}
        configuration.write_text(
            "interface eth0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;"
            f" AdvManagedFlag {words[managed]}; AdvOtherConfigFlag {words[other]};"
            f" prefix {NETWORK} {{ AdvOnLink on; AdvAutonomous {words[formed]}; }}; {more} }};\n"
        )
        configuration.chmod(0o600)
        space.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
        words_ = ("radvd", "-n", "-m", "stderr", "-d", "1", "-C", str(configuration))
        super().__init__(space, folder, *words_, "-p", str(folder / "radvd.pid"))
        self.wait_for("version")


class Kea6(Server):
    """Kea that lends fd00:99:1::100 to ::1ff on eth0, in a folder of its own."""

    def __init__(
        self,
        space: Namespace,
        folder: Path,
        options: list[dict[str, Any]],
        **subnet: Any,
    ) -> None:
        configuration = folder / "kea6.json"
        network = {
            "subnet": NETWORK,
            "interface": "eth0",
            "pools": [{"pool": POOL}],
            "option-data": [{**option, "always-send": True} for option in options],
            **subnet,
        }
        dhcp = {
            "interfaces-config": {"interfaces": ["eth0"]},
            "lease-database": {"type": "memfile", "persist": False},
            "server-id": {"type": "LL", "persist": False},
            "option-def": [
                {"name": "server", "code": 159, "type": "string"},
                {"name": "url", "code": 160, "type": "string"},
            ],
            "subnet6": [network],
            "loggers": [
                {
                    "name": "kea-dhcp6",
                    "severity": "DEBUG",
                    "debuglevel": 50,
                    "output_options": [{"output": "stdout"}],
                }
            ],
        }
        configuration.write_text(json.dumps({"Dhcp6": dhcp}))
        folders = {"KEA_PIDFILE_DIR": str(folder), "KEA_LOCKFILE_DIR": str(folder)}
        super().__init__(space, folder, "kea-dhcp6", "-c", str(configuration), env=folders)
        self.wait_for("DHCP6_STARTED")


def vendor_options(enterprise: int, *parts: bytes) -> list[dict[str, Any]]:
    """Return option 17 of an enterprise, its sub-options numbered from 1."""
    space = f"vendor-{enterprise}"
    inner = [
        {"code": n, "space": space, "csv-format": False, "data": part.hex()}
        for n, part in enumerate(parts, 1)
    ]
    return [{"name": "vendor-opts", "data": str(enterprise)}, *inner]


def addresses6(space: Namespace, interface: str = "eth0") -> dict[str, dict[str, Any]]:
    """Return the global IPv6 addresses that the kernel holds, each with what it says."""
    words = ("ip", "-json", "-6", "addr", "show", "dev", interface, "scope", "global")
    found = json.loads(space.run(*words).stdout or "[]")
    return {
        f"{each['local']}/{each['prefixlen']}": each
        for entry in found
        for each in entry.get("addr_info", [])
        if each  # what the scope leaves out stands there empty
    }
