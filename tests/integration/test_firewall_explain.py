"""What `explain` says of a file's firewall, the kernel holds; and both are what the tables say."""

import random
import re
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli.explain import as_json, explain
from ringfence.config.cfgxml import read
from ringfence.runtime.state import Identity
from tests.support import firewall_files, firewall_model
from tests.support.firewall_fixtures import Wire, listen, listing, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.firewall_stranger import Stranger, stranger

__all__ = ["listen", "phone", "stranger", "wire"]

FILES = 200
KNOCKED = 20
"""Every twentieth file is tried by a stranger, too."""


def ports(ranges: list[list[int]]) -> frozenset[int]:
    return frozenset(port for first, last in ranges for port in range(first, last + 1))


def held(listing: str, name: str) -> frozenset[int]:
    """Return the ports of a set in the kernel's listing."""
    block = listing.partition(f"set {name} {{")[2].partition("\t}")[0]
    pairs = re.findall(r"(\d+)(?:-(\d+))?", block.partition("elements = ")[2])
    return ports([[int(first), int(last or first)] for first, last in pairs])


@pytest.mark.proves("FW-20")
def test_explain_and_kernel_agree_for_200_random_files(
    phone: FirewallPhone, wire: Wire, stranger: Stranger, tmp_path: Path
) -> None:
    dice = random.Random(2026)
    for number in range(FILES):
        texts = firewall_files.texts(dice)
        file = tmp_path / f"{number}.xml"
        file.write_bytes(firewall_files.document(texts, dice))
        explanation = explain(read(file.read_bytes()), Identity())
        said: Any = as_json(explanation)["firewall"]
        phone.load(file)
        agree(texts, said, listing(wire[0]))
        drawn = [one.rule for one in explanation.findings].count("firewall-port-to-be-drawn")
        assert drawn == (texts.get("Enable_TR-069") == "Yes" and said["enabled"])
        if number % KNOCKED == 0:
            wanted = firewall_model.expected(texts)
            stranger.finds(texts, *map(firewall_model.edges, (wanted.udp, wanted.tcp)))


def agree(texts: dict[str, str], said: dict[str, Any], kernel: str) -> None:
    wanted = firewall_model.expected(texts)
    assert said["broadcast_echo"] == wanted.multicast_ping
    if texts.get("Firewall") == "Disabled":
        assert (said["enabled"], said["ruleset"].split()) == (False, kernel.split())
        assert "policy drop" not in kernel
        return
    drawn = {firewall_model.CONNECTION_REQUESTS} & wanted.tcp
    assert ports(said["udp"]) == held(kernel, "udp_open") == wanted.udp
    assert held(kernel, "tcp_open") == wanted.tcp
    assert wanted.tcp - drawn <= ports(said["tcp"]) <= wanted.tcp
    assert said["ping"] == wanted.ping == ("icmp type echo-request accept" in kernel)
    assert said["unreachable"] == (wanted.unreachable == firewall_model.ALL)
    assert said["unreachable"] == ("reject" in kernel)
    if texts.get("Enable_TR-069") != "Yes":
        assert said["ruleset"].split() == kernel.split()
