"""The functions that a PAC file calls, by the examples of the specification of the format.

Source: Netscape, "Navigator Proxy Auto-Config File Format", March 1996; examples of its later
edition for what the first leaves open.
"""

import json
from calendar import timegm
from collections.abc import Mapping, Sequence
from typing import Any

import _quickjs
import pytest

from ringfence.runtime.pac import HELPERS

NOON = timegm((2026, 11, 23, 12, 30, 15))  # a Monday
KNOWN = {
    "www.netscape.com": ["198.95.249.79"],
    "both.test": ["2001:db8::7", "192.0.2.7"],
    "six.test": ["2001:db8::7"],
    "none.test": [],
}
OWN = ["2001:db8::5", "192.0.2.5"]


def said(
    script: str,
    known: Mapping[str, Sequence[str]] = KNOWN,
    own: Sequence[str] = OWN,
    utc: float = NOON,
    local: float = NOON,
) -> str:
    context = _quickjs.Context()
    run = context.eval(HELPERS.read_text())
    context.eval(script)
    order: dict[str, Any] = {"url": "http://a.test/", "host": "a.test", "utc": utc, "local": local}
    order |= {"found": list(known.items()), "own": list(own)}
    return str(json.loads(run(json.dumps(order))))


def value(expression: str, **options: Any) -> Any:
    """Return what an expression is inside FindProxyForURL."""
    script = f"function FindProxyForURL(url, host) {{ return JSON.stringify({expression}); }}"
    answer = said(script, **options)
    assert answer.startswith("="), answer
    return json.loads(answer[1:])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('isPlainHostName("www")', True),
        ('isPlainHostName("www.netscape.com")', False),
        ('isPlainHostName("::1")', False),
        ('dnsDomainIs("www.netscape.com", ".netscape.com")', True),
        ('dnsDomainIs("www", ".netscape.com")', False),
        ('dnsDomainIs("www.mcom.com", ".netscape.com")', False),
        ('localHostOrDomainIs("www.netscape.com", "www.netscape.com")', True),
        ('localHostOrDomainIs("www", "www.netscape.com")', True),
        ('localHostOrDomainIs("www.mcom.com", "www.netscape.com")', False),
        ('localHostOrDomainIs("home.netscape.com", "www.netscape.com")', False),
        ('isResolvable("www.netscape.com")', True),
        ('isResolvable("none.test")', False),
        ('isResolvable("six.test")', False),
        ('isResolvableEx("six.test")', True),
        ('isInNet("198.95.249.79", "198.95.249.79", "255.255.255.255")', True),
        ('isInNet("www.netscape.com", "198.95.0.0", "255.255.0.0")', True),
        ('isInNet("198.96.0.1", "198.95.0.0", "255.255.0.0")', False),
        ('isInNet("none.test", "0.0.0.0", "0.0.0.0")', False),
        ('isInNet("198.95.1.1", "198.95.0.0", "255.255")', False),
        ('isInNetEx("198.95.249.79", "198.95.249.79/32")', True),
        ('isInNetEx("198.95.1.1", "198.95.0.0/16")', True),
        ('isInNetEx("198.96.1.1", "198.95.0.0/16")', False),
        ('isInNetEx("3ffe:8311:ffff:abcd::1", "3ffe:8311:ffff::/48")', True),
        ('isInNetEx("3ffe:8312::1", "3ffe:8311:ffff::/48")', False),
        ('isInNetEx("2001:db8:8000::", "2001:db8:8000::/33")', True),
        ('isInNetEx("2001:db8:7fff::", "2001:db8:8000::/33")', False),
        ('isInNetEx("six.test", "2001:db8::/32")', True),
        ('isInNetEx("192.0.2.1", "::/0")', False),
        ('isInNetEx("192.0.2.1", "192.0.2.0/33")', False),
        ('isInNetEx("192.0.2.1", "192.0.2.0")', False),
        ('dnsResolve("both.test")', "192.0.2.7"),
        ('dnsResolve("six.test")', None),
        ('dnsResolve("none.test")', None),
        ('dnsResolve("192.0.2.9")', "192.0.2.9"),
        ('dnsResolveEx("both.test")', "2001:db8::7;192.0.2.7"),
        ('dnsResolveEx("none.test")', ""),
        ("myIpAddress()", "192.0.2.5"),
        ("myIpAddressEx()", "2001:db8::5;192.0.2.5"),
        ('convert_addr("104.16.41.2")', 1745889538),
        ('convert_addr("192.0.2.1")', -1073741311),
        ('dnsDomainLevels("www")', 0),
        ('dnsDomainLevels("www.netscape.com")', 2),
        ("getClientVersion()", "1.0"),
    ],
)
def test_hosts_and_addresses(expression: str, expected: object) -> None:
    assert value(expression) == expected


def test_a_phone_without_an_address_is_at_home() -> None:
    assert value("[myIpAddress(), myIpAddressEx()]", own=()) == ["127.0.0.1", ""]


