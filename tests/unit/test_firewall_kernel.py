"""What we believe of the kernel's table, where others change it while we look away."""

from collections.abc import Callable
from typing import cast

import pytest
from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.features.firewall.plan import FirewallPlan
from ringfence.features.firewall.ruleset import table
from ringfence.protocols.nft_table import Table, text
from ringfence.protocols.nftables import Request
from ringfence.runtime.host_nft import Nft
from ringfence.runtime.nft_table import KernelTable

PLAN = FirewallPlan(True, False, udp=((68, 68),), tcp=((80, 80),))
WANTED, OTHER = table(PLAN), table(replace(PLAN, tcp=((80, 80), (8080, 8080))))


class Kernel:
    """A kernel that holds listings, numbers its transactions, and may have another visitor."""

    def __init__(self) -> None:
        self.held = ""
        self.number = 1
        self.loads = 0
        self.refused = False
        self.wanted = WANTED
        self.visits: list[Callable[[], None]] = []
        """What somebody else does right after our next loads."""

    def run(self, commands: str) -> str:
        self.loads += 1
        self.transact(text(self.wanted))
        if self.visits:
            self.visits.pop(0)()
        return ""

    def transact(self, listing: str) -> None:
        self.held, self.number = listing, self.number + 1

    def flush(self) -> None:
        self.transact("table inet ringfence {\n}\n")

    def table(self, name: str) -> str:
        return self.held

    def generation(self) -> int:
        return self.number

    def rules(self, name: str) -> dict[str, list[bytes]]:
        return {name: [b"x"] * len(chain.rules) for name, chain in self.wanted.chains.items()}

    def commit(self, requests: list[Request], generation: int) -> int | None:
        if self.refused:
            raise ComponentError("nftables", "no")
        if generation != self.number:
            return None
        self.transact(text(OTHER))
        return self.number


def held(kernel: Kernel, wanted: Table = WANTED) -> KernelTable:
    made = KernelTable(cast(Nft, kernel))
    made.bring(wanted)
    return made


def test_a_table_that_says_the_same_is_adopted_whatever_its_order() -> None:
    kernel = Kernel()
    blocks = text(WANTED).removesuffix("}\n").removeprefix("table inet ringfence {\n")
    shuffled = "\n\n".join(reversed(blocks.strip("\n").split("\n\n")))
    kernel.transact(f"table inet ringfence {{\n{shuffled}\n}}\n")
    held(kernel)
    assert kernel.loads == 0


def test_a_change_goes_past_the_library() -> None:
    kernel = Kernel()
    made = held(kernel)
    made.bring(OTHER)
    assert (kernel.loads, kernel.held) == (1, text(OTHER))
    assert not made.put_right()


def test_a_foreign_change_right_after_ours_is_not_taken_for_ours() -> None:
    kernel = Kernel()
    kernel.visits = [kernel.flush]
    held(kernel)
    assert (kernel.loads, kernel.held) == (2, text(WANTED))


def test_who_changes_rules_without_rest_is_answered_at_the_next_notice() -> None:
    kernel = Kernel()
    kernel.visits = [kernel.flush] * 5
    made = held(kernel)
    assert kernel.held != text(WANTED)
    assert made.put_right() == 1
    assert kernel.held == text(WANTED)
    assert not made.put_right()


@pytest.mark.parametrize("refused", [True, False])
def test_a_change_that_is_refused_or_comes_late_is_loaded_instead(refused: bool) -> None:
    kernel = Kernel()
    made = held(kernel)
    kernel.refused = refused
    kernel.flush()
    kernel.wanted = OTHER
    made.bring(OTHER)
    assert (kernel.loads, kernel.held) == (2, text(OTHER))


def test_transactions_of_others_in_other_tables_are_no_foreign_change() -> None:
    kernel = Kernel()
    made = held(kernel)
    kernel.number += 7
    assert not made.put_right()
    made.bring(OTHER)
    assert kernel.loads == 1


def test_every_foreign_change_counts_also_one_that_comes_while_another_is_put_right() -> None:
    kernel = Kernel()
    made = held(kernel)
    kernel.flush()
    kernel.visits = [kernel.flush]
    assert made.put_right() == 2
    assert kernel.held == text(WANTED)
