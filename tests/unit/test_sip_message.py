"""Reading and building messages, and the parts of header fields."""

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.grammar import (
    Uri,
    Via,
    escape_user,
    parse_address,
    parse_uri,
    parse_via,
    quote,
    split_values,
)
from ringfence.protocols.sip.message import (
    HEAD_LIMIT,
    HEADER_LIMIT,
    MESSAGE_LIMIT,
    build_message,
    check_request,
    check_response,
    read_message,
    said,
)
from tests.support.sip_requests import INVITE, added, answer, changed, without


def test_compact_forms_and_folded_lines_read_like_long_ones() -> None:
    message = read_message(
        b"INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nVIA:\r\n SIP/2.0/TCP i\r\nf: <sip:x@y>\r\n"
        b"T : <sip:a@b>\r\nI: 1\r\ncseq: 7\r\n\tINVITE\r\nl: 2\r\n\r\nabc"
    )
    assert message.all(b"via") == [b"SIP/2.0/UDP h", b"SIP/2.0/TCP i"]
    assert (message.first(b"from"), message.first(b"to")) == (b"<sip:x@y>", b"<sip:a@b>")
    assert message.cseq() == (7, b"INVITE")
    assert message.body == b"ab"
    assert message.first(b"contact") == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"INVITE sip:a@b SIP/2.0\r\nVia: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"SIP/2.0 20 OK\r\n\r\n",
        b"SIP/2.0 700 OK\r\n\r\n",
        b"SIP/2.0 OK\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\n" + b"A: b\r\n" * HEADER_LIMIT + b"\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nA: " + b"b" * HEAD_LIMIT + b"\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\n\r\n" + b"b" * MESSAGE_LIMIT,
    ],
)
def test_what_cannot_be_answered_is_not_read(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_message(data)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (changed(b"Contact", b"*"), None),
        (added(b"no colon here"), 400),
        (added(b"bad name: x"), 400),
        (added(b"Call-ID: second"), 400),
        (added(b"Expires: 4294967296"), 400),
        (added(b"Expires: 4294967295"), None),
        (added(b"Contact: " + b", ".join([b"<sip:a@b>"] * 65)), 400),
        (changed(b"Content-Length", b"6"), 400),
        (changed(b"CSeq", b"2147483648 INVITE"), 400),
        (changed(b"CSeq", b"INVITE"), 400),
        (without(b"To"), 400),
        (INVITE.replace(b"sip:1001@", b"mailto:1001@"), 416),
        (INVITE.replace(b"SIP/2.0\r\n", b"SIP/2.1\r\n", 1), 505),
    ],
)
def test_the_gates_of_a_request(data: bytes, status: int | None) -> None:
    if status is None:
        assert check_request(read_message(data)).user == "1001"
        return
    with pytest.raises(RemoteProtocolError) as refused:
        check_request(read_message(data))
    assert refused.value.status_hint == status


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_a_response_needs_what_identifies_it(name: bytes) -> None:
    response = answer(b"200 OK")
    message = read_message(response)
    check_response(message)
    assert (message.status, message.reason) == (200, b"OK")
    with pytest.raises(RemoteProtocolError):
        check_response(read_message(without(name, response)))
    with pytest.raises(RemoteProtocolError):
        check_response(read_message(added(b"CSeq: 2 INVITE", response)))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r", b"\r\r", b"\n\n"])
@pytest.mark.parametrize("name", [b"From", b"Call-ID", b"User-Agent", b"Subject"])
def test_half_a_line_end_hides_no_header_field_from_us_that_others_read(
    name: bytes, end: bytes
) -> None:
    value = b'"x%bRoute: <sip:evil.test>" <sip:a@example.com>;tag=1' % end
    for check, whole in ((check_request, INVITE), (check_response, answer(b"200 OK"))):
        longer = added(b"Subject: " + value, whole)
        data = longer if name == b"Subject" else changed(name, value, whole)
        with pytest.raises(RemoteProtocolError, match="half a line end"):
            check(read_message(data))


