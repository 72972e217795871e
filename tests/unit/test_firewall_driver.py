"""The firewall's driver where the kernel refuses; what the kernel does is tested at the kernel."""

import asyncio
import re
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ringfence.errors import ComponentError
from ringfence.features.firewall.driver import FirewallDriver
from ringfence.features.firewall.plan import FirewallPlan
from ringfence.protocols.nftables import Request
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health

PLAN = FirewallPlan(True, False, udp=((68, 68),), tcp=((80, 80),))


class Kernel:
    """A kernel that has no table and refuses every transaction with one of some words."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.taken = ""
        self.number = 1
        self.read = 0

    def run(self, commands: str) -> str:
        if any(word in commands for word in self.refused):
            raise ComponentError("nftables", "not here")
        self.taken = commands
        self.number += 1
        return ""

    def table(self, name: str) -> str:
        self.read += 1
        return self.taken

    def generation(self) -> int:
        return self.number

    def rules(self, name: str) -> dict[str, list[bytes]]:
        chains = re.findall(r"chain (\S+) {\n(.*?)\t}\n", self.taken, re.DOTALL)
        return {name: [b""] * (body.count("\n") - body.count("policy")) for name, body in chains}

    def commit(self, requests: list[Request], generation: int) -> None:
        """Say that somebody else was there, so that the library does it."""

    def counters(self, table: str) -> dict[str, int]:
        return {"opened_udp": 7, "theirs": 8}

    def watch(self) -> None:
        """Give nothing to wait for."""


def driver(kernel: Kernel) -> FirewallDriver:
    def spawn(work: Coroutine[Any, Any, None]) -> None:
        work.close()

    return FirewallDriver(
        cast(World, SimpleNamespace(host=SimpleNamespace(nft=kernel, now=lambda: 0.0), spawn=spawn))
    )


def test_a_kernel_without_the_tftp_helper_still_gets_the_firewall_with_the_range_shut() -> None:
    kernel = Kernel("ct helper")
    asyncio.run(driver(kernel).apply("", FirewallPlan(True, False, tftp=False)))
    assert "policy drop" in kernel.taken
    assert "53240" not in kernel.taken


def test_a_kernel_that_refuses_leaves_the_driver_as_it_was() -> None:
    kernel = Kernel("policy drop")
    made = driver(kernel)
    with pytest.raises(ComponentError, match="not here"):
        asyncio.run(made.apply("", PLAN))
    assert made.status().health is Health.STARTING
    asyncio.run(made.apply("", FirewallPlan(False, False)))
    with pytest.raises(ComponentError):
        asyncio.run(made.apply("", PLAN))
    assert made.status().health is Health.DISABLED


def test_the_status_names_the_ports_and_counts() -> None:
    made = driver(Kernel())
    asyncio.run(made.apply("", FirewallPlan(True, False, udp=((68, 68), (5060, 5070)))))
    status = made.status()
    rows = dict(status.rows)
    assert (rows["Open UDP Ports"], rows["Open TCP Ports"]) == ("68, 5060-5070", "none")
    assert rows["Packets to Open UDP Ports"] == "7"
    assert (rows["Kernel"], status.data["held"]) == ("holds what is planned", True)
    assert status.data["udp"] == [[68, 68], [5060, 5070]]
    assert str(status.data["ruleset"]).startswith("table inet ringfence {")


def test_the_status_tells_what_is_shielded_and_who_is_heard_all_the_same() -> None:
    made = driver(Kernel())
    peers = ("192.0.2.9", "2001:db8::9")
    plan = FirewallPlan(True, False, udp_services=(5060, 5062), tcp_services=(80,), peers=peers)
    asyncio.run(made.apply("", plan))
    rows = dict(made.status().rows)
    assert rows["Shielded from Floods"] == "UDP 5060, 5062; TCP 80; ping"
    assert rows["Heard Through a Flood"] == "192.0.2.9, 2001:db8::9"
    assert made.status().data["peers"] == ["192.0.2.9", "2001:db8::9"]
    asyncio.run(made.apply("", PLAN))
    assert dict(made.status().rows)["Heard Through a Flood"] == "nobody yet"
    asyncio.run(made.apply("", FirewallPlan(False, False)))
    rows = dict(made.status().rows)
    assert rows["Shielded from Floods"] == "nothing"
    assert rows["Heard Through a Flood"] == "everybody"


def test_the_status_says_when_the_kernel_holds_something_else() -> None:
    kernel = Kernel()
    made = driver(kernel)
    asyncio.run(made.apply("", PLAN))
    kernel.taken = kernel.taken.replace("policy drop", "policy accept")
    status = made.status()
    assert dict(status.rows)["Kernel"] == "differs from what is planned"
    assert status.data["held"] is False


def test_the_table_is_read_again_only_once_somebody_changed_rules() -> None:
    kernel = Kernel()
    made = driver(kernel)
    asyncio.run(made.apply("", PLAN))
    before = kernel.read
    assert [made.status().data["held"] for _ in range(3)] == [True] * 3
    assert kernel.read == before + 1
    kernel.run(kernel.taken.replace("policy drop", "policy accept"))
    assert made.status().data["held"] is False
