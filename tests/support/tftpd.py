"""Real TFTP servers, on the standard port and off it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.firewall_fixtures import Wire
from tests.support.probe import STRANGER

PORTS = 69, 6969
PROFILE = "<flat-profile>" + "<Proxy_1_>sip.telco.test</Proxy_1_>" * 60 + "</flat-profile>\n"
"""Five blocks of TFTP."""


@pytest.fixture
def tftpd(wire: Wire, tmp_path: Path, component: list[str]) -> Iterator[None]:
    """Serve `cfg.xml` on both ports of both of the stranger's addresses."""
    space = wire[1]
    (tmp_path / "cfg.xml").write_text(PROFILE)
    version = space.run("in.tftpd", "-V").stdout.partition(",")[0]
    component.append(version.replace("tftp-hpa", "tftpd-hpa"))
    words = ("in.tftpd", "--foreground", "--secure", "--user", "root", str(tmp_path))
    places = [f"{host}:{port}" for host in (STRANGER[4], f"[{STRANGER[6]}]") for port in PORTS]
    servers = [space.popen(*words, "--address", place) for place in places]
    try:
        _until_bound(space, len(places), servers)
        yield
    finally:
        for server in servers:
            server.kill()
            server.wait()


def _until_bound(space: Namespace, count: int, servers: list[subprocess.Popen[bytes]]) -> None:
    while len(space.run("ss", "-Huln").stdout.splitlines()) < count:
        assert all(server.poll() is None for server in servers), "in.tftpd ended"
