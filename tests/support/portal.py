"""`ringfence ca serve` in a namespace, its authority encrypted, one user who may log in."""

import re
from pathlib import Path

from ringfence.lab.namespaces import Namespace
from tests.support.lease import Server
from tests.support.phone import RINGFENCE, ringfence

PASSPHRASE, PASSWORD = "open sesame", "correct horse battery"
MAC, SERIAL, PRODUCT = "000e08abcdef", "88012BA01234", "CP-8841-3PCC"


class Desk:
    """An authority and its portal."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self.space, self.folder, self.ca = space, folder, folder / "ca"
        self.secret, self.password = folder / "secret", folder / "password"
        self.secret.write_text(f"{PASSPHRASE}\n")
        self.password.write_text(f"{PASSWORD}\n")
        self.server: Server | None = None
        self.port = self.scep = 0
        self.run("init", "--passphrase-file", str(self.secret))
        self.run("user", "alice", "--password-file", str(self.password))

    def run(self, *words: str, code: int = 0) -> str:
        done = ringfence("ca", *words, "--dir", str(self.ca), cwd=self.folder)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def serve(self, *words: str) -> None:
        secret = ("--passphrase-file", str(self.secret))
        ports = ("--port", "0", "--scep-port", "0")
        argv = (*RINGFENCE, "ca", "serve", "--dir", str(self.ca), *ports, *secret, *words)
        self.server = Server(self.space, self.folder, *argv)
        said = self.server.wait_for("ca.ready")
        found = re.search(r"on port (\d+), SCEP alone on http port (\d+)", said)
        assert found, said
        self.port, self.scep = int(found[1]), int(found[2])

    def challenge(self, mac: str = MAC, serial: str = SERIAL) -> str:
        return self.run("challenge", "--mac", mac, "--serial", serial).strip()

    def listed(self) -> list[list[str]]:
        """Return the rows of `ca list`, in words."""
        return [line.split() for line in self.run("list").splitlines()[1:]]

    def stop(self) -> None:
        if self.server:
            self.server.stop()
