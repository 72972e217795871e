"""A table of ours in the kernel, and what we know of it."""

import asyncio
import logging
from collections.abc import Callable

from ringfence.errors import ComponentError
from ringfence.protocols.nft_table import Table, changes, rebuilt, replacement, same
from ringfence.protocols.nftables import following
from ringfence.runtime.host_nft import Nft, Watch

logger = logging.getLogger(__name__)

TRIES = 5
"""How often a table is read or loaded while others change rules, before we wait for a notice."""
PAUSE = 0.05
"""Seconds between two looks at the table, so that a program that keeps changing rules cannot
keep the phone busy."""


class KernelTable:
    """One table, brought to what is wanted without a packet lost.

    libnftables loads it when the phone starts and when a foreign hand was at it. After that a
    change is one small transaction, which the kernel takes only if nobody changed any rule in
    between.
    """

    def __init__(self, nft: Nft) -> None:
        self._nft = nft
        self._held: Table | None = None
        self._generation: int | None = None
        """The transaction after which the kernel held `_held`; None where others were faster."""
        self._listing = ""
        """The kernel's words for it, where we have read them."""
        self._compiled: dict[str, bytes] = {}
        """Expressions of every rule that was ever loaded, by its words."""
        self.repairs = 0
        """How often it was put right."""

    async def keep(self, watch: Watch, notice: Callable[[], None]) -> None:
        """Put the table right whenever somebody else changed it, and say so; never returns.

        Source: rulings 20.
        """
        try:
            while True:
                if times := self.put_right():
                    self.repairs += times
                    notice()
                await asyncio.sleep(PAUSE)
                await watch.changed()
        finally:
            watch.close()

    def bring(self, wanted: Table) -> None:
        """Make the kernel hold `wanted`; nothing happens where it does.

        Raises:
            ComponentError: the kernel refused; the table is as it was.

        """
        if not self._change(wanted):
            self._load(wanted)

    def put_right(self) -> int:
        """Return how often somebody else had changed the table; it is right again then.

        Raises:
            ComponentError: the kernel refused.

        """
        if self._held is None or self._nft.generation() == self._generation:
            return 0
        found, self._generation = self._look(self._held.name)
        if (found and found == self._listing) or same(found, self._held):
            return 0
        return self._load(self._held)

    def _change(self, wanted: Table) -> bool:
        """Send what differs; return whether the kernel holds `wanted` now."""
        if self._held is None or self._generation is None:
            return False
        requests = changes(self._held, wanted, self._compiled)
        if requests is None:
            return False
        if requests:
            try:
                generation = self._nft.commit(requests, self._generation)
            except ComponentError as error:
                logger.warning("nftables.change_refused: %s; the table is loaded anew", error)
                return False
            if generation is None:
                return False
            self._generation, self._listing = generation, ""
        self._held = wanted
        return True

    def _load(self, wanted: Table) -> int:
        """Bring the table to `wanted` from whatever it is, and learn how its rules are made.

        Return how often that took.
        """
        self._generation = None
        for times in range(TRIES):
            listing, generation = self._look(wanted.name)
            if same(listing, wanted):
                break
            try:
                self._nft.run(replacement(listing, wanted))
            except ComponentError:  # something of another kind stands in the way
                self._nft.run(rebuilt(wanted))
            before = generation
            listing, generation = self._look(wanted.name)
            if generation == following(before):
                times += 1
                break
        else:
            self._held = wanted
            return TRIES
        self._held, self._listing, self._generation = wanted, listing, generation
        if same(listing, wanted):
            self._learn(wanted)
        return times

    def _look(self, name: str) -> tuple[str, int]:
        """Return the kernel's listing and the generation that it shows.

        Where others never rest it is an older one, and the next notice leads to another look.
        """
        for _ in range(TRIES):
            generation = self._nft.generation()
            listing = self._nft.table(name)
            if self._nft.generation() == generation:
                break
        return listing, generation

    def _learn(self, table: Table) -> None:
        if not table.swift:
            return
        rules = self._nft.rules(table.name)
        if self._nft.generation() != self._generation:
            return
        for name, chain in table.chains.items():
            self._compiled.update(zip(chain.rules, rules.get(name, ()), strict=True))
