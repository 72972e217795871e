"""The short way through the gates of a request: it lets nothing in that the full one refuses."""

import time
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
    read_message,
    read_response,
)
from ringfence.protocols.sip.plain import _RESPONSE, plain_response, plain_uri
from tests.support.sip_requests import INVITE, added, changed, without

ANSWERS = [
    b"SIP/2.0 %b\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.7:5080;branch=z9hG4bK-1;rport=5080;received=192.0.2.7\r\n"
    b"From: <sip:1001@example.com>;tag=f1\r\n"
    b'To: "Ten" <sip:1001@example.com>;tag=t1\r\n'
    b"Call-ID: c1@192.0.2.7\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b"%b"
    b"Server: a registrar (1.0)\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n" % one
    for one in (
        (b"200 OK", b"Contact: <sip:1001@192.0.2.7:5080>;expires=600\r\nExpires: 600\r\n"),
        (b"401 Unauthorized", b'WWW-Authenticate: Digest realm="example.com", nonce="n"\r\n'),
    )
]
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


def contents(read: Callable[[bytes], Message], data: bytes) -> object:
    """Return all that a response holds, or why it is dropped."""
    try:
        message = read(data)
    except RemoteProtocolError as error:
        return str(error), error.status_hint
    names = ("head", "start", "headers", "body", "defect", "method", "uri", "status", "reason")
    values = {name: getattr(message, name) for name in names}
    asked = [message.all(name) for name in (*sorted(message.headers), b"expires", b"via", b"route")]
    return values, message.branch, [(list(texts), message.first(b"contact")) for texts in asked]


def read_fully(data: bytes) -> Message:
    message = read_message(data)
    check_response(message)
    return message


def agrees(data: bytes) -> bool:
    if data[:4].upper() == b"SIP/":
        return contents(read_response, data) == contents(read_fully, data)
    try:
        message = read_message(data)
    except RemoteProtocolError:
        return True
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
    st.sampled_from(ANSWERS),
    st.lists(
        st.tuples(st.integers(0, 420), st.integers(0, 12), PIECES | st.binary(max_size=3)),
        max_size=3,
    ),
)
@example(ANSWERS[0], [(ANSWERS[0].index(b"\r\nContent-Length"), 0, b" ")])
@example(ANSWERS[0], [(ANSWERS[0].index(b"\r\nFrom"), 0, b"\r\nVia: SIP/2.0/UDP other.example")])
def test_a_changed_response_reads_the_same_both_ways(
    data: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    for at, size, piece in edits:
        data = data[:at] + piece + data[at + size :]
    assert agrees(data)


@pytest.mark.parametrize("piece", [b"\n", b"\r", b"\t", b"\0"])
@pytest.mark.parametrize("data", ANSWERS)
def test_a_control_character_anywhere_in_a_response_reads_the_same_both_ways(
    data: bytes, piece: bytes
) -> None:
    assert [at for at in range(len(data)) if not agrees(data[:at] + piece + data[at:])] == []


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
    value = b"".join(parts)
    assert agrees(changed(name, value))
    if name != b"Max-Forwards":
        assert agrees(changed(name, value, ANSWERS[0]))
        assert agrees(ANSWERS[1].replace(b"Server", name + b": " + value + b"\r\nServer"))


LINES = [line for data in ANSWERS for line in data.split(b"\r\n")[1:-2]]
REPEATED_LINES, FURTHER = LINES[:5], [*LINES[5:8], LINES[-3], *LINES[-2:]]


@settings(max_examples=400)
@given(
    st.permutations(LINES) | st.permutations(FURTHER).map(lambda lines: REPEATED_LINES + lines),
    st.integers(5, len(LINES)),
    st.sampled_from([b"\r\n\r\n", b"\r\n\r\nx", b"\r\n", b"\r\n\r\n\r\n"]),
)
def test_fields_of_a_response_in_any_order_and_number_read_the_same_both_ways(
    lines: list[bytes], count: int, end: bytes
) -> None:
    assert agrees(b"SIP/2.0 200 OK\r\n" + b"\r\n".join(lines[:count]) + end)


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


@pytest.mark.parametrize("data", ANSWERS)
def test_plain_responses_take_the_short_way(data: bytes) -> None:
    assert plain_response(data)
    for line in (b"Date: Mon, 1 Jan 2024 00:00:00 GMT", b"Allow: REGISTER", b"Supported: path"):
        assert plain_response(data.replace(b"Server", line + b"\r\nServer"))
    for line in (b"v: SIP/2.0/UDP h", b"Security-Server: sdes-srtp;mediasec", b"Server: b"):
        assert plain_response(data.replace(b"Server", line + b"\r\nServer")) is None
    assert plain_response(data + b"x") is None
    assert plain_response(INVITE) is None


REPEATED = [
    *(b"Via: SIP/2.0/UDP h" + text * 2000 for text in (b";a", b";a=b", b";a=", b".", b"-")),
    *(b"To: " + text * 2000 for text in (b"a ", b'"', b"sip:", b"<sip:", b"<sip:a>;a=", b" ")),
    *(b"Contact: <sip:a@b>" + text * 2000 for text in (b";a", b";", b";a=b", b" ;a", b"=")),
    *(name + b": " + b"a" * 4000 for name in (b"Call-ID", b"CSeq", b"Expires", b"Server")),
    *(b"Date: " + text * 4000 for text in (b" ", b"\t", b"a ", b"\r")),
    *(b"CSeq: 1 " + text * 2000 for text in (b"A", b"A ", b"-")),
]


@pytest.mark.parametrize("line", REPEATED, ids=lambda line: line[:24].decode())
def test_a_hostile_field_costs_no_more_than_a_long_one(line: bytes) -> None:
    data = ANSWERS[0].replace(b"Server", line + b"\r\nServer")

    def cost(size: int) -> float:
        text = data[:size] + b"\x00"
        start = time.process_time()
        for _ in range(20):
            assert _RESPONSE.fullmatch(text) is None
        return time.process_time() - start

    ways = min(cost(2000) for _ in range(5)), min(cost(4000) for _ in range(5))
    assert ways[1] < 10 * ways[0] + 0.002