@pytest.mark.parametrize(
    ("addresses", "ordered"),
    [
        ("10.2.3.9;2001:4898:28:3:201:2ff:feea:fc14;::1;127.0.0.1;::9",
         "::1;::9;2001:4898:28:3:201:2ff:feea:fc14;10.2.3.9;127.0.0.1"),
        ("10.2.3.10;10.2.3.9", "10.2.3.9;10.2.3.10"),
        ("::ffff:192.0.2.1;::1", "::1;::ffff:192.0.2.1"),
        ("10.2.3.9;nonsense", ""),
        ("1:2:3:4:5:6:7:8:9", ""),
        ("1::2::3", ""),
    ],
)  # fmt: skip
def test_ipv6_comes_before_ipv4_and_each_is_sorted(addresses: str, ordered: str) -> None:
    assert value(f"sortIpAddressList({json.dumps(addresses)})") == ordered


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("http://home.netscape.com/people/ari/index.html", "*/ari/*", True),
        ("http://home.netscape.com/people/montulli/index.html", "*/ari/*", False),
        ("www.a.test", "*.a.test", True),
        ("a.test", "*.a.test", False),
        ("wwwXa.test", "*.a.test", False),
        ("a.test", "?.test", True),
        ("ab.test", "?.test", False),
        ("a(b)", "a(b)", True),
        ("ab", "(ab|cd)", False),
        ("a+b", "a+b", True),
        ("", "*", True),
        ("", "", True),
        ("a", "", False),
        ("abcabd", "a*abd", True),
        ("aaa", "a**a", True),
        ("xa.testx", "*a.test", False),
    ],
)
def test_a_glob_is_of_the_whole_text(text: str, pattern: str, matches: bool) -> None:
    assert value(f"shExpMatch({json.dumps(text)}, {json.dumps(pattern)})") is matches


def test_a_glob_of_many_stars_does_not_explode() -> None:
    assert value('shExpMatch("a".repeat(2000), "*a".repeat(30) + "b")') is False


MONDAY_JUST_AFTER_NOON = [
    ('weekdayRange("MON", "FRI")', True),
    ('weekdayRange("SAT")', False),
    ('weekdayRange("MON")', True),
    ('weekdayRange("FRI", "MON")', True),
    ('weekdayRange("TUE", "SUN")', False),
    ('weekdayRange("mon")', False),
    ("weekdayRange()", False),
    ("dateRange(23)", True),
    ("dateRange(1)", False),
    ("dateRange(1, 15)", False),
    ("dateRange(15, 23)", True),
    ("dateRange(24, 22)", False),
    ('dateRange(23, "NOV")', True),
    ('dateRange(23, "DEC")', False),
    ('dateRange(23, "NOV", 2026)', True),
    ('dateRange(23, "NOV", 1995)', False),
    ('dateRange("JAN", "MAR")', False),
    ('dateRange("NOV")', True),
    ('dateRange("OCT", "FEB")', True),
    ("dateRange(2026)", True),
    ("dateRange(1995, 2025)", False),
    ('dateRange(1, "JUN", 15, "AUG")', False),
    ('dateRange(24, "OCT", 23, "NOV")', True),
    ('dateRange(24, "NOV", 1, "DEC")', False),
    ('dateRange("OCT", 1995, "MAR", 2027)', True),
    ('dateRange("OCT", 1995, "MAR", 1996)', False),
    ('dateRange(1, "JUN", 1995, 15, "AUG", 2026)', False),
    ('dateRange(1, "JUN", 1995, 23, "NOV", 2026)', True),
    ('dateRange("XXX")', False),
    ("dateRange()", False),
    ("timeRange(12)", True),
    ("timeRange(13)", False),
    ("timeRange(12, 13)", True),
    ("timeRange(9, 17)", True),
    ("timeRange(9, 12)", False),
    ("timeRange(8, 30, 17, 0)", True),
    ("timeRange(12, 30, 12, 31)", True),
    ("timeRange(12, 31, 13, 0)", False),
    ("timeRange(0, 0, 0, 0, 0, 30)", False),
    ("timeRange(12, 30, 15, 12, 30, 15)", True),
    ("timeRange(12, 30, 16, 12, 31, 0)", False),
    ("timeRange(22, 13)", True),
    ("timeRange(22, 6)", False),
    ("timeRange(1, 2, 3)", False),
    ('timeRange("9", "17")', False),
]


@pytest.mark.parametrize(("expression", "expected"), MONDAY_JUST_AFTER_NOON)
def test_times_are_of_the_wall_clock_and_of_utc_by_gmt(expression: str, expected: bool) -> None:
    midnight = timegm((2030, 2, 2, 0, 0, 45))  # a Saturday that makes most of them wrong
    assert value(expression, utc=midnight, local=NOON) is expected
    words = expression.replace(")", ', "GMT")').replace("(, ", "(")
    assert value(words, utc=NOON, local=midnight) is expected


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ('function FindProxyForURL(u, h) { return u + " " + h; }', "=http://a.test/ a.test"),
        ('const FindProxyForURL = (u, h) => "DIRECT";', "=DIRECT"),
        ('function FindProxyForURLEx(u, h) { return "DIRECT"; }', "=DIRECT"),
        ("function FindProxyForURL() { return null; }", "="),
        ("function FindProxyForURL() {}", "!FindProxyForURL returned no string"),
        ("async function FindProxyForURL() {}", "!FindProxyForURL returned no string"),
        ("var FindProxyForURL = 1;", "!no function FindProxyForURL"),
        ('alert("x"); function FindProxyForURL() { alert(); return ""; }', "="),
    ],
)
def test_the_answer_of_a_file_is_text_or_null(script: str, answer: str) -> None:
    assert said(script) == answer


@pytest.mark.parametrize(
    "body",
    [
        'return dnsResolve("new.test");',
        'try { isInNet("new.test", "0.0.0.0", "0.0.0.0"); } catch { } return "DIRECT";',
        'try { dnsResolve("new.test"); } finally { dnsResolve("later.test"); }',
        'try { dnsResolve("new.test"); } catch { throw 1; }',
    ],
)
def test_a_name_that_is_missing_ends_the_run_whatever_the_file_catches(body: str) -> None:
    assert said(f"function FindProxyForURL(u, h) {{ {body} }}") == "?new.test"
