"""Locating SIP servers where DNS lies, repeats itself and never ends."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.dns import Naptr, Record, Srv
from ringfence.protocols.sip.locate import (
    MOST_HOPS,
    MOST_QUESTIONS,
    Locator,
    Question,
    Search,
    Server,
)
from tests.support.sip_zone import (
    SIPS,
    Zone,
    asked,
    auto,
    places,
)


def test_an_answer_without_end_is_cut() -> None:
    many = [Srv(n, 0, 5060, f"h{n}.test") for n in range(500, 0, -1)]
    zone: dict[tuple[str, str], Sequence[Record]] = {("_sip._udp.example.com", "SRV"): many}
    for n in range(1, 501):
        zone[(f"h{n}.test", "A")] = [f"198.51.{n // 256}.{n % 256}"] * 300
    hops, questions = asked(zone, Search((Server("example.com"),), "UDP", asks_srv=True))
    assert [hop.target for hop in hops] == [f"h{n}.test" for n in range(1, 17)]
    assert len(questions) == 17


def test_many_addresses_make_no_more_than_so_many_hops() -> None:
    names = [Srv(0, 0, 5060, f"h{n}.test") for n in range(16)]
    zone: dict[tuple[str, str], Sequence[Record]] = {("_sip._udp.example.com", "SRV"): names}
    for n in range(16):
        zone[(f"h{n}.test", "A")] = [f"198.51.{n}.{k}" for k in range(256)]
    hops = asked(zone, Search((Server("example.com"),), "UDP", asks_srv=True))[0]
    assert len(hops) == MOST_HOPS


def test_names_that_lead_back_to_themselves_are_asked_once() -> None:
    zone: Zone = {
        ("example.com", "NAPTR"): [Naptr(1, 1, "s", "SIPS+D2T", "", "example.com")],
        ("example.com", "SRV"): [Srv(0, 0, 5061, "example.com"), Srv(0, 0, 5061, "EXAMPLE.com.")],
        ("example.com", "A"): ["192.0.2.1"],
    }
    hops, questions = asked(zone, auto())
    assert questions == ["NAPTR example.com", "SRV example.com", "A example.com"]
    assert [hop.place for hop in hops] == [("TLS", "192.0.2.1", 5061)]


def test_what_is_no_address_is_passed_over() -> None:
    zone: Zone = {("example.com", "A"): ["evil.test", "999.1.1.1", "", "2001:db8::1", "192.0.2.1"]}
    assert places(zone, Search((Server("example.com"),), "UDP")) == [("UDP", "192.0.2.1", 5060)]


RECORDS = st.one_of(
    st.builds(
        Naptr,
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.sampled_from(["s", "S", "u", "a", "", "\0"]),
        st.sampled_from(["SIPS+D2T", "sip+d2t", "SIP+D2U", "SIP+D2S", "E2U+sip", "", "SIPS+"]),
        st.sampled_from(["", "!^.*$!sip:x@y!"]),
        st.text(max_size=12) | st.sampled_from(["example.com", "_sips._tcp.example.com", "."]),
    ),
    st.builds(
        Srv,
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.text(max_size=12) | st.sampled_from(["example.com", "a.test", "."]),
    ),
    st.text(max_size=20) | st.sampled_from(["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]),
)


@given(st.data(), st.randoms(use_true_random=False))
def test_whatever_dns_says_the_search_ends_and_leads_to_addresses(
    data: st.DataObject, chance: random.Random
) -> None:
    servers = (Server("example.com"), Server("b.test", priority=1))
    transport = data.draw(st.sampled_from(["Auto", "TLS", "UDP"]))
    search = Search(servers, transport, True, ("A", "AAAA"))
    locator = Locator(search, chance.randbytes)
    count = 0
    while questions := locator.questions_to_send():
        count += len(questions)
        for question in questions:
            answer = data.draw(st.none() | st.lists(RECORDS, max_size=20))
            locator.receive_answer(question, answer)
    hops = locator.hops()
    assert count <= MOST_QUESTIONS
    assert len(hops) <= MOST_HOPS
    assert len({hop.place for hop in hops}) == len(hops)
    assert [hop.rank for hop in hops] == sorted(hop.rank for hop in hops)
    assert all(hop.host in ("example.com", "b.test") and 0 < hop.port < 65536 for hop in hops)
    assert transport == "Auto" or {hop.transport for hop in hops} <= {transport}


@given(st.data(), st.randoms(use_true_random=False))
@pytest.mark.proves("SIP-04")
def test_tls_alone_in_naptr_means_tls_alone_whatever_else_dns_says(
    data: st.DataObject, chance: random.Random
) -> None:
    locator = Locator(auto(), chance.randbytes)
    while questions := locator.questions_to_send():
        for question in questions:
            if question == Question("example.com", "NAPTR"):
                locator.receive_answer(question, [SIPS])
            else:
                locator.receive_answer(question, data.draw(st.none() | st.lists(RECORDS)))
    assert {hop.transport for hop in locator.hops()} <= {"TLS"}
