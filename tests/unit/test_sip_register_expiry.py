"""How long a registrar holds our contact: the short way reads what the full one reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.registration import Registered
from tests.support.sip_ladder import ACCOUNT, UDP, Ladder, field

CONTACTS = st.sampled_from(
    [
        *(b"<sip:1001@192.0.2.1:5060>", b"<sip:1001@192.0.2.9:5060>", b"<sip:1001@192.0.2.1>"),
        *(b"<sip:1002@192.0.2.1:5060>", b'"a" <sip:1001@192.0.2.1:5060>', b"<sips:x@192.0.2.1>"),
        *(b"sip:1001@192.0.2.1:5060", b"<sip:1001@192.0.2.1:5060;transport=udp>"),
    ]
)
EXPIRES = st.sampled_from([b"600", b"0", b"3600", b"99999", b"9999999999", b"-1", b"6a", b'"7"'])
CONTACT = st.builds(lambda contact, expires: contact + b"%s" + expires, CONTACTS, EXPIRES)


def granted(*lines: bytes) -> object:
    ladder = Ladder()
    ladder.start()
    try:
        ladder.answer("200 OK", *lines)
    except RemoteProtocolError as error:
        return str(error)
    return ladder.event()


@given(st.lists(CONTACT, min_size=1, max_size=3), st.sampled_from([b", ", b"\r\nContact: "]))
def test_the_expiry_of_our_own_contact_counts_however_it_is_written(
    contacts: list[bytes], between: bytes
) -> None:
    """Blanks about a semicolon are left to the full way."""
    written = b"Contact: " + between.join(contacts)
    plain = granted(written.replace(b"%s", b";expires="))
    assert plain == granted(written.replace(b"%s", b" ;expires="))


@pytest.mark.parametrize("user", ["1001", "a b", "x@y", "ü%41", "a;b=c?d", "it's:me", "<>"])
@pytest.mark.parametrize("flow", [UDP, Flow("TLS", "2001:db8::1", 40001), Flow("TCP", "::1", 9)])
def test_our_contact_is_known_again_whoever_we_are(user: str, flow: Flow) -> None:
    for gap in (b";expires", b" ;expires"):
        ladder = Ladder(replace(ACCOUNT, user=user))
        contact = field(ladder.start(flow), b"Contact").replace(b";expires=3600", gap + b"=600")
        other = b"Contact: <sip:other@192.0.2.9>;expires=90"
        ladder.answer("200 OK", b"Contact: " + contact, other)
        assert ladder.event() == Registered(600)
