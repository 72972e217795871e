"""An upgrade of the lab's phone, after its call: lines, page and firewall are there again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.firmware import Publisher, image
from tests.support.lab import Command

PATIENCE = 60.0

DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "nft")
RULE = "https://pv.telco.test/firmware/new.pyz"
RULES = ("nft", "-s", "list", "chain", "inet", "ringfence", "input")
HELD = ("sh", "-c", "kamcmd -s unix:/run/lab/ctl.sock ul.dump brief | grep AoR: | sort")
SELF = """\
for cmdline in /proc/[0-9]*/cmdline; do
  case "$(tr '\\0' ' ' <$cmdline)" in *"firmware-a.pyz phone run"*)
    grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs)' "${cmdline%cmdline}status";;
  esac
done
"""
"""What the kernel says of the process of the image."""


@pytest.fixture
def lab(tmp_path: Path, component: list[str]) -> Iterator[Command]:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]
    made = Command(tmp_path)
    made.up()
    yield made
    assert made.run("down").returncode == 0


def rows(lab: Command) -> dict[str, str]:
    ran = lab.run("phone", "status", "--json")
    features = json.loads(ran.stdout)["features"] if ran.returncode == 0 else {}
    return dict(features.get("upgrade", {"rows": []})["rows"])


def said_well(lab: Command, *words: str) -> str:
    ran = lab.run("phone", *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.proves("RSY-09", "LOG-01")
def test_an_upgrade_waits_for_the_end_of_a_call_and_then_the_phone_is_all_that_it_was(
    lab: Command, tmp_path: Path
) -> None:
    folder = lab.home / "ringfence" / "lab" / "default"
    author = Publisher(tmp_path / "ca")
    author.publish(folder / "provider" / "firmware", image("9.9"))
    author.trust(folder / "provider" / "firmware", folder / "phone")
    rules, held = lab.shell("phone", *RULES).stdout, lab.shell("servers", *HELD).stdout
    assert "drop" in rules
    assert held.count("AoR:") == 2
    address = lab.status()["phone"]["lease"]["address"]
    said_well(lab, "set", "Auth_INVITE_2_=No")
    said_well(lab, "dial", "1002", "--line", "1")
    said_well(lab, "answer")
    told = json.loads(said_well(lab, "upgrade", RULE))
    assert told["result"] == "waiting"
    assert told["reason"] == "a line has a call; 9.9 is started when that is over"
    assert {call["state"] for call in lab.status()["phone"]["calls"]} == {"established"}
    assert rows(lab)["Software Version"].endswith(", as installed")
    said_well(lab, "hangup", "1")
    until = time.monotonic() + PATIENCE
    while (seen := rows(lab).get("Software Version")) != "9.9, slot A":
        assert time.monotonic() < until, seen
    lines = lab.status()["phone"]["lines"]
    assert [line["n"] for line in lines if line["registered"]] == [1, 2]
    assert lab.shell("servers", *HELD).stdout == held
    assert lab.shell("phone", *RULES).stdout == rules
    page = lab.shell("pc", "curl", "-s", "-L", f"http://{address}/").stdout
    assert "<form" in page
    said = dict(
        line.split(":", 1) for line in lab.shell("phone", "sh", "-c", SELF).stdout.splitlines()
    )
    assert int(said["CapEff"], 16) == int(said["CapBnd"], 16) == 1 << 10 | 1 << 12 | 1 << 13
    assert said["NoNewPrivs"].strip() == "1"
    log = (folder / "log" / "phones.log").read_text()
    assert "Requesting upgrade https://" in log
    assert "-- 9.9 came up" in log
