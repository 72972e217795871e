"""`ringfence lab up --dot1x`: a phone whose switch blocks until a RADIUS server knows it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, left_of, steps

DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "hostapd", "wpa_supplicant")
PHONE = "00:0e:08:ab:cd:ef"


@pytest.fixture
def lab(tmp_path: Path, component: list[str]) -> Iterator[Command]:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]
    made = Command(tmp_path)
    yield made
    made.run("down")
    assert left_of(tmp_path) == []


def broken(lab: Command, name: str) -> dict[str, dict[str, object]]:
    """Have something broken; return what was told, by its part."""
    ran = lab.run("break", name, "--json")
    document = json.loads(ran.stdout)
    assert ran.returncode == 0, document
    return {part["part"]: part for part in document["parts"]}


@pytest.mark.proves("DOT-01", "DOT-02", "DOT-04", "DOT-05")
def test_freeradius_opens_the_port_to_the_phones_certificate_and_to_no_strangers(
    lab: Command, component: list[str]
) -> None:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name == "freeradius"]
    document = lab.up("--dot1x", "eap-tls")
    told = steps(document["steps"])["port"]["data"]
    assert (told["server"], told["method"]) == ("FreeRADIUS", "EAP-TLS")
    assert told["user"] == "CP-8841-3PCC-SEP000E08ABCDEF"
    assert PHONE in document["port"]["open"]
    assert document["phone"]["dot1x"]["transaction"] == "Authenticated"
    assert [line["registered"] for line in document["phone"]["lines"] if line["used"]] == [True] * 2
    parts = broken(lab, "radius-ca")
    assert "the authentication server is not trusted" in str(parts["phone"]["text"])
    assert parts["why"]["tag"] == "RF_EAP_Server_Name"
    assert PHONE in lab.status()["port"]["open"]
    refused = lab.run("break", "fast-password")
    assert refused.returncode == 3
    assert "takes a lab booted by ringfence lab up --dot1x eap-fast" in refused.stderr


@pytest.mark.proves("DOT-03", "DOT-05")
def test_a_changed_password_shuts_the_phone_out_until_it_is_changed_back(lab: Command) -> None:
    document = lab.up("--dot1x", "eap-fast")
    assert document["phone"]["dot1x"]["protocol"] == "EAP-FAST"
    parts = broken(lab, "fast-password")
    assert "refused identity or password" in str(parts["phone"]["text"])
    assert parts["why"]["value"] == "***"
    assert PHONE in lab.status()["port"]["open"]
    assert lab.run("break", "radius-ca").returncode == 3  # with a PAC it shows no certificate
