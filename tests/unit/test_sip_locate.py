"""Locating SIP servers: zones as DNS holds them, and where the phone then goes."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.dns import Naptr, Srv
from ringfence.protocols.sip.locate import (
    Hop,
    Search,
    Server,
    describe,
    in_order,
    may_fail_over,
    preferred,
)
from tests.support.sip_zone import (
    RFC_3263,
    SIPS,
    Zone,
    asked,
    auto,
    first,
    places,
    without,
)

# Which transport


@pytest.mark.proves("SIP-04")
def test_naptr_records_choose_the_transport_by_order() -> None:
    assert places(RFC_3263, auto()) == [
        ("TLS", "192.0.2.1", 5061),
        ("TCP", "192.0.2.1", 5060),
        ("TCP", "192.0.2.2", 5060),
        ("UDP", "192.0.2.1", 5060),
    ]


@pytest.mark.proves("SIP-04")
def test_preference_decides_between_records_of_one_order() -> None:
    records = [
        Naptr(10, 30, "S", "sips+d2t", "", "_sips._tcp.example.com"),
        Naptr(10, 20, "S", "sip+d2u", "", "_sip._udp.example.com"),
    ]
    zone = {**RFC_3263, ("example.com", "NAPTR"): records}
    assert [hop.transport for hop in asked(zone, auto())[0]] == ["UDP", "TLS"]


@pytest.mark.proves("SIP-04")
def test_without_naptr_the_srv_records_say_which_transports_there_are_tls_first() -> None:
    zone = without(RFC_3263, ("example.com", "NAPTR"), ("_sip._tcp.example.com", "SRV"))
    hops, questions = asked(zone, auto())
    assert [hop.transport for hop in hops] == ["TLS", "UDP"]
    assert questions[:4] == [
        "NAPTR example.com",
        "SRV _sips._tcp.example.com",
        "SRV _sip._tcp.example.com",
        "SRV _sip._udp.example.com",
    ]


@pytest.mark.proves("SIP-04")
def test_without_naptr_and_srv_it_is_udp_at_the_address_of_the_name() -> None:
    zone: Zone = {("example.com", "A"): ["192.0.2.9"]}
    assert places(zone, auto()) == [("UDP", "192.0.2.9", 5060)]


@pytest.mark.parametrize(
    "broken",
    [
        {("_sips._tcp.example.com", "SRV"): None},
        {("_sips._tcp.example.com", "SRV"): [Srv(0, 0, 0, ".")]},
        {("_sips._tcp.example.com", "SRV"): [Srv(0, 0, 5061, "")]},
        {("server1.example.com", "A"): None},
        {("server1.example.com", "A"): []},
    ],
)
@pytest.mark.proves("SIP-04")
def test_where_naptr_lists_tls_alone_nothing_leads_to_clear_text(broken: Zone) -> None:
    zone = {**RFC_3263, ("example.com", "NAPTR"): [SIPS], ("example.com", "A"): ["192.0.2.9"]}
    assert places({**zone, **broken}, auto()) == []


def test_a_naptr_without_srv_keeps_its_transport_at_the_address_of_the_name() -> None:
    zone: Zone = {("example.com", "NAPTR"): [SIPS], ("example.com", "A"): ["192.0.2.9"]}
    assert places(zone, auto()) == [("TLS", "192.0.2.9", 5061)]


@pytest.mark.parametrize(
    "record",
    [
        Naptr(1, 1, "s", "SIP+D2S", "", "_sip._sctp.example.com"),
        Naptr(1, 1, "s", "SIPS+D2T", "!^.*$!sips:evil.test!", ""),
        Naptr(1, 1, "u", "SIPS+D2T", "", "_sips._tcp.example.com"),
        Naptr(1, 1, "", "SIPS+D2T", "", "example.com"),
        Naptr(1, 1, "s", "SIPS+D2T", "", "."),
    ],
)
def test_a_sip_record_that_cannot_be_followed_leads_nowhere_else(record: Naptr) -> None:
    zone = {**RFC_3263, ("example.com", "NAPTR"): [record]}
    assert places(zone, auto()) == []


def test_naptr_records_of_other_services_are_none_of_ours() -> None:
    other = Naptr(1, 1, "u", "E2U+email", "!^.*$!mailto:a@example.com!", ".")
    zone = {**RFC_3263, ("example.com", "NAPTR"): [other]}
    assert [hop.transport for hop in asked(zone, auto())[0]][:2] == ["TLS", "TCP"]


@pytest.mark.parametrize("silent", ["NAPTR example.com", "SRV _sips._tcp.example.com"])
def test_who_drops_an_answer_does_not_choose_the_transport(silent: str) -> None:
    kind, name = silent.split()
    zone = {**without(RFC_3263, ("example.com", "NAPTR")), (name, kind): None}
    zone[("example.com", "A")] = ["192.0.2.9"]
    assert places(zone, auto()) == []


@pytest.mark.parametrize("search", [auto("example.com", 5070), auto("192.0.2.9")])
def test_auto_at_a_port_or_an_address_is_udp_and_asks_for_no_service(search: Search) -> None:
    hops, questions = asked({("example.com", "A"): ["192.0.2.9"]}, search)
    assert [hop.transport for hop in hops] == ["UDP"]
    assert [words for words in questions if not words.startswith("A ")] == []


# SRV


@pytest.mark.parametrize(
    ("transport", "name", "port"),
    [
        ("UDP", "_sip._udp.example.com", 5060),
        ("TCP", "_sip._tcp.example.com", 5060),
        ("TLS", "_sips._tcp.example.com", 5061),
    ],
)
def test_a_given_transport_asks_for_its_own_service(transport: str, name: str, port: int) -> None:
    search = Search((Server("example.com"),), transport, asks_srv=True)
    hops, questions = asked(RFC_3263, search)
    assert questions[0] == f"SRV {name}"
    assert {hop.transport for hop in hops} == {transport}
    assert {hop.port for hop in hops} == {port}


def test_without_use_dns_srv_only_the_address_is_asked_for() -> None:
    zone: Zone = {("example.com", "A"): ["192.0.2.9"]}
    hops, questions = asked(zone, Search((Server("example.com"),), "TLS"))
    assert [hop.place for hop in hops] == [("TLS", "192.0.2.9", 5061)]
    assert questions == ["A example.com"]


def test_a_port_asks_for_no_srv_record() -> None:
    search = Search((Server("example.com", 5090),), "TCP", asks_srv=True)
    assert asked({}, search)[1] == ["A example.com"]


def test_the_name_of_records_may_be_written_out() -> None:
    search = Search((Server("example.com", service="_odd._tcp.example.com"),), "TLS", asks_srv=True)
    zone: Zone = {
        ("_odd._tcp.example.com", "SRV"): [Srv(0, 0, 443, "server1.example.com")],
        ("server1.example.com", "A"): ["192.0.2.1"],
    }
    (hop,) = asked(zone, search)[0]
    assert (hop.host, hop.target, hop.port) == ("example.com", "server1.example.com", 443)


def test_a_name_without_srv_records_is_found_by_its_address() -> None:
    search = Search((Server("example.com"),), "TCP", asks_srv=True)
    assert places({("example.com", "A"): ["192.0.2.9"]}, search) == [("TCP", "192.0.2.9", 5060)]


@pytest.mark.proves("SIP-06")
def test_the_name_to_be_proven_is_the_configured_one_whatever_dns_leads_to() -> None:
    hops = asked(RFC_3263, auto())[0]
    assert {hop.host for hop in hops} == {"example.com"}
    assert {hop.target for hop in hops} == {"server1.example.com", "server2.example.com"}


# Order


RFC_2782 = [
    Srv(1, 0, 9, "sysadmins-box"),
    Srv(0, 3, 9, "new-fast-box"),
    Srv(1, 0, 9, "server"),
    Srv(0, 1, 9, "old-slow-box"),
]
"""The example of RFC 2782: three quarters of the load for new-fast-box."""


def test_a_quarter_of_the_load_goes_to_the_old_slow_box_and_none_to_the_backups() -> None:
    seeded = random.Random(3)
    picks = Counter(next(in_order(RFC_2782, seeded.randbytes)).target for _ in range(8000))
    assert set(picks) == {"new-fast-box", "old-slow-box"}
    assert 0.23 < picks["old-slow-box"] / 8000 < 0.27


def test_a_weight_of_nothing_has_a_small_chance_beside_others() -> None:
    records = [Srv(0, 9, 1, "heavy"), Srv(0, 0, 1, "none")]
    seeded = random.Random(5)
    picks = Counter(next(in_order(records, seeded.randbytes)).target for _ in range(4000))
    assert 0.07 < picks["none"] / 4000 < 0.13


def test_records_without_weight_stay_in_the_order_of_the_answer() -> None:
    assert [one.target for one in in_order(RFC_2782, first)][2:] == ["sysadmins-box", "server"]


@given(
    st.lists(st.builds(Srv, st.integers(0, 3), st.integers(0, 65535), st.just(1), st.text())),
    st.randoms(use_true_random=False),
)
def test_each_record_comes_once_and_no_worse_one_before_a_better(
    records: list[Srv], chance: random.Random
) -> None:
    ordered = list(in_order(records, chance.randbytes))
    assert Counter(ordered) == Counter(records)
    priorities = [record.priority for record in ordered]
    assert priorities == sorted(priorities)


def test_both_families_of_one_priority_come_before_the_next_priority() -> None:
    zone: Zone = {
        ("_sip._udp.example.com", "SRV"): [
            Srv(1, 0, 5060, "a.test"),
            Srv(1, 0, 5060, "b.test"),
            Srv(2, 0, 5060, "c.test"),
        ],
        ("a.test", "A"): ["192.0.2.1"],
        ("a.test", "AAAA"): ["2001:db8::1"],
        ("b.test", "A"): ["192.0.2.2"],
        ("b.test", "AAAA"): ["2001:DB8:0::2"],
        ("c.test", "A"): ["192.0.2.3"],
    }
    search = Search((Server("example.com"),), "UDP", asks_srv=True, records=("AAAA", "A"))
    hops = asked(zone, search)[0]
    assert [(hop.address, hop.rank) for hop in hops] == [
        ("2001:db8::1", 0),
        ("2001:db8::2", 0),
        ("192.0.2.1", 0),
        ("192.0.2.2", 0),
        ("192.0.2.3", 1),
    ]


def test_servers_on_the_first_ones_port_go_first_where_ports_group_them() -> None:
    zone: Zone = {
        ("_sip._udp.example.com", "SRV"): [
            Srv(1, 0, 5060, "a.test"),
            Srv(2, 0, 5080, "b.test"),
            Srv(3, 0, 5060, "c.test"),
        ],
        ("a.test", "A"): ["192.0.2.1"],
        ("b.test", "A"): ["192.0.2.2"],
        ("c.test", "A"): ["192.0.2.3"],
    }
    search = Search((Server("example.com"),), "UDP", asks_srv=True)
    assert [hop.target for hop in asked(zone, search)[0]] == ["a.test", "b.test", "c.test"]
    grouped = Search((Server("example.com"),), "UDP", asks_srv=True, by_port=True)
    hops = asked(zone, grouped)[0]
    assert [(hop.target, hop.rank) for hop in hops] == [("a.test", 0), ("c.test", 1), ("b.test", 2)]


def test_a_place_that_dns_names_twice_is_tried_once_at_its_best() -> None:
    zone: Zone = {
        ("_sip._udp.example.com", "SRV"): [
            Srv(1, 0, 5060, "a.test"),
            Srv(2, 0, 5060, "b.test"),
            Srv(3, 0, 5060, "alias.test"),
        ],
        ("a.test", "A"): ["192.0.2.1"],
        ("b.test", "A"): ["192.0.2.2"],
        ("alias.test", "A"): ["192.0.2.1"],
    }
    search = Search((Server("example.com"),), "UDP", asks_srv=True)
    assert [hop.target for hop in asked(zone, search)[0]] == ["a.test", "b.test"]


def test_only_better_ranks_are_preferred_and_all_to_a_server_that_is_none_any_more() -> None:
    hops = [Hop("UDP", "h", f"192.0.2.{n}", 5060, "h", rank) for n, rank in enumerate((0, 0, 1, 2))]
    assert preferred(hops, hops[1]) == []
    assert preferred(hops, hops[2]) == hops[:2]
    assert preferred(hops, hops[3]) == hops[:3]
    assert preferred(hops, Hop("TLS", "h", "192.0.2.3", 5060, "h", 7)) == hops


# Static records


def test_static_records_go_by_priority_each_under_its_own_name() -> None:
    servers = (
        Server("last.test", priority=9),
        Server("first.test", 5080, 1, addresses=("192.0.2.8", "192.0.2.7")),
    )
    hops, questions = asked({("last.test", "A"): ["192.0.2.1"]}, Search(servers, "TLS"))
    assert [(hop.host, hop.address, hop.port, hop.rank) for hop in hops] == [
        ("first.test", "192.0.2.8", 5080, 0),
        ("first.test", "192.0.2.7", 5080, 0),
        ("last.test", "192.0.2.1", 5061, 1),
    ]
    assert questions == ["A last.test"]


def test_a_static_list_may_begin_with_what_dns_says() -> None:
    servers = (Server("example.com"), Server("survive.test", priority=1))
    zone = {**RFC_3263, ("survive.test", "A"): ["192.0.2.99"]}
    search = Search(servers, "TLS", asks_srv=True)
    assert [hop.host for hop in asked(zone, search)[0]] == ["example.com", "survive.test"]


# Words


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (Search((Server("a.test"),), "TLS"), "asks DNS for A of a.test, port 5061"),
        (
            Search((Server("a.test", 5090),), "TCP", records=("AAAA", "A")),
            "asks DNS for AAAA and A of a.test, port 5090",
        ),
        (auto("a.test", 5070), "asks DNS for A of a.test, port 5070 over UDP"),
        (auto("192.0.2.1"), "192.0.2.1, port 5060 over UDP"),
        (Search((Server("192.0.2.1"),)), "192.0.2.1, port 5060"),
        (
            Search((Server("a.test"),), "TLS", asks_srv=True),
            "asks DNS for SRV of _sips._tcp.a.test, where there is none for A of a.test, port 5061",
        ),
        (
            Search((Server("b.test", 0, 2), Server("a.test", 5080, 1, 0, ("192.0.2.7",)))),
            "a.test at 192.0.2.7, port 5080; else asks DNS for A of b.test, port 5060",
        ),
        (
            auto("a.test"),
            "asks DNS for NAPTR of a.test, where there is none for SRV of _sips._tcp.a.test, "
            "_sip._tcp.a.test, _sip._udp.a.test, where there is none for A of a.test, port 5060 "
            "over UDP",
        ),
    ],
)
def test_a_search_is_told_in_words(search: Search, words: str) -> None:
    assert describe(search) == words


def test_only_a_search_with_a_choice_can_fail_over() -> None:
    assert may_fail_over(auto())
    assert may_fail_over(Search((Server("a.test"), Server("b.test"))))
    assert may_fail_over(Search((Server("a.test"),), "TLS", asks_srv=True))
    assert not may_fail_over(Search((Server("a.test"),), "TLS"))
    assert not may_fail_over(auto("a.test", 5070))
    assert not may_fail_over(Search((Server("192.0.2.1"),), "TLS", asks_srv=True))
