"""What is answered to whom, and what is not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.protocols.sip.digest import Credentials, Guard, Use, answer, choose
from ringfence.protocols.sip.response import Reply, Source
from ringfence.protocols.sip.uas import (
    UNKNOWN_EACH,
    UNKNOWN_TOTAL,
    Allowance,
    Served,
    UserAgentServer,
)
from tests.support.sip_requests import INVITE, added, changed, method, without

PROXY = Source("192.0.2.7", 5080, known=True)
STRANGER = Source("192.0.2.7", 5080)
LINE = Credentials("1001", "pw1001")


def server(*, guard: Guard | None = None) -> UserAgentServer:
    made = UserAgentServer(b"k" * 32)
    made.lines = {"1001": Served(guard or Guard(b"telco.test", LINE)), "1002": Served()}
    return made


def status(reply: Reply | None) -> int | None:
    return int(reply.data.split(b" ")[1]) if reply else None


def head(reply: Reply | None, name: bytes) -> list[bytes]:
    assert reply
    return re.findall(rb"\r\n%b: ([^\r]*)" % name, reply.data)


def test_a_plain_invite_is_challenged_with_what_rfc_3261_wants_repeated() -> None:
    reply = server().receive(INVITE, STRANGER, 7.0)
    assert reply
    assert re.fullmatch(
        rb"SIP/2\.0 401 Unauthorized\r\n"
        rb"Via: SIP/2\.0/UDP 192\.0\.2\.7:5080;branch=z9hG4bK-1;rport=5080"
        rb";received=192\.0\.2\.7\r\n"
        rb"Via: SIP/2\.0/UDP inner\.example\.com;branch=z9hG4bK-2\r\n"
        rb'From: "A Caller" <sip:caller@example\.com>;tag=f1\r\n'
        rb"To: <sip:1001@192\.0\.2\.1>;tag=[0-9a-f]{12}\r\n"
        rb"Call-ID: c1@192\.0\.2\.7\r\n"
        rb"CSeq: 1 INVITE\r\n"
        rb'WWW-Authenticate: Digest realm="telco\.test", nonce="[\w=-]{32}", algorithm=MD5,'
        rb' qop="auth"\r\n'
        rb"Content-Length: 0\r\n\r\n",
        reply.data,
    )


def test_a_retransmission_gets_the_same_tag() -> None:
    uas = server()
    first = head(uas.receive(INVITE, STRANGER, 0.0), b"To")
    assert head(uas.receive(INVITE, STRANGER, 9.0), b"To") == first
    other = changed(b"Call-ID", b"another")
    assert head(uas.receive(other, STRANGER, 0.0), b"To") != first


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (changed(b"To", b"<sip:1001@x>;tag=ours"), 481),
        (INVITE.replace(b"sip:1001@192.0.2.1:5060", b"sip:1002@192.0.2.1"), 480),
        (INVITE.replace(b"sip:1001@192.0.2.1:5060", b"sip:1003@192.0.2.1"), 404),
        (INVITE.replace(b"sip:1001@192.0.2.1:5060", b"sip:192.0.2.1"), 404),
        (INVITE.replace(b"sip:1001@192.0.2.1:5060", b"sip:%31001@192.0.2.1"), 401),
        (INVITE.replace(b"sip:1001@", b"tel:1001@"), 416),
        (INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia", 1), 505),
        (added(b"Require: 100rel"), 401),
        (changed(b"CSeq", b"1 OPTIONS"), 400),
        (changed(b"Max-Forwards", b"300"), 400),
        (changed(b"Contact", b'"open <sip:a@b>'), 400),
        (changed(b"To", b'"open <sip:a@b>;tag=1'), 400),
        (added(b"From: <sip:second@b>;tag=2"), 400),
        (method(b"ACK"), None),
        (changed(b"CSeq", b"1 ACK"), None),
        (method(b"BYE"), 481),
        (method(b"CANCEL"), 481),
        (method(b"OPTIONS"), 200),
        (method(b"OPTIONS").replace(b"sip:1001@", b"sip:"), 200),
        (method(b"OPTIONS").replace(b"sip:1001@", b"sip:nobody@"), 404),
        (method(b"NOTIFY"), 489),
        (method(b"UPDATE"), 481),
        (method(b"PRACK"), 481),
        (method(b"INFO"), 481),
        (method(b"REFER"), 481),
        (method(b"invite"), 501),
        (method(b"REGISTER"), 405),
        (method(b"NEWMETHOD"), 501),
        (b"SIP/2.0 200 OK" + INVITE[INVITE.index(b"\r\n") :], None),
        (changed(b"Via", b"SIP/2.0/UDP ;;;"), None),
        (b"\x00\xff" * 200, None),
        (b"", None),
    ],
)
def test_each_request_gets_its_status(request_: bytes, expected: int | None) -> None:
    assert status(server().receive(request_, PROXY, 0.0)) == expected


def authorised(uas: UserAgentServer, now: float, password: str = "pw1001", **more: bytes) -> bytes:
    challenge = choose(head(uas.receive(INVITE, STRANGER, now), b"WWW-Authenticate"))
    assert challenge
    uri = more.get("uri", b"sip:1001@192.0.2.1:5060")
    use = Use(b"INVITE", uri, b"00000001", b"c")
    return b"Authorization: " + answer(challenge, Credentials("1001", password), use)


def test_right_credentials_let_an_invite_in_once() -> None:
    uas = server()
    request = added(authorised(uas, 0.0))
    assert status(uas.receive(request, STRANGER, 1.0)) == 480
    again = uas.receive(request, STRANGER, 2.0)
    assert status(again) == 401
    assert head(again, b"WWW-Authenticate")[0].endswith(b", stale=true")


def test_wrong_credentials_get_403_and_late_ones_stale() -> None:
    uas = server()
    assert status(uas.receive(added(authorised(uas, 0.0, "guess")), STRANGER, 1.0)) == 403
    late = uas.receive(added(authorised(uas, 0.0)), STRANGER, 31.0)
    assert head(late, b"WWW-Authenticate")[0].endswith(b", stale=true")


def test_a_nonce_made_for_another_address_gets_a_fresh_challenge() -> None:
    uas = server()
    request = added(authorised(uas, 0.0))
    fresh = uas.receive(request, Source("198.51.100.1", 5080), 1.0)
    assert status(fresh) == 401
    assert b"stale" not in head(fresh, b"WWW-Authenticate")[0]


def test_the_digest_uri_may_be_one_that_a_proxy_rewrote_but_names_no_other_user() -> None:
    uas = server()
    for uri, expected in (
        (b"sip:1001@telco.test", 480),
        (b"sip:192.0.2.1:5060", 480),
        (b"sip:1002@192.0.2.1", 400),
        (b"no uri", 400),
    ):
        request = added(authorised(uas, 0.0, uri=uri))
        assert status(uas.receive(request, STRANGER, 1.0)) == expected
        uas = server()


def test_behind_the_challenge_extensions_and_bodies_are_judged() -> None:
    open_line = INVITE.replace(b"sip:1001@", b"sip:1002@")
    reply = server().receive(added(b"Require: 100rel, foo", open_line), PROXY, 0.0)
    assert status(reply) == 420
    assert head(reply, b"Unsupported") == [b"100rel, foo"]
    reply = server().receive(added(b"Require: mediasec, foo", open_line), PROXY, 0.0)
    assert head(reply, b"Unsupported") == [b"foo"]
    reply = server().receive(added(b"Require: mediasec", open_line), PROXY, 0.0)
    assert status(reply) == 480
    foreign = changed(b"Content-Type", b"application/unknown", open_line)
    reply = server().receive(foreign, PROXY, 0.0)
    assert status(reply) == 415
    assert head(reply, b"Accept") == [b"application/sdp"]


def test_only_a_proxy_learns_our_name_and_only_by_options() -> None:
    uas = server()
    uas.server = b"Ringfence/1"
    options = method(b"OPTIONS")
    assert head(uas.receive(options, PROXY, 0.0), b"Server") == [b"Ringfence/1"]
    assert head(uas.receive(options, STRANGER, 0.0), b"Server") == []
    assert head(uas.receive(INVITE, PROXY, 0.0), b"Server") == []


# Where answers go


@pytest.mark.parametrize(
    ("via", "stamped", "port"),
    [
        (b"host;branch=b", b"host;branch=b;received=192.0.2.7", 5060),
        (b"host:5099;branch=b", b"host:5099;branch=b;received=192.0.2.7", 5099),
        (b"192.0.2.7:5099;branch=b", b"192.0.2.7:5099;branch=b", 5099),
        (b"host;rport;branch=b", b"host;rport=5080;branch=b;received=192.0.2.7", 5080),
        (b"host;received=1.2.3.4;rport", b"host;rport=5080;received=192.0.2.7", 5080),
        (b"host;maddr=1.2.3.4", b"host;maddr=1.2.3.4;received=192.0.2.7", 5060),
        (b"a;rport, SIP/2.0/UDP b", b"a;rport=5080;received=192.0.2.7, SIP/2.0/UDP b", 5080),
    ],
)
def test_an_answer_goes_to_the_source_at_the_port_that_it_names(
    via: bytes, stamped: bytes, port: int
) -> None:
    reply = server().receive(changed(b"Via", b"SIP/2.0/UDP " + via), PROXY, 0.0)
    assert reply
    assert head(reply, b"Via")[0] == b"SIP/2.0/UDP " + stamped
    assert reply.port == port


# Against reflection


@pytest.mark.parametrize("name", [b"Max-Forwards", b"Contact", b"Call-ID", b"From", b"CSeq"])
def test_a_stranger_with_an_incomplete_request_hears_nothing(name: bytes) -> None:
    assert server().receive(without(name), STRANGER, 0.0) is None
    assert server().receive(without(name), PROXY, 0.0) is not None


def test_a_stranger_gets_at_most_twice_what_it_sent() -> None:
    small = (
        b"INVITE sip:1001@a SIP/2.0\r\nVia: SIP/2.0/UDP a;rport\r\nMax-Forwards: 1\r\n"
        b"From: <a:b>\r\nTo: <a:b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <a:b>\r\n\r\n"
    )
    uas = server(guard=Guard(b"a-longer-realm.telco.test", LINE))
    full = uas.receive(small, PROXY, 0.0)
    assert full
    assert len(full.data) > 2 * len(small)
    assert uas.receive(small, STRANGER, 0.0) is None
    for request in (INVITE, method(b"OPTIONS"), method(b"NOTIFY")):
        reply = server().receive(request, STRANGER, 0.0)
        assert reply
        assert len(reply.data) <= 2 * len(request)


def test_strangers_share_a_budget_that_no_proxy_needs() -> None:
    allowance = Allowance()
    assert sum(allowance.take("a", 1.0) for _ in range(3 * UNKNOWN_EACH)) == UNKNOWN_EACH
    others = sum(allowance.take(f"b{n}", 1.9) for n in range(3 * UNKNOWN_TOTAL))
    assert others == UNKNOWN_TOTAL - UNKNOWN_EACH
    assert allowance.take("a", 2.0)
    uas = UserAgentServer(b"k" * 32, Allowance(total=0))
    uas.lines = {"1001": Served(Guard(b"telco.test", LINE))}
    assert uas.receive(INVITE, STRANGER, 0.0) is None
    assert status(uas.receive(INVITE, PROXY, 0.0)) == 401


# The short way

PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\r\n ", b" ", b"\t", b",", b";", b":", b'"', b"<", b">", b"=", b"%", b"\\"),
        *(b"Via: ", b"To: ", b"t: ", b"From: ", b"Contact: ", b"CSeq: ", b"Content-Length: "),
        *(b";rport", b";RPORT", b";received=1.1.1.1", b";tag=x", b"sip:", b"1001", b"0", b"99999"),
        *(b"Authorization: Digest ", b"Expires: 1", b"Require: x", b"\x00", b"\xff", b"[::1]"),
        *(b"Content-Type: text/plain\r\n", b"Max-Forwards: 1\r\n", b"INVITE", b"sips", b"?a=b"),
    ]
)


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, len(INVITE)), st.integers(0, 12), PIECES | st.binary(max_size=3)),
        max_size=3,
    ),
    st.sampled_from([PROXY, STRANGER, Source("host", 1), Source("2001:db8::1", 5060)]),
)
def test_the_short_way_answers_byte_for_byte_what_the_full_one_does(
    edits: list[tuple[int, int, bytes]], source: Source
) -> None:
    data = INVITE
    for at, size, piece in edits:
        data = data[:at] + piece + data[at + size :]
    assert server().receive(data, source, 5.0) == server().receive_fully(data, source, 5.0)


@settings(max_examples=300)
@given(
    st.sampled_from([b"via", b"rport", b"params", b"ports"]),
    st.integers(0, 70000),
    st.sampled_from([b"", b";rport", b";rport=1", b";rport;rport", b";received=9.9.9.9", b";a=b"]),
    st.sampled_from([b"192.0.2.7", b"HOST.example.com", b"x", b"256.1"]),
)
def test_the_short_way_agrees_on_ports_and_vias(
    kind: bytes, port: int, parameter: bytes, host: bytes
) -> None:
    via = b"SIP/2.0/UDP %b:%d;branch=z%b" % (host, port, parameter)
    if kind == b"ports":
        data = INVITE.replace(b"192.0.2.1:5060", b"%b:%d" % (host, port))
    else:
        data = changed(b"Via", via)
    assert server().receive(data, PROXY, 5.0) == server().receive_fully(data, PROXY, 5.0)


def test_the_short_way_is_taken_by_the_plain_invite() -> None:
    uas = server()
    assert uas._fast.reply(INVITE, STRANGER, 0.0, uas._guards.get)


@settings(max_examples=300)
@given(st.binary(max_size=600))
def test_whatever_comes_no_error_escapes(data: bytes) -> None:
    server().receive(data, PROXY, 0.0)
    server().receive(INVITE[:100] + data + INVITE[100:], PROXY, 0.0)


@pytest.mark.parametrize(
    "request_",
    [
        changed(b"To", b" <sip:1001@192.0.2.1>"),
        changed(b"From", b'"A" <sip:a@b>;tag=1;tag=2'),
        changed(b"Call-ID", b"two words"),
        changed(b"CSeq", b"0001 INVITE"),
        changed(b"CSeq", b"2147483648 INVITE"),
        changed(b"Content-Length", b"4"),
        changed(b"Content-Length", b"6"),
        added(b"Record-Route: <sip:192.0.2.9;lr>"),
        added(b"Content-Type: text/plain"),
        INVITE.replace(b"INVITE sip", b"INVITE SIP", 1),
        INVITE.replace(b"Max-Forwards: 70\r\n", b"Max-Forwards:70\r\n"),
        INVITE.replace(b"Via: ", b"v: "),
    ],
)
def test_the_short_way_agrees_where_it_once_did_not_or_might_not(request_: bytes) -> None:
    assert server().receive(request_, PROXY, 5.0) == server().receive_fully(request_, PROXY, 5.0)
