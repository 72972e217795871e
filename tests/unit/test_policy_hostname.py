"""Host names and addresses in the form in which they are compared."""

import ipaddress

import pytest

from ringfence.policy import hostname


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("pv.telco.test", "pv.telco.test"),
        ("PV.Telco.TEST", "pv.telco.test"),
        ("pv.telco.test.", "pv.telco.test"),
        ("_sips._tcp.telco.test", "_sips._tcp.telco.test"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.example", "1.example"),
    ],
)
def test_names_are_lower_case_a_labels_without_the_last_dot(text: str, canonical: str) -> None:
    assert hostname.name(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "a..b",
            ".a",
            "-a.test",
            "a-.test",
            "a b.test",
            " a.test",
            "a.test ",
            "a\0.test",
        ),
        *("a/b.test", "*.test", "a@b.test", "a:5060", "127.1", "0x7f.1", "2130706433", "a.1"),
        *("x" * 64 + ".test", "a." * 127 + "test", "ü" * 5000, "a\u2024b.test\n"),
    ],
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        hostname.name(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_have_one_form(text: str, address: str) -> None:
    assert hostname.address(text) == ipaddress.ip_address(address)


@pytest.mark.parametrize(
    "text", ["pv.test", "192.0.2", "192.0.2.01", "fe80::1%eth0", "[]", "1" * 99]
)
def test_what_is_no_address_is_a_name(text: str) -> None:
    assert hostname.address(text) is None
