"""What `explain` promises is what the kernel holds for the same file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.phone import RunningPhone, ringfence

FILES = {
    "virgin": "",
    "options": "<Firewall_Config>NO_ICMP_PING,NO_ICMP_UNREACHABLE,TCP:12000,UDP:8000:8010,X"
    "</Firewall_Config><SIP_Port_2_>5070</SIP_Port_2_><RTP_Port_Max>16999</RTP_Port_Max>",
    "no-tftp": "<Firewall_Config>NO_CISCO_TFTP</Firewall_Config>"
    "<Broadcast_Echo>Enabled</Broadcast_Echo><Web_Server_Port>8080</Web_Server_Port>",
    "off": "<Firewall>Disabled</Firewall>",
}


@pytest.mark.proves("FW-01")
@pytest.mark.parametrize("name", FILES)
def test_the_explained_ruleset_is_the_one_in_the_kernel(
    name: str,
    tmp_path: Path,
    namespaces: Callable[[str], Namespace],
    component: list[str],
) -> None:
    config = tmp_path / "cfg.xml"
    config.write_text(f"<flat-profile>{FILES[name]}</flat-profile>")
    phone = RunningPhone(tmp_path / "state", namespaces("phone"), "--config", str(config))
    try:
        phone.wait_for("phone.ready")
        listing = phone.space.run("nft", "-s", "list", "table", "inet", "ringfence").stdout
        component.append("nft " + phone.space.run("nft", "--version").stdout.split()[1])
        explained = ringfence("explain", str(config), "--json")
        ruleset = json.loads(explained.stdout)["firewall"]["ruleset"]
        assert ruleset.split() == listing.split()
        empty = namespaces("empty")
        empty.run("nft", "-f", "-", stdin=ruleset)
        assert empty.run("nft", "-s", "list", "table", "inet", "ringfence").stdout == listing
    finally:
        phone.stop()