def test_a_response_with_two_vias_is_for_somebody_else() -> None:
    with pytest.raises(RemoteProtocolError):
        check_response(read_message(added(b"Via: SIP/2.0/UDP h", answer(b"200 OK"))))


def test_a_built_message_reads_back() -> None:
    built = build_message(b"OPTIONS sip:a@b SIP/2.0", [(b"To", b"<sip:a@b>")], b"body")
    assert built == b"OPTIONS sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\nContent-Length: 4\r\n\r\nbody"


def test_words_of_the_other_side_are_one_printable_line() -> None:
    reason = read_message(b"SIP/2.0 486 Busy\nERROR forged \x1b[31m\xe2\x80\xae\xff\r\n\r\n").reason
    assert said(reason) == "Busy?ERROR forged ?[31m?\N{REPLACEMENT CHARACTER}"
    assert said(b"a" * 500) == "a" * 80


def test_commas_in_quotes_and_brackets_do_not_separate() -> None:
    text = rb'"a,\"b" <sip:a,b@c>;x="1,2", <sip:d@e>,sip:f@g,'
    assert split_values(text) == [
        rb'"a,\"b" <sip:a,b@c>;x="1,2"',
        b"<sip:d@e>",
        b"sip:f@g",
        b"",
    ]
    assert split_values(b'"open, <x') == [b'"open, <x']


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (b"sip:1001@host:5070;lr", Uri("sip", "1001", "host", 5070, b";lr")),
        (
            b"SIPS:a%20b:pw@[2001:db8::1]:1?x=y",
            Uri("sips", "a b", "[2001:db8::1]", 1, b"", b"?x=y"),
        ),
        (b"sip:u@[2001:db8:::192.0.2.1]", Uri("sip", "u", "[2001:db8::192.0.2.1]", None)),
        (b"sip:host", Uri("sip", "", "host", None)),
        (b"sip:a;b=c@d", Uri("sip", "a;b=c", "d", None)),
    ],
)
def test_a_sip_uri_comes_apart(text: bytes, uri: Uri) -> None:
    assert parse_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        b"sip:",
        b"sip:a@",
        b"sip:a@b:0",
        b"sip:a@b:65536",
        b"sip:a@b@c",
        b"sip:[::1",
        b"sip:[2001:db8:::1]",
        b"1001",
        b"sip:a b",
    ],
)
def test_a_malformed_uri_is_refused(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        parse_uri(text)
    assert refused.value.status_hint == 400


def test_an_address_has_its_parameters() -> None:
    address = parse_address(b'"x;tag=no" <sip:a@b;tag=no>; TAG = yes;q;tag=second')
    assert address.uri == b"sip:a@b;tag=no"
    assert address.parameters == {b"tag": b"yes", b"q": b""}
    assert parse_address(b"sip:a@b;tag=1").parameters == {b"tag": b"1"}
    with pytest.raises(RemoteProtocolError):
        parse_address(b"a@b")


def test_a_via_comes_apart() -> None:
    via = parse_via(b'SIP / 2.0 / tls [::1] : 5061 ; branch = z9 ; x="a;b" ;rport')
    assert via == Via("TLS", "[::1]", 5061, {b"branch": b"z9", b"x": b"a;b", b"rport": b""})
    for text in (b"SIP/2.0/UDP", b"SIP/2.0/UDP h:0", b"SIP/2.0/UDP h:70000", b"HTTP/2.0/UDP h"):
        with pytest.raises(RemoteProtocolError):
            parse_via(text)


def test_what_we_write_is_escaped() -> None:
    assert escape_user("a b@c%") == "a%20b%40c%25"
    assert escape_user("é") == "%C3%A9"
    assert quote('a "b" \\') == b'"a \\"b\\" \\\\"'
