"""What a PAC file is shown, and what counts of its answer."""

import pytest

from ringfence.policy import pac
from ringfence.policy.pac import Entry, Kind


@pytest.mark.parametrize(
    ("url", "shown", "host"),
    [
        ("http://a.test", "http://a.test/", "a.test"),
        ("http://a.test/x/y?q=1#z", "http://a.test/x/y?q=1", "a.test"),
        ("http://a.test?q=1", "http://a.test/?q=1", "a.test"),
        ("http://user:secret@a.test:8080/x", "http://a.test:8080/x", "a.test"),
        ("http://a@b@c.test/", "http://c.test/", "c.test"),
        ("https://a.test/secret?token=1", "https://a.test/", "a.test"),
        ("https://a.test?token=1", "https://a.test/", "a.test"),
        ("https://user:secret@a.test:8443/secret", "https://a.test:8443/", "a.test"),
        ("HTTPS://A.Test./x", "https://a.test/", "a.test"),
        ("http://192.0.2.1:80/x", "http://192.0.2.1:80/x", "192.0.2.1"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/", "2001:db8::1"),
    ],
)
def test_a_file_learns_no_password_and_no_path_of_https(url: str, shown: str, host: str) -> None:
    assert pac.shown(url) == pac.Shown(shown, host)


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.test", "ftp://a.test/", "tftp://a.test/x", "http://", "http:///x", "http://a b/"),
        *("http://a.test:0/", "http://a.test:65536/", "http://a.test:x/", "http://::1/"),
        *("http://[::1/", "http://[::1]x/", "http://a.test/\n", "http://a.test\\@b.test/"),
        *("http://-a.test/", "http://1.2.3/", "javascript:alert(1)"),
    ],
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"write|name|label|port"):
        pac.shown(url)


@pytest.mark.parametrize(
    ("answer", "entries"),
    [
        ("", [Entry(Kind.DIRECT)]),
        ("DIRECT", [Entry(Kind.DIRECT)]),
        (
            "PROXY w3proxy.netscape.com:8080; PROXY mozilla.netscape.com:8081; DIRECT",
            [
                Entry(Kind.PROXY, "w3proxy.netscape.com", 8080),
                Entry(Kind.PROXY, "mozilla.netscape.com", 8081),
                Entry(Kind.DIRECT),
            ],
        ),
        ("proxy P.test;;direct;", [Entry(Kind.PROXY, "p.test", 80), Entry(Kind.DIRECT)]),
        ("HTTP p.test:1", [Entry(Kind.PROXY, "p.test", 1)]),
        ("HTTPS\tp.test", [Entry(Kind.HTTPS, "p.test", 443)]),
        ("SOCKS s.test", [Entry(Kind.SOCKS, "s.test", 1080)]),
        ("SOCKS4 s.test:9;SOCKS5 192.0.2.1:65535", [Entry(Kind.SOCKS, "s.test", 9),
                                                   Entry(Kind.SOCKS, "192.0.2.1", 65535)]),
        ("PROXY [2001:db8::1]:3128", [Entry(Kind.PROXY, "2001:db8::1", 3128)]),
    ],
)  # fmt: skip
def test_an_answer_is_read_in_its_order(answer: str, entries: list[Entry]) -> None:
    assert list(pac.read_result(answer).entries) == entries


@pytest.mark.parametrize(
    "bad",
    [
        *("DIRECT x", "PROXY", "PROXY p.test:0", "PROXY p.test:65536", "PROXY p.test:x"),
        *("PROXY http://p.test:80", "PROXY a@p.test", "PROXY p.test:80/x", "PROXYp.test"),
        *("PROXY p.test q.test", "PROXY p\r\nX: y", "PROXY p\x00", "PROXY 2001:db8::1", "QUIC p"),
        *("PROXY [::1", "PROXY [::1]80", "PROXY \u00a0p.test", "PROXY p.test:\u0663", "DIRECT\n"),
    ],
)
def test_an_entry_that_is_not_well_formed_is_named_and_does_not_count(bad: str) -> None:
    result = pac.read_result(f"{bad};PROXY good.test:1")
    assert result.entries == (Entry(Kind.PROXY, "good.test", 1),)
    assert len(result.refused) == 1
    assert result.refused[0].isprintable()
    with pytest.raises(pac.PacError, match="names no proxy") as refused:
        pac.read_result(bad)
    assert refused.value.rule == "pac-result"


def test_only_sixteen_entries_count() -> None:
    result = pac.read_result(";".join(f"PROXY p{n}.test:1" for n in range(20)))
    assert [entry.host for entry in result.entries] == [f"p{n}.test" for n in range(16)]
    assert result.refused == ("4 more: only 16 count",)


def test_an_answer_without_end_is_refused() -> None:
    pac.read_result("DIRECT;" * 585)  # 4095 characters
    with pytest.raises(pac.PacError, match="longer than 4096"):
        pac.read_result("DIRECT;" * 586)


def test_an_application_tries_http_proxies_and_the_way_without_one() -> None:
    result = pac.read_result("SOCKS s:1; PROXY p:2; HTTPS h:3; DIRECT")
    assert pac.usable(result) == (Entry(Kind.PROXY, "p", 2), Entry(Kind.DIRECT))
    assert result.refused == (
        "an application of the phone speaks no SOCKS",
        "an application of the phone speaks no HTTPS",
    )


def test_a_proxy_that_no_application_speaks_is_no_reason_to_go_direct() -> None:
    with pytest.raises(pac.PacError, match="HTTPS or SOCKS") as refused:
        pac.usable(pac.read_result("SOCKS s:1; HTTPS h:3"))
    assert refused.value.rule == "pac-unusable"


def test_a_file_is_utf_8_else_latin_1_and_of_one_mebibyte_at_most() -> None:
    assert pac.script("\ufeff/* \u00fc */".encode()) == "/* \u00fc */"
    assert pac.script(b"/* \xfc */") == "/* \u00fc */"
    assert len(pac.script(b" " * 1048575 + b";")) == 1048576
    for data, why in ((b"", "empty"), (b" \n", "empty"), (b";" * 1048577, "larger than 1048576")):
        with pytest.raises(pac.PacError, match=why):
            pac.script(data)
