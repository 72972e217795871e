"""Hosts and ports, read and written."""

import pytest

from ringfence.policy.network import host_and_port, written


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("sip.telco.test", 5070, "sip.telco.test:5070"),
        ("sip.telco.test", 0, "sip.telco.test"),
        ("sip.telco.test", 5060, "sip.telco.test"),
        ("192.0.2.1", 65535, "192.0.2.1:65535"),
        ("2001:db8::1", 5061, "[2001:db8::1]:5061"),
        ("2001:db8::1", 0, "[2001:db8::1]"),
    ],
)
def test_what_is_written_reads_as_what_it_was(host: str, port: int, text: str) -> None:
    assert written(host, port, 5060) == text
    assert host_and_port(text, 0) == (host, 0 if port == 5060 else port)


@pytest.mark.parametrize("text", ["a:0", "a:65536", "a:x", "a:-1", "[::1]:99999", "a:\u00b2"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not between 1 and 65535"):
        host_and_port(text, 5060)
