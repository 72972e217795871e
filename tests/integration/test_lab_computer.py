"""The computer behind the lab's phone, at a switch that lets each in by itself."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.discovery_frames import cdp_frame
from tests.support.lab import Command, steps

PHONE = "00:0e:08:ab:cd:ef"
SERVERS = ("dnsmasq", "kamailio")
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


PATIENCE = 30.0
"""Seconds in which the lines must have moved."""
SAY = """
import socket, sys
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
raw.bind(("p1", 0))
raw.send(bytes.fromhex(sys.argv[1]))
"""
CDP_SWITCH = cdp_frame((1, b"labsw"), (3, b"Gi1"), (14, b"\1\0\x64"))
LENDS = (
    *("dnsmasq", "-d", "--port=0", "--no-ping", "--user=root", "--pid-file=", "--leasefile-ro"),
    *("--interface=voice100", "--except-interface=eth0", "--bind-interfaces"),
    *("--dhcp-range=10.99.100.100,10.99.100.150,2m", "--dhcp-option=3,10.99.100.10"),
    *("--dhcp-option=6,10.99.1.10", "--dhcp-option=160,https://pv.telco.test/$MA.xml"),
)


def test_lease_and_lines_follow_the_phone_into_its_voice_vlan(
    boot: tuple[Command, Mapping[str, Any]], component: list[str]
) -> None:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in SERVERS]
    lab, _ = boot
    tagged = ("tests.support.tagged", "eth0", "100", "10.99.100.10/24")
    with (
        serving(lab, "ready", *lab.python, "-m", *tagged),
        serving(lab, "DHCP, IP range", *LENDS),
    ):
        until = time.monotonic() + PATIENCE
        while not within(contacts(lab), "10.99.100."):
            assert time.monotonic() < until
            lab.shell("switch", *lab.python, "-c", SAY, CDP_SWITCH.hex())
        status = lab.status()["phone"]
    assert [line["registered"] for line in status["lines"][:2]] == [True, True]
    assert status["lease"]["address"].startswith("10.99.100.")
    assert rows(lab, "voice_vlan")["VLAN"] == "100 by CDP"


@contextlib.contextmanager
def serving(lab: Command, ready: str, *words: str) -> Iterator[None]:
    """Run a program among the lab's servers, with which it ends; it says when it is ready."""
    merged = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    argv = lab.words("shell", "servers", "--", *words)
    process = subprocess.Popen(argv, **{**lab.options(), **merged})
    try:
        assert process.stdout
        while ready not in process.stdout.readline():
            assert process.poll() is None
        yield
    finally:
        process.terminate()
        if process.stdout:
            process.stdout.close()
        process.wait(timeout=PATIENCE)


def contacts(lab: Command) -> list[str]:
    """Return the addresses that Kamailio holds."""
    ran = lab.shell("servers", "kamcmd", "-s", "unix:/run/lab/ctl.sock", "ul.dump")
    return re.findall(r"Address: sip:(\S+)", ran.stdout)


def within(found: list[str], network: str) -> bool:
    """Return whether both lines are registered from there."""
    return {one.split("@")[0] for one in found if f"@{network}" in one} == {"1001", "1002"}
