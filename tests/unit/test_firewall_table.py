"""From one table to another: in words for libnftables, and in requests for the kernel."""

from msgspec.structs import replace

from ringfence.features.firewall.plan import FirewallPlan
from ringfence.features.firewall.ruleset import table
from ringfence.protocols import nftables
from ringfence.protocols.nft_table import Table, changes, rebuilt, replacement, text
from tests.support.firewall_example import PLAN, RULESET

EXAMPLE = table(PLAN)
COMPILED = {rule: b"" for chain in EXAMPLE.chains.values() for rule in chain.rules}


def test_without_a_table_the_ruleset_is_the_transaction() -> None:
    assert replacement("", EXAMPLE) == RULESET


def test_a_table_is_emptied_and_filled_and_never_deleted() -> None:
    steps = replacement(RULESET, EXAMPLE)
    head = steps.removesuffix(RULESET).split("\n")
    assert head[0] == "flush table inet ringfence"
    assert {"flush set inet ringfence tcp_open", "flush set inet ringfence udp_open"} <= {*head}
    assert not [step for step in head if step.startswith("delete")]


def test_what_the_new_ruleset_does_not_know_is_removed() -> None:
    helped = table(replace(PLAN, tftp=False))
    assert "delete ct helper inet ringfence tftp\n" in replacement(text(helped), EXAMPLE)
    assert "delete" not in replacement(RULESET, helped)


def test_a_rebuilt_table_is_deleted_and_made_in_one_transaction() -> None:
    assert rebuilt(EXAMPLE) == ("table inet ringfence\ndelete table inet ringfence\n" + RULESET)


def test_equal_tables_ask_for_nothing() -> None:
    assert changes(EXAMPLE, table(PLAN), {}) == []


def test_one_more_port_is_one_element() -> None:
    wanted = table(replace(PLAN, tcp=((80, 80), (8123, 8123), (12000, 12000))))
    assert changes(EXAMPLE, wanted, {}) == [
        nftables.add_elements("ringfence", "tcp_open", [nftables.interval(8123, 8123, 2)])
    ]
    assert changes(wanted, EXAMPLE, {}) == [
        nftables.delete_elements("ringfence", "tcp_open", [nftables.interval(8123, 8123, 2)])
    ]


def test_a_grown_range_goes_before_its_successor_comes() -> None:
    wanted = table(replace(PLAN, tcp=((80, 81), (12000, 12000))))
    assert changes(EXAMPLE, wanted, {}) == [
        nftables.delete_elements("ringfence", "tcp_open", [nftables.interval(80, 80, 2)]),
        nftables.add_elements("ringfence", "tcp_open", [nftables.interval(80, 81, 2)]),
    ]


def test_a_chain_with_another_rule_is_written_anew_and_no_other_is_touched() -> None:
    wanted = table(replace(PLAN, broadcast_echo=True))
    rules = wanted.chains["input"].rules
    compiled = {rule: rule.encode() for rule in rules}
    assert changes(EXAMPLE, wanted, compiled) == [
        nftables.flush_chain("ringfence", "input"),
        *(nftables.append_rule("ringfence", "input", rule.encode()) for rule in rules),
    ]


def test_a_helper_comes_before_the_rule_that_needs_it_and_goes_after_it() -> None:
    helped = table(replace(PLAN, tftp=False))
    rule = 'udp dport 69 ct helper set "tftp"'
    flush = nftables.flush_chain("ringfence", "output")
    assert changes(EXAMPLE, helped, {rule: b"x"}) == [
        nftables.add_helper("ringfence", "tftp"),
        flush,
        nftables.append_rule("ringfence", "output", b"x"),
    ]
    assert changes(helped, EXAMPLE, {}) == [flush, nftables.delete_helper("ringfence", "tftp")]


def test_a_firewall_that_is_switched_off_gets_its_policy_in_the_same_transaction() -> None:
    off = table(FirewallPlan(False, False))
    compiled = COMPILED | dict.fromkeys(off.chains["input"].rules, b"")
    assert nftables.set_policy("ringfence", "input", "accept") in (
        changes(EXAMPLE, off, compiled) or ()
    )


def test_a_rule_that_was_never_loaded_and_a_new_set_are_left_to_the_library() -> None:
    assert changes(EXAMPLE, table(replace(PLAN, broadcast_echo=True)), COMPILED) is None

    def without(name: str) -> Table:
        return replace(EXAMPLE, sets={n: s for n, s in EXAMPLE.sets.items() if n != name})

    assert changes(without("udp_open"), EXAMPLE, COMPILED) is None
    assert changes(EXAMPLE, without("listeners"), COMPILED) is None
