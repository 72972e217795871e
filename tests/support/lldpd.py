"""lldpd as a switch that speaks LLDP-MED or CDP, and what it says of its neighbours."""

import subprocess
import time
from pathlib import Path

from ringfence.lab.namespaces import Namespace
from tests.support.lease import PATIENCE, Server

CHROOT = Path("/run/lldpd")
"""Where the package wants it to live."""


def version() -> str:
    """Return the name and version of the installed lldpd."""
    out = subprocess.run(["lldpd", "-v"], capture_output=True, text=True, check=True)
    return f"lldpd {(out.stdout + out.stderr).split()[-1]}"


class Lldpd(Server):
    """lldpd on a port that calls itself labsw and speaks each second."""

    def __init__(
        self, space: Namespace, folder: Path, *flags: str, interface: str = "eth0"
    ) -> None:
        CHROOT.mkdir(exist_ok=True)
        self._space = space
        # Its client, another user, does not get into the folders of tests.
        self._socket = f"/run/{space.name}.lldpd"
        words = ("lldpd", "-d", "-u", self._socket, "-I", interface, *flags)
        super().__init__(space, folder, *words)
        self.wait_for("should resume operations")
        self.configure("system", "hostname", "labsw")
        self.configure("lldp", "tx-interval", "1")

    def configure(self, *words: str) -> None:
        """Configure it as on its command line."""
        self._client("configure", *words)

    def neighbour(self, name: str) -> list[str]:
        """Return the lines that it shows of its neighbours once one of them has that name."""
        until = time.monotonic() + PATIENCE
        while f"SysName:      {name}\n" not in (
            shown := self._client("show", "neighbors", "details")
        ):
            assert time.monotonic() < until, f"no {name} in what lldpd shows:\n{shown}"
        return [" ".join(line.split()) for line in shown.splitlines()]

    def _client(self, *words: str) -> str:
        return self._space.run("lldpcli", "-u", self._socket, *words).stdout
