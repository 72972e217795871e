"""What people may dial, and what becomes of it."""

import pytest

from ringfence.errors import ConfigError
from ringfence.features.line.targets import target_uri, typed


@pytest.mark.parametrize(
    ("dialled", "uri"),
    [
        ("1002", "sip:1002@sip.telco.test:5070"),
        (" +49 30 123 ", "sip:+49%2030%20123@sip.telco.test:5070"),
        ("*21#", "sip:*21%23@sip.telco.test:5070"),
        ("j\u00f6rg", "sip:j%C3%B6rg@sip.telco.test:5070"),
        ("bob@example.com", "sip:bob@example.com"),
        ("SIP:bob@example.com;transport=tcp", "SIP:bob@example.com;transport=tcp"),
        ("sips:bob@[2001:db8::1]:5061", "sips:bob@[2001:db8::1]:5061"),
    ],
)
def test_a_number_or_an_address_becomes_a_uri(dialled: str, uri: str) -> None:
    assert target_uri(dialled, "sip.telco.test:5070") == uri


@pytest.mark.parametrize(
    ("text", "dialled"),
    [
        (" +49 (30) 123-45 ", "+493012345"),
        ("9 1 1", "911"),
        ("*67 1002", "*671002"),
        ("bob@example.com", "bob@example.com"),
        ("sip:bob@example.com;x=a b", "sip:bob@example.com;x=a b"),
        ("j\u00f6rg m", "j\u00f6rg m"),
        ("", ""),
    ],
)
def test_a_number_is_dialled_without_the_marks_that_people_read_it_by(
    text: str, dialled: str
) -> None:
    assert typed(text) == dialled


@pytest.mark.parametrize(
    ("dialled", "why"),
    [
        ("", "nothing to dial"),
        (" \t ", "nothing to dial"),
        ("tel:+4930123", "is no SIP URI"),
        ("javascript:alert(1)", "is no SIP URI"),
        ("sip:a b@c", "malformed SIP URI"),
        ("bob@", "malformed SIP URI"),
        ("sip:a@b;x=\r\nRoute: <sip:evil.test>", "has a character that no URI has"),
        ("10\x0002", "has a character that no URI has"),
        ("10\ud80002", "has a character that no URI has"),
        ("j\u00f6rg@example.com", "has a character that no URI has"),
        ("sip:a@b?Route=%3Csip:evil.test%3E", "header fields in a URI are not dialled"),
    ],
)
def test_what_no_request_may_be_sent_to_is_refused(dialled: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        target_uri(dialled, "sip.telco.test")
