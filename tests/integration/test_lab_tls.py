"""The chapter's example of a cipher list in the whole lab: real servers speak RSA key exchange."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command
from tests.support.phone import RunningPhone, ringfence

EXAMPLE = "RSA:!aNULL:!eNULL"
SERVERS = {"provisioning": "10.99.1.12:443", "registrar": "10.99.1.10:5061"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    made = Command(tmp_path_factory.mktemp("lab"))
    made.up()
    yield made
    assert made.run("down").returncode == 0


@pytest.fixture
def daemons(component: list[str]) -> None:
    """Name the daemons that the phone speaks TLS with."""
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name == "kamailio"]


class LabPhone(RunningPhone):
    """The phone of a lab, by its state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state


def registered_with(suite: str, line: dict[str, Any]) -> bool:
    return bool(line["registered"]) and line["suite"] == suite


@pytest.mark.proves("TLS-01", "TLS-07", "TLS-12")
def test_the_chapters_example_reaches_line_and_provisioning_of_a_running_phone(
    lab: Command, daemons: None
) -> None:
    phone = LabPhone(lab.home / "ringfence" / "lab" / "default" / "phone")
    state = ("--state", str(phone.state))
    assert phone.status()["lines"][0]["suite"] == "TLS_AES_256_GCM_SHA384"
    assert ringfence("phone", "set", *state, f"TLS_Cipher_List={EXAMPLE}").returncode == 0
    phone.until(lambda status: registered_with("AES256-GCM-SHA384", status["lines"][0]))
    answer = ringfence("phone", "resync", *state)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.proves("TLS-12")
@pytest.mark.parametrize("server", SERVERS)
def test_every_server_of_the_lab_that_speaks_tls_has_an_rsa_certificate(
    lab: Command, daemons: None, server: str
) -> None:
    words = ("s_client", "-connect", SERVERS[server], "-tls1_2", "-cipher", "AES128-SHA")
    heard = lab.shell("phone", "openssl", *words).stdout
    assert "Cipher is AES128-SHA" in heard
    assert "Server public key is 2048 bit" in heard
