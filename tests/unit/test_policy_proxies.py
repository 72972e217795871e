"""Static records of a proxy parameter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.policy.proxies import read_proxies
from ringfence.protocols.sip.locate import Server


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" Host.Test. ", (Server("host.test"),)),
        ("sip:host.test:5080", (Server("host.test", 5080),)),
        ("192.0.2.1:5080", (Server("192.0.2.1", 5080),)),
        ("2001:db8:0::1", (Server("2001:db8::1"),)),
        ("[2001:db8::1]", (Server("2001:db8::1"),)),
        ("[2001:db8::1]:5080:p=2", (Server("2001:db8::1", 5080, 2),)),
        ("a.test:p=3:70", (Server("a.test", 0, 3, 70),)),
        ("a.test:5080:p=3:70:A=192.0.2.1", (Server("a.test", 5080, 3, 70, ("192.0.2.1",)),)),
        (
            "a.test:A=192.0.2.1, 2001:db8::1",
            (Server("a.test", addresses=("192.0.2.1", "2001:db8::1")),),
        ),
        ("a.test|b.test", (Server("a.test"), Server("b.test", priority=1))),
        ("a.test:p=10|b.test", (Server("a.test", priority=10), Server("b.test", priority=11))),
        ("a.test:p=1|b.test:p=1", (Server("a.test", priority=1), Server("b.test", priority=1))),
        ("_sip._udp.a.test", (Server("a.test", service="_sip._udp.a.test"),)),
    ],
)
def test_servers_are_read_with_what_is_written_beside_them(
    text: str, expected: tuple[Server, ...]
) -> None:
    assert read_proxies(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("|", "no server between the bars"),
        ("a.test:99999", "port '99999' is not between 1 and 65535"),
        ("a b.test", "'a b' is not a label"),
        ("sips:a.test", "'sips:a.test': write the host alone, and TLS or TCP into SIP Transport"),
        ("a.test;transport=tls", "write the host alone, and TLS or TCP into SIP Transport"),
        ("a.test:p=x", "'p=x' is neither"),
        ("a.test:q=1", "'q=1' is neither"),
        ("a.test:p=70000", "'p=70000' is above 65535"),
        ("a.test:p=1:99999", "'99999' is above 65535"),
        ("a.test:A=b.test", "'b.test' is not an address"),
        ("|".join(f"h{n}.test" for n in range(17)), "more than 16 servers"),
    ],
)
def test_what_is_no_server_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_proxies(text)


@given(st.text(alphabet="ab.:|=pA,[]0123456789_ \u00e4", max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        servers = read_proxies(text)
    except ValueError:
        return
    assert len(servers) <= 16
    assert all(0 <= server.port <= 65535 and server.host for server in servers)
