"""What the phone's kernel neighbours see of it, and what the phone says of its ways."""

import json
from typing import Any

from tests.support.phone import RunningPhone
from tests.support.provider_net import NAME, PHONE, Net

URL = f"https://{NAME}/a.xml"
QUIET = {"Resync_On_Reset": "No", "Resync_Error_Retry_Delay": "0"}
WATCH = f"""\
table inet seen {{
  set to_tcp {{ type ipv4_addr . inet_service; flags dynamic; size 64; }}
  set to_udp {{ type ipv4_addr . inet_service; flags dynamic; size 64; }}
  chain input {{
    type filter hook input priority filter; policy accept;
    ip saddr {PHONE} tcp flags & (syn | ack) == syn add @to_tcp {{ ip daddr . tcp dport }}
    ip saddr {PHONE} udp dport != 0 add @to_udp {{ ip daddr . udp dport }}
  }}
}}
"""
"""The servers' kernel notes where the phone goes to."""


def told(phone: RunningPhone) -> dict[str, Any]:
    """Return the rows of the status, by their labels."""
    return dict(phone.status()["features"]["proxy"]["rows"])


def watch(net: Net) -> None:
    net.servers.run("nft", "-f", "-", stdin=WATCH)


def seen(net: Net, kind: str = "tcp") -> set[tuple[str, int]]:
    """Return the addresses and ports that the phone went to."""
    listed = net.servers.run("nft", "-j", "list", "set", "inet", "seen", f"to_{kind}").stdout
    (found,) = [one["set"] for one in json.loads(listed)["nftables"] if "set" in one]
    return {(e["concat"][0], e["concat"][1]) for e in found.get("elem", [])}
