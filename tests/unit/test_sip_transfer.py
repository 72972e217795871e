"""Transfers as ladders: who is asked, what is told of it, and what is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import Ended, Referred, State, Transferred
from ringfence.protocols.sip.dialog import Dialog
from ringfence.protocols.sip.grammar import parse_uri
from ringfence.protocols.sip.message import Message, read_message
from ringfence.protocols.sip.transfer import (
    Referral,
    Replaces,
    bare_uri,
    moved_to,
    read_fragment,
    read_referral,
    read_replaces,
    refer_to,
)
from tests.support.sip_requests import INVITE
from tests.support.sip_wire import Wire, ask, refuse

CAROL = b"<sip:carol@telco.test>"


def talking() -> tuple[Wire, Call, Call]:
    wire = Wire()
    wire.answered()
    assert wire.bob
    return wire, wire.alice, wire.bob


def referred(wire: Wire, bob: Call) -> Referral:
    wire.run()
    (event,) = wire.events(bob)
    assert isinstance(event, Referred)
    return event.referral


def told(wire: Wire) -> list[tuple[bytes, bytes, bytes]]:
    """Return what each NOTIFY said."""
    return [
        (one.first(b"event"), one.first(b"subscription-state"), one.body)
        for one in wire.sent
        if one.method == b"NOTIFY"
    ]


def test_a_transfer_is_carried_out_and_its_end_told() -> None:
    wire, alice, bob = talking()
    assert alice.referring.refer(CAROL, wire.now)
    referral = referred(wire, bob)
    assert referral == Referral(b"sip:carol@telco.test", b"", b"<sip:alice@telco.test>")
    bob.referring.accept(wire.now)
    wire.run()
    bob.referring.tell(180, "Ringing", wire.now)
    wire.run()
    bob.referring.tell(200, "OK", wire.now)
    wire.run()
    assert wire.log[5:] == ["A REFER", "B 202 REFER"] + ["B NOTIFY", "A 200 NOTIFY"] * 3
    assert told(wire) == [
        (b"refer", b"active;expires=200", b"SIP/2.0 100 Trying\r\n"),
        (b"refer", b"active;expires=200", b"SIP/2.0 180 Ringing\r\n"),
        (b"refer", b"terminated;reason=noresource", b"SIP/2.0 200 OK\r\n"),
    ]
    assert wire.events(alice) == [Transferred(200, "OK")]
    bob.referring.tell(486, "Busy Here", wire.now)  # there is nobody left who wants to hear it
    wire.run()
    assert len(told(wire)) == 3


def test_a_transfer_that_fails_leaves_the_call_and_another_may_follow_under_its_own_name() -> None:
    wire, alice, bob = talking()
    for number, event in ((1, b"refer"), (2, b"refer;id=3")):
        assert alice.referring.refer(CAROL, wire.now)
        assert not alice.referring.refer(CAROL, wire.now)
        referred(wire, bob)
        bob.referring.accept(wire.now)
        bob.referring.tell(486, "Busy Here", wire.now)
        wire.run()
        assert wire.events(alice) == [Transferred(486, "Busy Here")]
        assert told(wire)[-1][0] == event, number
    assert alice.state is bob.state is State.ESTABLISHED


def test_a_refused_transfer_leaves_the_call() -> None:
    wire, alice, bob = talking()
    alice.referring.refer(CAROL, wire.now)
    referred(wire, bob)
    bob.referring.decline(403, wire.now)
    wire.run()
    assert wire.log[-1] == "B 403 REFER"
    assert wire.events(alice) == [Transferred(403, "Forbidden")]
    assert alice.state is State.ESTABLISHED


def test_a_transfer_of_which_nothing_is_heard_is_given_up() -> None:
    wire, alice, bob = talking()
    alice.referring.refer(CAROL, wire.now)
    referred(wire, bob)
    bob.referring.accept(wire.now)
    wire.run()
    wire.until(199.9)
    assert wire.events(alice) == []
    wire.until(200.1)
    assert wire.events(alice) == [Transferred(0, "nothing was heard of it")]


def test_a_challenged_transfer_is_asked_for_again_with_credentials() -> None:
    wire, alice, _ = talking()
    alice.referring.refer(CAROL, wire.now)
    (first,) = alice.messages_to_send()
    alice.receive_response(refuse(first.data, 407), wire.now)
    (again,) = alice.messages_to_send()
    message = read_message(again.data)
    assert message.first(b"refer-to") == CAROL
    assert message.first(b"referred-by") == b"<sip:alice@telco.test>"
    assert message.first(b"contact") == b"<sip:alice@192.0.2.1:5060>"
    assert b'username="alice"' in message.first(b"proxy-authorization")


def test_one_transfer_at_a_time_is_carried_out() -> None:
    wire, alice, bob = talking()
    alice.referring.refer(CAROL, wire.now)
    referred(wire, bob)
    dialog = alice.dialog
    assert dialog
    for accepted in (False, True):
        if accepted:
            bob.referring.accept(wire.now)
        alice._out.send(b"REFER", wire.now, [(b"Refer-To", CAROL)])
        wire.run()
        assert "B 491 REFER" in wire.log
        assert wire.events(bob) == []


def test_nobody_is_called_for_whom_we_have_not_answered() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.ring(wire.now)
    wire.run()
    wire.events(wire.bob)
    dialog = wire.bob.dialog
    assert dialog
    head = b"REFER sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr\r\n"
    lines = [
        *(b"From: " + dialog.remote, b"To: " + dialog.local, b"Call-ID: " + dialog.call_id),
        *(b"CSeq: 9 REFER", b"Max-Forwards: 70", b"Refer-To: " + CAROL, b"", b""),
    ]
    asked = ask(read_message(head + b"\r\n".join(lines)))
    assert wire.bob.owns(asked)
    wire.bob.receive_request(asked, wire.now)
    (reply,) = [one for one in wire.bob.messages_to_send() if b"REFER" in one.data]
    assert reply.data.startswith(b"SIP/2.0 403 ")
    assert wire.events(wire.bob) == []


@pytest.mark.parametrize("status", [481, 408, 603])
def test_who_does_not_want_to_hear_more_of_a_transfer_keeps_the_call(status: int) -> None:
    wire, alice, bob = talking()
    alice.referring.refer(CAROL, wire.now)
    referred(wire, bob)
    bob.referring.accept(wire.now)
    _, notify = bob.messages_to_send()
    bob.receive_response(refuse(notify.data, status), wire.now)
    bob.referring.tell(200, "OK", wire.now)
    assert bob.messages_to_send() == []
    assert bob.state is State.ESTABLISHED
    assert not [event for event in wire.events(bob) if isinstance(event, Ended)]


@pytest.mark.parametrize(
    ("event", "kind", "body", "status"),
    [
        (b"presence", b"message/sipfrag", b"SIP/2.0 200 OK\r\n", 489),
        (b"refer", b"text/plain", b"SIP/2.0 200 OK\r\n", 415),
        (b"refer;id=2", b"message/sipfrag;version=2.0", b"SIP/2.0 100 Trying\r\n", 200),
        (b"refer", b"message/sipfrag", b"garbage", 200),
    ],
)
def test_what_a_notify_tells(event: bytes, kind: bytes, body: bytes, status: int) -> None:
    wire, alice, bob = talking()
    alice.referring.refer(CAROL, wire.now)
    referred(wire, bob)
    fields = [(b"Event", event), (b"Subscription-State", b"active"), (b"Content-Type", kind)]
    bob._out.send(b"NOTIFY", wire.now, fields, body)
    wire.run()
    assert wire.log[-1] == f"A {status} NOTIFY"
    assert wire.events(alice) == []


def test_a_notify_of_a_transfer_that_nobody_asked_for_is_refused() -> None:
    wire, alice, bob = talking()
    fields = [(b"Event", b"refer"), (b"Content-Type", b"message/sipfrag")]
    bob._out.send(b"NOTIFY", wire.now, fields, b"SIP/2.0 200 OK\r\n")
    wire.run()
    assert wire.log[-1] == "A 481 NOTIFY"
    assert wire.events(alice) == []


def refer(value: bytes, *lines: bytes) -> Message:
    head, _, _ = INVITE.partition(b"\r\nContent-Type")
    more = b"".join(b"\r\n" + line for line in (b"Refer-To: " + value, *lines))
    return read_message(head.replace(b"INVITE", b"REFER") + more + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("value", "referral"),
    [
        (b"<sip:c@t.test>", Referral(b"sip:c@t.test", b"", b"")),
        (b"sip:c@t.test", Referral(b"sip:c@t.test", b"", b"")),
        (b"<sip:c@t.test;method=INVITE;x=y>", Referral(b"sip:c@t.test;x=y", b"", b"")),
        (
            b'"C" <sip:c@t.test?Route=%3Csip:evil%3E&Replaces=1%40a%3Bto-tag%3Db%3Bfrom-tag%3Dc>',
            Referral(b"sip:c@t.test", b"1@a;to-tag=b;from-tag=c", b""),
        ),
    ],
)
def test_whom_a_refer_wants_to_be_called(value: bytes, referral: Referral) -> None:
    assert read_referral(refer(value)) == referral


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (b"<sip:c@t.test>, <sip:d@t.test>", 400),
        (b"<tel:+4930123456>", 416),
        (b"<sip:c@t.test;method=BYE>", 400),
        (b"<sip:c@t.test?Replaces=a%0D%0AEvil:%20x>", 400),
        (b"<sip:c@t.test?Replaces=a&Replaces=b>", 400),
        (b"<sip:c d@t.test>", 400),
    ],
)
def test_what_a_refer_cannot_ask_for(value: bytes, status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_referral(refer(value))
    assert caught.value.status_hint == status


def replaces(*values: bytes) -> Replaces | None:
    head, _, rest = INVITE.partition(b"\r\nContent-Type")
    more = b"".join(b"\r\nReplaces: " + value for value in values)
    return read_replaces(read_message(head + more + b"\r\nContent-Type" + rest))


def test_which_call_an_invite_replaces() -> None:
    assert replaces() is None
    made = replaces(b"98732@a.test;from-tag=r33th4x0r;to-tag=ff87ff")  # RFC 3891 section 6.1
    assert made == Replaces(b"98732@a.test", b"ff87ff", b"r33th4x0r", False)
    early = replaces(b"a;to-tag=b;from-tag=c;early-only")
    assert early
    assert early.early_only
    for bad in ((b"a",), (b"a;to-tag=b",), (b";to-tag=b;from-tag=c",)):
        with pytest.raises(RemoteProtocolError):
            replaces(*bad)
    with pytest.raises(RemoteProtocolError):
        replaces(b"a;to-tag=b;from-tag=c", b"a;to-tag=b;from-tag=c")


def test_the_consulted_side_recognises_its_own_dialog_in_what_it_is_referred_to() -> None:
    _, alice, bob = talking()
    assert alice.dialog
    value = refer_to(b"sip:bob@telco.test", alice.dialog)
    referral = read_referral(refer(value))
    made = replaces(referral.replaces)
    assert made
    assert made.fits(bob.dialog)
    assert not made.fits(alice.dialog)
    assert not made.fits(None)
    stolen = Dialog(alice.dialog.call_id, alice.dialog.local, b"<sip:x@y>;tag=z", b"", 0)
    assert not made.fits(stolen)


@pytest.mark.parametrize(
    ("value", "target"),
    [
        (b"<sip:a?b@telco.test>", b"sip:a?b@telco.test"),
        (b"<sip:a?b@telco.test?Subject=x>", b"sip:a?b@telco.test"),
    ],
)
def test_a_question_mark_in_a_user_is_not_where_its_header_fields_begin(
    value: bytes, target: bytes
) -> None:
    assert read_referral(refer(value)).target == target
    assert bare_uri(value) == target


PARTS = st.sampled_from(
    [
        *(b"sip:", b"sips:", b"tel:", b"<", b">", b"?", b"&", b"=", b";", b",", b'"', b"@", b":"),
        *(b"Replaces", b"method", b"INVITE", b"to-tag", b"from-tag", b"early-only", b"%0d%0a"),
        *(b"%", b"%zz", b"a", b"t.test", b"[::1]", b"192.0.2.1", b" ", b"\xff", b"SIP/2.0 200"),
    ]
)


@given(st.lists(PARTS, max_size=12).map(b"".join))
def test_nothing_that_a_transfer_may_say_breaks_more_than_itself(value: bytes) -> None:
    for read in (read_referral, read_replaces):
        message = refer(value, b"Replaces: " + value)
        with contextlib.suppress(RemoteProtocolError):
            read(message)
    with contextlib.suppress(RemoteProtocolError):
        referral = read_referral(refer(value))
        parse_uri(referral.target)
        referral.target.decode("ascii")
        assert b"?" not in referral.target.rpartition(b"@")[2]
    with contextlib.suppress(RemoteProtocolError):
        bare_uri(value)
    read_fragment(value)
    moved = moved_to(refuse(INVITE, 302, b"Contact: " + value))
    assert not moved or parse_uri(moved)


def test_how_a_call_went_is_read_from_a_fragment_of_its_response() -> None:
    assert read_fragment(b"SIP/2.0 200 OK\r\nTo: <sip:x@y>\r\n") == (200, "OK")
    assert read_fragment(b"SIP/2.0 603 Declined") == (603, "Declined")
    assert read_fragment(b"HTTP/1.1 200 OK\r\n") == (0, "")
    assert read_fragment(b"SIP/2.0 999 No\r\n") == (0, "")
