"""The field Firewall Options, word by word. Expected values: chapter, Table 5; phone-facts 1.2."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import Severity
from ringfence.features.firewall.options import MOST, Options, merged, parse


def accepted(text: str) -> Options:
    options, findings = parse(text)
    assert findings == ()
    return options


def refused(text: str) -> list[str]:
    return [finding.rule for finding in parse(text)[1]]


@pytest.mark.proves("FW-20")
def test_the_worked_example_means_what_the_chapter_says() -> None:
    assert accepted("NO_ICMP_PING,TCP:12000,UDP:8000:8010") == Options(
        frozenset({"NO_ICMP_PING"}), udp=((8000, 8010),), tcp=((12000, 12000),)
    )


@pytest.mark.parametrize("text", ["", "  ", ",", " , ,"])
def test_an_empty_field_asks_for_nothing(text: str) -> None:
    assert accepted(text) == Options()


def test_blanks_around_tokens_do_not_count() -> None:
    assert accepted(" NO_CISCO_TFTP ,\tUDP : 8000 : 8010 , TCP: 1 ,") == Options(
        frozenset({"NO_CISCO_TFTP"}), udp=((8000, 8010),), tcp=((1, 1),)
    )


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("NO_PING", "firewall-unknown-option"),
        ("no_icmp_ping", "firewall-unknown-option"),
        ("udp:5000", "firewall-unknown-option"),
        ("NO_ICMP_PING:1", "firewall-unknown-option"),
        ("NO_ICMP_PING NO_CISCO_TFTP", "firewall-unknown-option"),
        ("SCTP:5000", "firewall-unknown-option"),
        ("UDP", "firewall-unknown-option"),
        ("UDP:1:2:3", "firewall-unknown-option"),
        ("UDP:", "firewall-bad-port"),
        ("UDP:5000:", "firewall-bad-port"),
        ("UDP:0", "firewall-bad-port"),
        ("TCP:65536", "firewall-bad-port"),
        ("TCP:-1", "firewall-bad-port"),
        ("TCP:5000-5010", "firewall-bad-port"),
        ("TCP:٥٠٠٠", "firewall-bad-port"),
        ("TCP:99999999999999999999", "firewall-bad-port"),
        ("UDP:<5000>", "firewall-bad-port"),
        ("UDP:9010:9000", "firewall-reversed-range"),
    ],
)
def test_a_word_that_cannot_be_used_is_reported_and_spares_its_neighbours(
    word: str, rule: str
) -> None:
    options, (finding,) = parse(f"TCP:7000,{word},UDP:7001")
    assert options == Options(udp=((7001, 7001),), tcp=((7000, 7000),))
    assert (finding.rule, finding.tag, finding.severity) == (
        rule,
        "Firewall_Config",
        Severity.ERROR,
    )
    assert repr(word) in finding.message
    assert finding.remedy


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("no_icmp_ping", "write NO_ICMP_PING"),
        ("Udp:5000:5010", "write UDP:5000:5010"),
        ("NO_CISCO_TFTP:Yes", "write NO_CISCO_TFTP"),
        ("NO_ICMP_PING.TCP:12000", "write NO_ICMP_PING,TCP:12000"),
        ("NO_ICMP_PING NO_CISCO_TFTP; udp:1", "write NO_ICMP_PING,NO_CISCO_TFTP,UDP:1"),
        ("TCP:5000-5010", "write TCP:5000:5010"),
        ("TCP=80", "write TCP:80"),
        ("UDP:<5000:5010>", "write UDP:5000:5010"),
        ("UDP:9010:9000", "write the lower port first, UDP:9000:9010"),
        ("UDP:70000", "write UDP:port or UDP:first:last, with ports from 1 to 65535"),
        (
            "NO_ICMP_PONG",
            "known: NO_CISCO_TFTP, NO_ICMP_PING, NO_ICMP_UNREACHABLE,"
            " UDP:port[:port], TCP:port[:port]",
        ),
    ],
)
def test_the_remedy_says_what_was_most_likely_meant(word: str, remedy: str) -> None:
    (finding,) = parse(word)[1]
    assert finding.remedy == remedy


@pytest.mark.proves("FW-17", "FW-18")
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_the_sixth_port_option_of_a_protocol_is_refused_and_the_other_protocol_has_its_own_five(
    protocol: str,
) -> None:
    five = [f"{protocol}:{port}" for port in range(1, 6)]
    other = "TCP" if protocol == "UDP" else "UDP"
    words = [*five, f"{protocol}:6", f"{protocol}:7:8", f"{other}:9"]
    options, findings = parse(",".join(words))
    assert [f.rule for f in findings] == ["firewall-too-many-ports"] * 2
    taken, others = (options.udp, options.tcp) if protocol == "UDP" else (options.tcp, options.udp)
    assert taken == ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5))
    assert others == ((9, 9),)


def test_a_refused_port_option_does_not_count_towards_the_five() -> None:
    assert refused("UDP:0,UDP:1,UDP:2,UDP:3,UDP:4,UDP:5") == ["firewall-bad-port"]


@pytest.mark.parametrize(
    "text",
    [
        "NO_ICMP_PING,NO_ICMP_PING",
        "TCP:5000, TCP : 5000",
        "UDP:4000:6000,UDP:5000",
        "UDP:5000:5005,UDP:5006:5010,UDP:5003:5008",
    ],
)
def test_an_option_that_says_nothing_new_is_taken_with_a_warning(text: str) -> None:
    last = text.rpartition(",")[2].strip()
    options, (finding,) = parse(text)
    assert (finding.severity, finding.rule) == (Severity.WARNING, "firewall-repeated-option")
    assert repr(last) in finding.message
    without = parse(text.rpartition(",")[0])[0]
    assert (options.flags, merged(options.udp), merged(options.tcp)) == (
        without.flags,
        merged(without.udp),
        merged(without.tcp),
    )


@pytest.mark.parametrize("text", ["UDP:5000,TCP:5000", "UDP:1:9,UDP:9:10", "UDP:2,UDP:1:3"])
def test_options_that_overlap_in_part_are_no_finding(text: str) -> None:
    assert refused(text) == []


def test_a_repeated_port_option_is_one_of_the_five() -> None:
    options, findings = parse("TCP:1,TCP:1,TCP:2,TCP:3,TCP:4,TCP:5")
    assert [f.rule for f in findings] == ["firewall-repeated-option", "firewall-too-many-ports"]
    assert "'TCP:5' is skipped: only 5 TCP options are allowed" in findings[1].message
    assert "TCP:first:last" in findings[1].remedy
    assert merged(options.tcp) == ((1, 4),)


def test_a_long_word_is_cut_in_the_message() -> None:
    (finding,) = parse("x" * 2000)[1]
    assert len(finding.message) < 120


RANGES = st.lists(
    st.tuples(st.integers(1, 65535), st.integers(0, 3)).map(lambda r: (r[0], min(sum(r), 65535))),
    max_size=40,
)


@given(RANGES)
def test_merged_ranges_are_the_same_ports_sorted_and_apart(ranges: list[tuple[int, int]]) -> None:
    def ports(given: Iterable[tuple[int, int]]) -> set[int]:
        return {port for first, last in given for port in range(first, last + 1)}

    whole = merged(ranges)
    assert ports(whole) == ports(ranges)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(whole))


WORDS = st.sampled_from(
    ["NO_ICMP_PING", "NO_CISCO_TFTP", "UDP", "TCP", ":", ",", " ", "0", "1", "65535", "65536", "-"]
)


@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
def test_any_text_is_read_without_error_and_opens_at_most_five_ranges(text: str) -> None:
    options, _ = parse(text)
    for ranges in (options.udp, options.tcp):
        assert len(ranges) <= MOST
        assert all(1 <= first <= last <= 65535 for first, last in ranges)
