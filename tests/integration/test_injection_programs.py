"""Hostile values in every parameter of a whole phone: the kernel's record of what it starts."""

import re
import sys
from pathlib import Path

import pytest

from ringfence.config.settings import slots
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.hostile_values import VALUES
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import net
from tests.support.provider_net import OWN, Net, profile
from tests.support.tls_servers import version

__all__ = ["net"]

PRINTABLE = [value for value in VALUES if value.isprintable()]
FIXED = {
    **OWN,
    "Enable_802.1X_Authentication": "Yes",
    "Certificate_Select": "Manufacturing installed",
    "RF_EAP_Server_Name": "radius.telco.test",
    "Proxy_Mode": "Off",
    "Resync_On_Reset": "No",
}
"""What has a program run, and what leaves the phone on this wire."""
PROGRAMS = {Path(sys.executable).name, "setpriv", "wpa_supplicant"}
RAN = re.compile(r"^\d+ +execve\(\"(?P<path>[^\"]+)\", \[(?P<argv>.*?)\], .*\) += 0$", re.MULTILINE)


class Traced(Namespace, frozen=True):
    """A namespace whose programs the kernel's record names, with their words."""

    file: str = ""

    def command(self, *argv: str) -> list[str]:
        words = ("strace", "-D", "-f", "-qq", "-e", "trace=execve", "-s", "4096")
        return super().command(*words, "-o", self.file, *argv)


def hostile(offset: int) -> dict[str, str]:
    """Return a value for every parameter, each of them another one."""
    tags = [tag for tag in slots() if tag not in FIXED]
    given = {tag: PRINTABLE[(n + offset) % len(PRINTABLE)] for n, tag in enumerate(tags)}
    return {**given, **FIXED}


@pytest.mark.parametrize("offset", range(0, len(PRINTABLE), 2))
def test_no_value_becomes_a_command_or_a_word_of_one(
    net: Net, tmp_path: Path, component: list[str], offset: int
) -> None:
    component.append(" ".join(version("strace", "--version").split()[:4]))
    config, record = tmp_path / "first.xml", tmp_path / "record"
    config.write_text(profile(**hostile(offset)))
    space = Traced(net.phone_space.name, str(record))
    phone = RunningPhone(net.state, space, "--config", str(config))
    try:
        phone.wait_for("phone.ready")
        phone.until(lambda _: "/wpa_supplicant" in record.read_text())
        asked = (ask(phone.state, {"verb": "get", "tag": tag}) for tag in [*slots()][::20])
        kept = [one["text"] for one in asked if one]
    finally:
        phone.stop()
    assert len([text for text in kept if text in PRINTABLE]) > 5
    ran = [(Path(one["path"]).name, one["argv"]) for one in RAN.finditer(record.read_text())]
    assert "wpa_supplicant" in {name for name, _ in ran}
    assert {name for name, _ in ran} <= PROGRAMS
    words = "\n".join(argv for _, argv in ran)
    assert [value for value in PRINTABLE if value[:20] in words] == []
    assert not Path("/tmp/bad").exists()
