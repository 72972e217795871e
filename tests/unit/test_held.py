"""What a location server is asked, and what it may answer. Examples of RFC 5985 section 10."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.held import Location, request, response

HELD = 'xmlns="urn:ietf:params:xml:ns:geopriv:held"'
URI = "https://ls.example.com:9768/357yc6s64ceyoiuy5ax3o"


def answer(inside: str, expires: str = ' expires="2026-01-01T13:00:00.0Z"') -> bytes:
    found = f"<locationUriSet{expires}>{inside}</locationUriSet>"
    return f"<locationResponse {HELD}>{found}</locationResponse>".encode()


def test_the_question_names_the_phone_and_its_customer_and_wants_a_reference() -> None:
    assert request("77<x>", "001122aabbcc", "192.0.2.5") == (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<locationRequest xmlns="urn:ietf:params:xml:ns:geopriv:held">'
        b'<locationType exact="true">locationURI</locationType>'
        b'<device xmlns="urn:ietf:params:xml:ns:geopriv:held:id">'
        b'<ip v="4">192.0.2.5</ip><mac>00-11-22-AA-BB-CC</mac>'
        b"<nai>SEP001122AABBCC@77&lt;x&gt;</nai></device></locationRequest>"
    )
    assert b'<device xmlns="urn:ietf:params:xml:ns:geopriv:held:id"><ip v="6">2001:db8::5' in (
        request("", "001122aabbcc", "2001:db8::5")
    )
    assert b"<nai>" not in request("", "001122aabbcc", "")


def test_the_first_usable_reference_counts_until_it_ends() -> None:
    others = "<locationURI>ftp://a.test/x</locationURI><locationURI> </locationURI>"
    said = answer(f"{others}<locationURI>{URI}</locationURI><locationURI>sip:b</locationURI>")
    assert response(said) == Location(URI, 1767272400.0)
    sip = answer("<locationURI>sip:9769+357yc6s64c@ls.example.com</locationURI>", "")
    assert response(sip) == Location("sip:9769+357yc6s64c@ls.example.com", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            f'<error {HELD} code="locationUnknown"><message>no\nidea</message></error>'.encode(),
            "HELD: locationUnknown no idea",
        ),
        (b"<html/>", "HELD: 'html' is no locationResponse"),
        (b"<locationResponse/>", "is no locationResponse"),
        (answer(""), "no location URI"),
        (answer("<locationURI>https://a.test/&gt;\r\nX: y</locationURI>"), "no location URI"),
        (answer("<locationURI>https://a.test/ü</locationURI>"), "no location URI"),
        (answer(f"<locationURI>https://{'a' * 1100}</locationURI>"), "no location URI"),
        (answer(f"<locationURI>{URI}</locationURI>", ' expires="soon"'), "expires is no time"),
        (
            answer(f"<locationURI>{URI}</locationURI>", ' expires="2026-01-01T13:00:00"'),
            "expires has no time zone",
        ),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "a DOCTYPE is not allowed"),
        (b"", "XML"),
    ],
)
def test_what_names_no_place_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        response(body)


@given(st.binary(max_size=200), st.integers(0, 240))
def test_nothing_else_is_raised_whatever_comes(noise: bytes, at: int) -> None:
    good = answer(f"<locationURI>{URI}</locationURI>")
    for body in (noise, good[:at] + noise + good[at:]):
        try:
            found = response(body)
        except RemoteProtocolError:
            continue
        assert found.uri.isascii()
        assert not set(found.uri) & set('<>" \r\n')
