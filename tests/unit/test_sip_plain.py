"""The short way through the gates of a request: it lets nothing in that the full one refuses."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.grammar import Uri
from ringfence.protocols.sip.message import (
    VALUE_LIMIT,
    Message,
    check_fully,
    check_request,
    check_response,
    check_response_fully,
    read_message,
)
from ringfence.protocols.sip.plain import is_plain_response, plain_uri
from tests.support.sip_requests import INVITE, added, answer, changed, without

OK = answer(b"200 OK")
PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\r\n ", b"\r", b"\n", b" ", b"\t", b",", b";", b":", b'"', b"<", b">", b"="),
        *(b"\r\nVia: x", b"\r\nv: x", b"\r\nTO : x", b"\r\nm:", b"\r\nExpires: x", b"\r\nf\t: x"),
        *(b"\r\nContact: x", b"\r\nSubject: x\r\n", b"\r\nI:", b"\r\nMax-Forwards: 256", b"?a=b"),
        *(b";rport", b";tag=x", b"sip:", b"tel:", b"@", b"0", b"99999", b"\x00", b"\xff", b"[::1]"),
        *(b"INVITE", b"ACK", b"sips", b"%41", b"%", b"\\", b";a=b", b"SIP/2.0", b"SIP/3.0", b"*"),
    ]
)


def verdict(message: Message, *, fully: bool) -> tuple[Uri | None, int]:
    try:
        return (check_fully if fully else check_request)(message), 0
    except RemoteProtocolError as error:
        return None, error.status_hint


def passes(check: Callable[[Message], None], message: Message) -> bool:
    try:
        check(message)
    except RemoteProtocolError:
        return False
    return True


def agrees(data: bytes) -> bool:
    try:
        message = read_message(data)
    except RemoteProtocolError:
        return True
    if message.status:
        return passes(check_response, message) == passes(check_response_fully, message)
    return verdict(message, fully=False) == verdict(message, fully=True)


@settings(max_examples=800)
@given(
    st.lists(
        st.tuples(st.integers(0, len(INVITE)), st.integers(0, 12), PIECES | st.binary(max_size=3)),
        max_size=3,
    )
)
def test_a_changed_request_gets_the_same_verdict_both_ways(
    edits: list[tuple[int, int, bytes]],
) -> None:
    data = INVITE
    for at, size, piece in edits:
        data = data[:at] + piece + data[at + size :]
    assert agrees(data)


@settings(max_examples=800)
@given(
    st.lists(st.tuples(st.integers(0, len(OK)), st.integers(0, 12), PIECES), max_size=3),
)
@example([(OK.index(b"\r\nFrom"), 0, b"\r\nVia: SIP/2.0/UDP other.example")])
def test_a_changed_response_gets_the_same_verdict_both_ways(
    edits: list[tuple[int, int, bytes]],
) -> None:
    data = OK
    for at, size, piece in edits:
        data = data[:at] + piece + data[at + size :]
    assert agrees(data)


@settings(max_examples=800)
@given(
    st.sampled_from([b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Contact", b"Max-Forwards"]),
    st.lists(
        st.sampled_from(
            [b"<", b">", b"sip:", b"SIPS:a", b"u@h", b":5060", b":0", b";a", b"=", b"b"]
        )
        | st.sampled_from([b'"', b"\\", b" ", b"SIP/2.0/UDP", b"SIP/2.0/UDPX", b"x", b"7", b"*"])
        | st.sampled_from(
            [b"1 INVITE", b"1 ACK", b"\t", b",", b"\r\n ", b"\n", b"\xff", b":99999"]
        ),
        max_size=6,
    ),
)
def test_every_field_gets_the_same_verdict_both_ways(name: bytes, parts: list[bytes]) -> None:
    assert agrees(changed(name, b"".join(parts)))


@pytest.mark.parametrize(
    "data",
    [
        *(without(name) for name in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")),
        changed(b"CSeq", b"1 BYE"),
        changed(b"Max-Forwards", b"256"),
        added(b"Expires: never"),
        added(b"v: nonsense"),
        added(b"m : nonsense"),
        added(b"VIA: nonsense"),
        added(b"From: <sip:mallory@evil.test>;tag=1"),
        INVITE.replace(b"INVITE sip:", b"INVITE tel:", 1),
        INVITE.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1),
        INVITE.replace(b"Via: ", b"Via: SIP/2.0/UDP h\r\n" * VALUE_LIMIT + b"Via: ", 1),
    ],
)
def test_what_the_full_way_refuses_the_short_one_refuses(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        check_request(read_message(data))


def test_plain_requests_take_the_short_way() -> None:
    uri = Uri("sip", "1001", "192.0.2.1", 5060)
    assert plain_uri(read_message(INVITE).head) == uri
    for line in (b"Subject: x", b"X-Carrier: a, b;c=d", b"Content-Language: en", b"Timestamp: 1"):
        assert plain_uri(read_message(added(line)).head) == uri
    for line in (b"v: SIP/2.0/UDP h", b"Contact : *", b"EXPIRES: 1", b"t: <sip:a@b>"):
        assert plain_uri(read_message(added(line)).head) is None


def test_plain_responses_take_the_short_way() -> None:
    assert is_plain_response(read_message(OK).head)
    assert is_plain_response(read_message(answer(b"401 Unauthorized")).head)
    assert not is_plain_response(read_message(INVITE).head)
    assert not is_plain_response(read_message(OK.replace(b"Max-Forwards: 70", b"m: *")).head)
