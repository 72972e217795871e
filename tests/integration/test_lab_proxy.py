"""`ringfence lab up --proxy`: a phone that reaches its provisioning server by Squid alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, left_of, steps

DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "squid")
PAC = {
    "manual": "",
    "pac": "http://wpad.telco.test:80/proxy.pac by PAC_URL",
    "wpad": "http://wpad.telco.test:80/wpad.dat by DHCP option 252",
}


@pytest.fixture
def lab(tmp_path: Path, component: list[str]) -> Iterator[Command]:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]
    made = Command(tmp_path)
    yield made
    made.run("down")
    assert left_of(tmp_path) == []


@pytest.mark.proves("PXY-01", "PXY-04")
@pytest.mark.parametrize("mode", PAC)
def test_a_virgin_phone_is_provisioned_by_squid_and_tries_no_other_way(
    lab: Command, mode: str
) -> None:
    document = lab.up("--proxy", mode)
    told = steps(document["steps"])["proxy"]["data"]
    assert told == {
        "by": "PROXY proxy.telco.test:3128",
        "pac": PAC[mode],
        "url": "pv.telco.test:443",
        "user": "phone" if mode == "manual" else "-",
        "address": "10.99.1.14",
        "barred": 0,
    }
    assert [line["registered"] for line in document["phone"]["lines"] if line["used"]] == [True] * 2
    log = lab.shell("proxy", "cat", "/run/lab/squid/access.log").stdout
    assert {line.split()[3] for line in log.splitlines()} == {"pv.telco.test:443"}
    if mode == "manual":
        assert "TCP_DENIED/407" in log
        refused = lab.run("break", "dead-address")
        assert refused.returncode == 3
        assert "dead-address shows the phone's own way" in refused.stderr
    else:  # the file of before the break, or the break's, must not count
        broken = lab.run("break", {"pac": "pac-endless", "wpad": "wpad-hijack"}[mode])
        assert broken.returncode == 0, broken.stdout + broken.stderr
