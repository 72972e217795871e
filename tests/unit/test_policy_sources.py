"""Which DHCP option names the provisioning server. Source: phone-facts 3.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.config.settings import Settings
from ringfence.policy.rules import parse_url
from ringfence.policy.sources import (
    ProfileSource,
    at_source,
    option_order,
    option_order6,
    profile_source,
)
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcpv6 import Lease6

ORDER = "66,160,159,150,60,43,125"
OFFERED = {
    66: b"tftp.tele.test\0",
    160: b"https://prov.tele.test/$MA.xml",
    159: b"prov.tele.test",
    150: b"\x0a\x63\x01\x0a\x0a\x63\x01\x0b",
    60: b"CP-8841-3PCC",
    43: b"\x01\x16http://acs.tele.test/x",
    125: b"\x00\x00\x0d\xe9\x18\x0b\x16http://acs.tele.test/x",
}


def source(offered: dict[int, bytes], order: str = ORDER) -> ProfileSource:
    return profile_source(order, Lease("10.99.1.100", 24, "10.99.1.1", options=offered))


def said(option: int, data: bytes) -> tuple[str, str, str]:
    """Return kind, text and reason when this is the only option offered."""
    got = source({option: data})
    return got.kind, got.text, got.considered[0].reason


def test_the_default_order_is_that_of_the_chapter() -> None:
    assert Settings().provisioning.dhcp_option_to_use == ORDER
    assert option_order(ORDER) == ((66, 160, 159, 150, 60, 43, 125), ())


def test_options_win_in_the_order_of_the_parameter() -> None:
    offered = dict(OFFERED)
    winners = []
    while (winner := source(offered).option) is not None:
        winners.append(winner)
        del offered[winner]
    assert winners == [66, 160, 159, 150]
    assert source(OFFERED, "150,160").option == 150
    assert source(OFFERED, "43,125,60,159").option == 159


def test_every_offered_option_says_why_it_won_or_lost() -> None:
    got = source(OFFERED, "160,66,60,43")
    assert [(one.option, one.reason) for one in got.considered] == [
        (160, "the first usable one of the order"),
        (66, "option 160 comes first"),
        (60, "the phone's own class, no server"),
        (43, "names an ACS, which is never a profile"),
        (159, "not listed in DHCP_Option_To_Use"),
        (150, "not listed in DHCP_Option_To_Use"),
        (125, "names an ACS, which is never a profile"),
    ]
    assert [one.option for one in got.considered if one.won] == [160]
    assert got.considered[1].raw == b"tftp.tele.test\0"
    assert got.considered[1].text == "tftp.tele.test"


def test_an_unusable_option_lets_the_next_one_win() -> None:
    got = source({66: b"bad\nname", 160: OFFERED[160]})
    assert (got.option, got.kind) == (160, "rule")
    assert got.considered[0].reason == "refused: text with a control character"


def test_no_lease_and_no_option_name_nothing() -> None:
    assert profile_source(ORDER, None) == ProfileSource()
    assert source({6: b"\x0a\x63\x01\x01"}) == ProfileSource()
    assert source(OFFERED, "").option is None


@pytest.mark.parametrize(
    ("option", "data", "kind", "text"),
    [
        (66, b"tftp", "server", "tftp"),
        (66, b"10.99.1.10", "server", "10.99.1.10"),
        (66, b"prov.tele.test:8443", "server", "prov.tele.test:8443"),
        (66, b"https://prov.tele.test", "server", "https://prov.tele.test"),
        (66, b"[fd00::1]:8080", "server", "[fd00::1]:8080"),
        (66, b"prov.tele.test/$PSN.xml", "rule", "prov.tele.test/$PSN.xml"),
        (66, b"http://host/spa$PSN.cfg", "rule", "http://host/spa$PSN.cfg"),
        (66, b"  tftp.test  ", "server", "tftp.test"),
        (159, b"\x0a\x63\x01\x0a", "server", "10.99.1.10"),
        (159, b"prov", "server", "prov"),
        (159, b"https://h/$MA.xml", "rule", "https://h/$MA.xml"),
        (160, b"https://h/$MA.xml", "rule", "https://h/$MA.xml"),
        (160, b"[--key k1] https://h/$MA.xml", "rule", "[--key k1] https://h/$MA.xml"),
        (160, b'("$SWVER"="x")? /a.xml | h/b', "none", ""),
        (160, b'("a"="b")? http://h/a | http://h/b', "rule", '("a"="b")? http://h/a | http://h/b'),
        (150, b"\x0a\x63\x01\x0a\x0a\x63\x01\x0b", "server", "10.99.1.10"),
    ],
)
def test_the_forms_of_a_value(option: int, data: bytes, kind: str, text: str) -> None:
    assert said(option, data)[:2] == (kind, text)


@pytest.mark.parametrize(
    ("option", "data", "reason"),
    [
        (66, b"", "no text"),
        (66, b"x" * 513, "513 bytes of text"),
        (66, b"two words", "is not a URL"),
        (66, b"/only/a/path.xml", "names no server"),
        (66, b"ftp://h/x", "scheme 'ftp'"),
        (66, b"h:99999", "port 99999"),
        (66, b"host;reboot", "is not"),
        (66, b"$(reboot)", "is not"),
        (159, b"\x7f\x00\x00\x01", "127.0.0.1 is not the address of a host"),
        (160, b"prov.tele.test", "is not a URL"),
        (160, b'("1"="1")? (Admin_Password = "x";)! http://h/x', "may not assign parameters"),
        (160, b'("1"="1")?', "names no URL"),
        (150, b"\x0a\x63\x01", "3 bytes are not a list of addresses"),
        (150, bytes(4), "0.0.0.0 is not the address of a host"),
        (43, b"\x01\x03abc", "names no profile"),
        (43, b"https://looks.like/a-profile.xml", "names an ACS, which is never a profile"),
        (60, b"http://not.a/source.xml", "the phone's own class"),
    ],
)
def test_what_names_no_source_and_why(option: int, data: bytes, reason: str) -> None:
    kind, text, why = said(option, data)
    assert (kind, text) == ("none", "")
    assert reason in why


@pytest.mark.parametrize(
    ("option", "data", "url"),
    [
        (66, b"fw.tele.test", "tftp://fw.tele.test:69/image"),
        (150, b"\x0a\x63\x01\x0a", "tftp://10.99.1.10:69/image"),
        (159, b"http://[fd00::1]:8080", "http://[fd00::1]:8080/image"),
        (160, b"https://$MA.tele.test/$PSN.xml", "https://aa01.tele.test:443/image"),
        (160, b'("$PSN" = "x")? tftp://a/b | http://h:81/c', "http://h:81/image"),
    ],
)
def test_a_file_without_a_server_is_sought_at_the_one_that_dhcp_names(
    option: int, data: bytes, url: str
) -> None:
    values = {"MA": "aa01", "PSN": "8841"}
    assert str(at_source(parse_url("/image"), source({option: data}), values)) == url
    assert source({option: data}).named_by == f"DHCP option {option}"


@pytest.mark.parametrize(
    "offered", [{}, {43: OFFERED[43]}, {160: b'("$PSN" = "x")? http://h/c'}, {60: b"x"}]
)
def test_a_file_without_a_server_is_nowhere_where_dhcp_names_none(
    offered: dict[int, bytes],
) -> None:
    with pytest.raises(ValueError, match="names no server, and DHCP names none"):
        at_source(parse_url("/image"), source(offered), {"PSN": "8841"})


def test_unknown_words_are_reported_and_skipped() -> None:
    order, findings = option_order(" 160 , 12,tftp,,66,160, 9999999")
    assert order == (160, 66)
    assert [finding.rule for finding in findings] == ["dhcp-option-unknown"] * 3
    assert findings[0].tag == "DHCP_Option_To_Use"
    assert "'12'" in findings[0].message


def test_an_endless_list_is_read_to_its_thirty_second_word() -> None:
    order, findings = option_order("x," * 32 + "66")
    assert (order, len(findings)) == ((), 32)


@given(
    st.text(max_size=60),
    st.dictionaries(st.sampled_from(sorted(OFFERED)), st.binary(max_size=600)),
)
def test_whatever_is_offered_at_most_one_wins(order: str, offered: dict[int, bytes]) -> None:
    got = source(offered, order)
    assert sum(one.won for one in got.considered) == (got.option is not None)
    assert {one.option for one in got.considered} == set(offered)
    assert got.text.isprintable()
    assert got.option not in (43, 60, 125)


ORDER6 = "17,160,159"
SIX = bytes.fromhex("fd000099000100000000000000000009")
ACS6 = b"\x00\x00\x0d\xe9\x00\x01\x00\x16http://acs.tele.test/x"
LIST6 = b"\x00\x00\x00\x09\x00\x01\x00\x20" + SIX + SIX
OFFERED6 = {17: (ACS6, LIST6), 160: (b"https://p6.test/$MA.xml",), 159: (b"p6.test",)}


def source6(
    offered: dict[int, tuple[bytes, ...]], order: str = ORDER6, lease: Lease | None = None
) -> ProfileSource:
    return profile_source(ORDER, lease, order, Lease6(options=offered))


def test_the_default_order_of_dhcpv6_is_that_of_the_chapter() -> None:
    assert Settings().provisioning.dhcpv6_option_to_use == ORDER6
    assert option_order6(ORDER6) == ((17, 160, 159), ())
    assert option_order6("66,17")[1][0].tag == "DHCPv6_Option_To_Use"


def test_options_of_dhcpv6_win_in_the_order_of_their_parameter() -> None:
    offered = dict(OFFERED6)
    winners = []
    while (winner := source6(offered).option) is not None:
        winners.append(winner)
        del offered[winner]
    assert winners == [17, 160, 159]
    assert source6(OFFERED6, "159,17").named_by == "DHCPv6 option 159"


def test_dhcp_comes_before_dhcpv6() -> None:
    lease = Lease("10.99.1.100", 24, "10.99.1.1", options={66: b"four.test"})
    got = source6(OFFERED6, lease=lease)
    assert (got.named_by, got.text) == ("DHCP option 66", "four.test")
    assert [(one.named, one.reason) for one in got.considered] == [
        ("DHCP option 66", "the first usable one of the order"),
        ("DHCPv6 option 17", "names an ACS, which is never a profile"),
        ("DHCPv6 option 17", "DHCP option 66 comes first"),
        ("DHCPv6 option 160", "DHCP option 66 comes first"),
        ("DHCPv6 option 159", "DHCP option 66 comes first"),
    ]


@pytest.mark.parametrize(
    ("option", "raw", "kind", "text"),
    [
        (17, LIST6, "server", "[fd00:99:1::9]"),
        (17, b"\x00\x00\x00\x09\x00\x01\x00\x07p6.test", "server", "p6.test"),
        (17, b"\x00\x00\x00\x09\x00\x01\x00\x10sixteen.a.b.test", "server", "sixteen.a.b.test"),
        (17, ACS6, "none", "http://acs.tele.test/x"),
        (17, b"\x00\x00\x00\x0a\x00\x01\x00\x07p6.test", "none", ""),
        (17, b"\x00\x00\x00\x09\x00\x02\x00\x07p6.test", "none", ""),
        (159, b"https://[fd00::1]:8443", "server", "https://[fd00::1]:8443"),
        (160, b"https://p6.test/$MA.xml", "rule", "https://p6.test/$MA.xml"),
    ],
)
def test_the_forms_of_a_value_of_dhcpv6(option: int, raw: bytes, kind: str, text: str) -> None:
    (one,) = source6({option: (raw,)}).considered
    assert (one.kind, one.text) == (kind, text)


@pytest.mark.parametrize(
    ("option", "raw", "reason"),
    [
        (17, b"\x00\x00", "no enterprise number"),
        (17, b"\x00\x00\x00\x09\x00\x01\x00\x20" + SIX, "claims 32 bytes, 16 are left"),
        (17, b"\x00\x00\x00\x09\x00\x01\x00\x10" + bytes(16), ":: is not the address"),
        (160, b"p6.test", "is not a URL"),
        (160, b'("1"="1")? (GPP_A = "x";)! http://h/x', "may not assign parameters"),
        (159, b"a\nb", "control character"),
    ],
)
def test_what_names_no_source_in_dhcpv6_and_why(option: int, raw: bytes, reason: str) -> None:
    got = source6({option: (raw,)})
    assert got.option is None
    assert reason in got.considered[0].reason


@given(
    st.dictionaries(st.sampled_from([17, 159, 160]), st.lists(st.binary(max_size=80), max_size=3))
)
def test_whatever_dhcpv6_offers_at_most_one_wins(offered: dict[int, list[bytes]]) -> None:
    got = source6({option: tuple(each) for option, each in offered.items()})
    assert sum(one.won for one in got.considered) == (got.option is not None)
    assert got.text.isprintable()
