"""The computer behind the lab's phone, at a switch that lets each in by itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, steps

PHONE = "00:0e:08:ab:cd:ef"
DAEMONS = ("wpa_supplicant", "hostapd", "freeradius")


@pytest.fixture(scope="module")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, Mapping[str, Any]]]:
    """Return a lab whose switch blocks, and how it came up."""
    made = Command(tmp_path_factory.mktemp("lab"))
    yield made, steps(made.up("--dot1x", "eap-tls")["steps"])
    assert made.run("down").returncode == 0


def authorised(lab: Command) -> set[str]:
    """Return whom the switch's kernel lets through."""
    listed = lab.shell("switch", "nft", "-j", "list", "set", "netdev", "gate", "authorised").stdout
    (found,) = [entry["set"] for entry in json.loads(listed)["nftables"] if "set" in entry]
    return set(found.get("elem", []))


def rows(lab: Command, feature: str) -> dict[str, str]:
    return dict(lab.status()["phone"]["features"][feature]["rows"])


@pytest.mark.proves("DOT-08")
def test_phone_and_computer_are_let_in_and_the_computer_cannot_shut_the_phone_out(
    boot: tuple[Command, Mapping[str, Any]], component: list[str]
) -> None:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]
    lab, told = boot
    computer = told["computer"]["data"]["address"]
    assert authorised(lab) == {PHONE, computer}
    assert told["computer"]["data"]["kept"] > 0
    before = rows(lab, "discovery")
    for words in (("eapol", PHONE), ("advertise", PHONE), ("fuzz", "3000", "7")):
        ran = lab.shell("pc", *lab.python, "-m", "ringfence.lab.attacker", *words)
        assert json.loads(ran.stdout)["sent"] >= 3, ran.stderr
    kept = rows(lab, "pc_port")
    assert kept["Frames in the Phone's Name Dropped"] == "1"
    assert int(kept["DHCP Answers of the Computer Dropped"]) >= 3
    assert int(kept["EAPOL Kept Between Phone and Computer"]) > 900
    assert int(kept["CDP Not Passed On"]) > 900
    assert rows(lab, "discovery") == before  # it heard none of the noise
    assert PHONE in authorised(lab)
    assert rows(lab, "dot1x")["Transaction status"] == "Authenticated"
