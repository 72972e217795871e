"""A table of nftables as values: its words, and the ways from one table to another."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from msgspec import Struct

from ringfence.protocols import nftables
from ringfence.protocols.nftables import Request

PORT, IPV4, IPV6 = "inet_service", "ipv4_addr", "ipv6_addr"
PER_LINE = {PORT: 5, IPV4: 2}
"""Elements in a line of a listing; one, where the type is not named here."""
NEXT_LINE = ",\n\t\t\t     "
INTERVAL, DYNAMIC = "flags interval", "flags dynamic,timeout"

HELPER = """	ct helper {name} {{
		type "{name}" protocol udp
		l3proto inet
	}}
"""


class Set(Struct, frozen=True):
    """A set; where it is dynamic, packets alone put elements into it."""

    type: str
    options: tuple[str, ...] = ()
    """Lines of the declaration below the type."""
    elements: tuple[str, ...] = ()
    """In the order of a listing: `5060`, `16384-16483`, `10.0.0.1`."""

    @property
    def dynamic(self) -> bool:
        """Whether its elements are no part of what is planned."""
        return DYNAMIC in self.options


class Chain(Struct, frozen=True):
    """A chain and its rules."""

    rules: tuple[str, ...]
    hook: str = ""
    """Declaration of a base chain; empty for one that others go to."""
    policy: str = ""


class Table(Struct, frozen=True):
    """Everything that a table holds."""

    name: str
    """Family and name."""
    counters: tuple[str, ...]
    helpers: tuple[str, ...]
    """Connection tracking helpers for UDP."""
    sets: Mapping[str, Set]
    chains: Mapping[str, Chain]

    @property
    def swift(self) -> bool:
        """Whether it can be changed past libnftables: `protocols.nftables` speaks of inet."""
        return self.name.startswith("inet ")


def text(table: Table) -> str:
    """Return what `nft -s list table` prints of a table."""
    blocks = [
        *(f"\tcounter {name} {{\n\t}}\n" for name in table.counters),
        *(HELPER.format(name=name) for name in table.helpers),
        *(_set_text(name, one) for name, one in table.sets.items()),
        *(_chain_text(name, one) for name, one in table.chains.items()),
    ]
    body = "\n".join(blocks)
    return f"table {table.name} {{\n{body}}}\n"


def same(listing: str, table: Table) -> bool:
    """Return whether a listing is that of a table; in which order it was made does not count."""
    return _blocks(listing) == _blocks(text(table))


def replacement(held: str, wanted: Table) -> str:
    """Return one transaction in words that turns the listing `held` (empty: none) into `wanted`.

    The table is never deleted: chains and sets are emptied and filled again, so that no packet
    falls between two rulesets, and what `wanted` does not know is removed. Dynamic sets keep
    what they learnt.
    """
    if not held:
        return text(wanted)
    known = {*(("counter", name) for name in wanted.counters)}
    known |= {("ct helper", name) for name in wanted.helpers}
    known |= {("set", name) for name in wanted.sets}
    known |= {("chain", name) for name in wanted.chains}
    present = _objects(held)
    steps = [f"flush table {wanted.name}"]
    steps += [
        f"flush set {wanted.name} {name}"
        for name, one in wanted.sets.items()
        if ("set", name) in present and not one.dynamic
    ]
    steps += [f"delete {kind} {wanted.name} {name}" for kind, name in sorted(present - known)]
    return "\n".join([*steps, text(wanted)])


def rebuilt(wanted: Table) -> str:
    """Return one transaction that builds the table anew, whatever stands in its place."""
    return f"table {wanted.name}\ndelete table {wanted.name}\n{text(wanted)}"


def changes(held: Table, wanted: Table, compiled: Mapping[str, bytes]) -> list[Request] | None:
    """Return the requests that turn the table `held` into `wanted`, and touch nothing else.

    `compiled` has the expressions of rules, by their words. None where a rule is not among them
    or something else than rules, policies, elements and helpers differs: libnftables must do it.
    """
    if held == wanted:
        return []
    if not wanted.swift or (held.counters, held.sets.keys(), held.chains.keys()) != (
        wanted.counters,
        wanted.sets.keys(),
        wanted.chains.keys(),
    ):
        return None
    name = wanted.name.partition(" ")[2]
    requests = [nftables.add_helper(name, one) for one in wanted.helpers if one not in held.helpers]
    for key, one in wanted.sets.items():
        before = held.sets[key]
        if (before.type, before.options) != (one.type, one.options):
            return None
        requests += _refilled(name, key, before, one)
    for key, chain in wanted.chains.items():
        old = held.chains[key]
        if old.hook != chain.hook or not (
            chain.rules == old.rules or compiled.keys() >= {*chain.rules}
        ):
            return None
        requests += _rewritten(name, key, old, chain, compiled)
    requests += [
        nftables.delete_helper(name, one) for one in held.helpers if one not in wanted.helpers
    ]
    return requests


def _refilled(table: str, name: str, held: Set, wanted: Set) -> Iterator[Request]:
    if held.elements == wanted.elements:
        return
    if gone := [_encoded(held, word) for word in held.elements if word not in wanted.elements]:
        yield nftables.delete_elements(table, name, gone)
    if new := [_encoded(wanted, word) for word in wanted.elements if word not in held.elements]:
        yield nftables.add_elements(table, name, new)


def _rewritten(
    table: str, name: str, held: Chain, wanted: Chain, compiled: Mapping[str, bytes]
) -> Iterator[Request]:
    if held.policy != wanted.policy:
        yield nftables.set_policy(table, name, wanted.policy)
    if held.rules != wanted.rules:
        yield nftables.flush_chain(table, name)
        for rule in wanted.rules:
            yield nftables.append_rule(table, name, compiled[rule])


def _encoded(one: Set, word: str) -> bytes:
    if one.type != PORT:
        return nftables.single(ip_address(word).packed)
    first, _, last = word.partition("-")
    if INTERVAL in one.options:
        return nftables.interval(int(first), int(last or first), 2)
    return nftables.single(int(first).to_bytes(2, "big"))


def _set_text(name: str, one: Set) -> str:
    lines = "".join(f"\t\t{line}\n" for line in (f"type {one.type}", *one.options))
    if one.elements:
        step = PER_LINE.get(one.type, 1)
        rows = [", ".join(one.elements[i : i + step]) for i in range(0, len(one.elements), step)]
        lines += f"\t\telements = {{ {NEXT_LINE.join(rows)} }}\n"
    return f"\tset {name} {{\n{lines}\t}}\n"


def _chain_text(name: str, one: Chain) -> str:
    head = f"\t\t{one.hook}; policy {one.policy};\n" if one.hook else ""
    return f"\tchain {name} {{\n{head}" + "".join(f"\t\t{rule}\n" for rule in one.rules) + "\t}\n"


def _blocks(listing: str) -> list[list[str]]:
    head, _, body = listing.strip().removesuffix("}").partition("{")
    return [head.split(), *sorted(block.split() for block in body.split("\n\n"))]


def _objects(listing: str) -> set[tuple[str, str]]:
    """Return kind and name of everything that a listing of the table declares."""
    return set(re.findall(r"^\t([a-z]+(?: [a-z]+)?) (\S+) \{$", listing, re.MULTILINE))
