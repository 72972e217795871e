"""A running lab to break, and what `ringfence lab break` says of it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from ringfence.runtime.control import ask
from tests.support.lab import Command

DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "nft")


Parts = Mapping[str, list[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Return a running lab."""
    made = Command(tmp_path_factory.mktemp("lab"))
    made.up()
    yield made
    assert made.run("down").returncode == 0


@pytest.fixture(scope="module")
def before(lab: Command) -> Mapping[str, object]:
    """Return what the lab was before anything was broken."""
    return held(lab)


@pytest.fixture
def healthy(lab: Command, before: Mapping[str, object], component: list[str]) -> Iterator[Command]:
    """Name what takes part, and hold the lab in the end against what it was before."""
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]
    yield lab
    assert held(lab) == before


LOOK = """
ip netns exec pc getent ahostsv4 pv.telco.test
ip netns exec servers openssl s_client -connect 10.99.1.12:443 </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint
ip netns exec servers kamcmd -s unix:/run/lab/ctl.sock ul.dump brief | grep AoR: | sort
ip netns exec phone nft -s list chain inet ringfence input
ip netns exec stranger nft list ruleset
ip netns exec stranger ss -Hltn
"""
"""What a break may touch, asked of whoever has it."""


def held(lab: Command) -> Mapping[str, object]:
    """Return what the lab is now."""
    status = lab.status()
    return {
        "seen": lab.shell("switch", "sh", "-c", LOOK).stdout,
        "registered": [line["n"] for line in status["phone"]["lines"] if line["registered"]],
        "template": template(lab).read_text(),
        "values": [get(lab, tag) for tag in ("TLS_Cipher_List", "Profile_Rule_B")],
        "ports": status["phone"]["ports"],
        "broken": (status["break"], status["mended"], status["broken"]),
    }


def template(lab: Command) -> Path:
    return folder(lab) / "provider" / "templates" / "default.xml"


def folder(lab: Command) -> Path:
    return lab.home / "ringfence" / "lab" / "default"


def phone(lab: Command, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `ringfence phone` from outside, as the owner of the lab."""
    verb, *rest = words
    argv = [*lab.python, "-m", "ringfence", "phone", verb, "--state", str(folder(lab) / "phone")]
    return subprocess.run(
        [*argv, *rest], capture_output=True, check=False, timeout=60, **lab.options()
    )


def get(lab: Command, tag: str) -> str:
    return str((ask(folder(lab) / "phone", {"verb": "get", "tag": tag}) or {})["text"])


def show(lab: Command, name: str, code: int = 0) -> tuple[Mapping[str, Any], Parts]:
    """Break something; return what was said, whole and by the kind of its parts."""
    ran = lab.run("break", "--json", name)
    assert ran.returncode == code, ran.stdout[-3000:] + ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for part in told["parts"]:
        parts.setdefault(part["part"], []).append(part)
    return told, parts


def because(parts: Parts, section: str, tag: str, said: str = "") -> None:
    """Check that it was explained: by the chapter, the parameter in its file, and the phone."""
    (why,) = parts["why"]
    assert (why["section"], why["tag"]) == (section, tag)
    assert said in why["said"]


def refused(parts: Parts, said: str) -> None:
    """Check that a server got nothing, and that syslog and phone say why."""
    assert [part["request_bytes"] for part in parts["phone"]] == [0]
    because(parts, "HTTPS Provisioning", "Profile_Rule", said)
    assert parts["why"][0]["line"] > 0
    assert "<131>" in parts["field"][0]["syslog"]
    assert "Resync failed" in parts["field"][0]["syslog"]
    assert said in parts["field"][0]["syslog"]
