"""Reliable provisional responses both ways (RFC 3262), and UPDATE with an offer (RFC 3311)."""

import pytest

from ringfence.protocols.sip.call_events import Answered, Ended, Offered, Ringing, State
from ringfence.protocols.sip.message import Message, build_message, read_message
from tests.support.sip_wire import Wire, ask


def ringing(wire: Wire) -> Wire:
    wire.call()
    assert wire.bob
    wire.bob.ring(wire.now)
    wire.run()
    return wire


def last(wire: Wire, start: str) -> Message:
    """Return the last message whose start line has a text."""
    return next(one for one in reversed(wire.sent) if start.encode() in one.start)


def in_dialog(wire: Wire, method: bytes, body: bytes = b"", **fields: bytes) -> Message:
    """Return a request of Alice inside the call."""
    assert wire.alice.dialog
    uri, who = wire.alice.dialog.path()
    head = [
        (b"Via", b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + method),
        (b"Max-Forwards", b"70"),
        *who,
        (b"CSeq", b"%d %b" % (wire.alice.dialog.next_cseq(), method)),
        *((name.replace("_", "-").encode(), value) for name, value in fields.items()),
    ]
    return read_message(build_message(b"%b %b SIP/2.0" % (method, uri), head, body))


def answers(wire: Wire, request: Message) -> list[Message]:
    """Return what Bob sends upon a request of Alice."""
    assert wire.bob
    wire.bob.receive_request(ask(request), wire.now)
    return [read_message(one.data) for one in wire.bob.messages_to_send()]


def test_ringing_is_acknowledged_where_both_lines_want_it() -> None:
    wire = ringing(Wire(reliable=True))
    assert wire.log[1:] == ["B 100 INVITE", "B 180 INVITE", "A PRACK", "B 200 PRACK"]
    invite, rang, prack = wire.sent[0], wire.sent[2], wire.sent[3]
    assert b"100rel" in invite.values(b"supported")
    assert rang.values(b"require") == [b"100rel"]
    assert prack.first(b"rack") == rang.first(b"rseq") + b" 1 INVITE"
    assert prack.cseq() == (2, b"PRACK")
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    wire.run()
    assert wire.log[5:] == ["B 200 INVITE", "A ACK"]
    wire.alice.hang_up(wire.now)
    wire.run()
    assert wire.sent[-2].cseq() == (3, b"BYE")
    assert wire.log[-1] == "B 200 BYE"


def test_nothing_is_acknowledged_by_default() -> None:
    wire = ringing(Wire())
    assert wire.log[1:] == ["B 100 INVITE", "B 180 INVITE"]
    assert b"100rel" not in wire.sent[0].values(b"supported")


def test_ringing_is_repeated_until_it_is_acknowledged_and_not_after() -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line == "B 180 INVITE" and wire.now < 1.0
    ringing(wire)
    wire.until(1.4)
    assert wire.log[2:] == ["B 180 INVITE lost"] * 2  # at 0 and 0.5 s
    wire.until(30.0)
    assert wire.log[4:] == ["B 180 INVITE", "A PRACK", "B 200 PRACK"]  # at 1.5 s


def test_a_lost_prack_is_repeated_and_a_repeated_ringing_gets_no_second_one() -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line == "A PRACK" and wire.now < 0.6
    ringing(wire)
    wire.until(30.0)
    assert [line for line in wire.log if line == "A PRACK"] == ["A PRACK"]
    assert wire.log[-1] == "B 200 PRACK"
    assert wire.events(wire.alice)[0] == Ringing(180, b"")


def test_an_invite_whose_ringing_nobody_acknowledges_is_refused() -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line.startswith("A PRACK")
    ringing(wire)
    wire.until(31.9)
    assert wire.bob
    assert wire.bob.state is State.INCOMING
    wire.until(33.0)
    assert wire.events(wire.bob)[-1] == Ended(504, "no answer to our provisional response")
    assert "B 504 INVITE" in wire.log


def test_an_answer_ends_the_repetition_and_a_late_prack_is_still_good() -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line == "A PRACK" and wire.now < 0.4
    ringing(wire)
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    wire.run()
    wire.until(20.0)
    assert wire.log[2:] == [
        "B 180 INVITE",
        "A PRACK lost",
        "B 200 INVITE",
        "A ACK",
        "A PRACK",
        "B 200 PRACK",
    ]


@pytest.mark.parametrize("rack", [b"", b"1", b"999999 1 INVITE", b"1 2 INVITE", b"x y z"])
def test_a_prack_for_nothing_is_refused(rack: bytes) -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line == "A PRACK"  # the right one
    ringing(wire)
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    wire.run()
    (reply,) = answers(wire, in_dialog(wire, b"PRACK", RAck=rack))
    assert reply.status == 481


def test_a_provisional_response_out_of_order_waits_for_its_turn() -> None:
    wire = ringing(Wire(reliable=True))
    rang = last(wire, "180")
    data = build_message(rang.start, [(n, v) for n, vs in rang.headers.items() for v in vs])
    number = int(rang.first(b"rseq"))
    for step, expected in ((2, 0), (1, 1), (1, 0), (2, 1)):
        again = data.replace(b"rseq: %d" % number, b"rseq: %d" % (number + step))
        wire.alice.receive_response(read_message(again), wire.now)
        sent = [read_message(one.data) for one in wire.alice.messages_to_send()]
        assert [one.method for one in sent] == [b"PRACK"] * expected
        assert all(one.first(b"rack") == b"%d 1 INVITE" % (number + step) for one in sent)


def test_the_answer_of_a_reliable_response_holds_where_the_200_has_none() -> None:
    wire = ringing(Wire(reliable=True))
    rang = last(wire, "180")
    fields = [(n, v) for n, vs in rang.headers.items() if n != b"content-length" for v in vs]
    number = int(rang.first(b"rseq"))
    fields = [(n, b"%d" % (number + 1) if n == b"rseq" else v) for n, v in fields]
    early = build_message(b"SIP/2.0 183 Session Progress", fields, b"early answer")
    wire.alice.receive_response(read_message(early), wire.now)
    assert wire.bob
    wire.bob.answer(b"", wire.now)
    wire.run()
    assert wire.events(wire.alice)[-1] == Answered(b"early answer")


def test_a_prack_that_is_challenged_is_sent_again_with_credentials() -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line == "A PRACK"
    ringing(wire)
    prack = last(wire, "PRACK")
    fields = [(n, prack.first(n)) for n in (b"via", b"from", b"to", b"call-id", b"cseq")]
    challenge = (b"Proxy-Authenticate", b'Digest realm="telco.test", nonce="n", qop="auth"')
    refusal = build_message(b"SIP/2.0 407 No", [*fields, challenge])
    wire.alice.receive_response(read_message(refusal), wire.now)
    (again,) = [read_message(one.data) for one in wire.alice.messages_to_send()]
    assert (again.cseq(), again.first(b"rack")) == ((3, b"PRACK"), prack.first(b"rack"))
    assert b'username="alice"' in again.first(b"proxy-authorization")


def test_phones_that_ring_for_one_invite_are_acknowledged_each_by_itself_up_to_eight() -> None:
    wire = Wire(reliable=True)
    wire.lose = lambda line: line == "B 180 INVITE"
    ringing(wire)
    rang = last(wire, "180")
    for n in range(12):
        fields = [(name, value) for name, values in rang.headers.items() for value in values]
        tagged = [
            (n_, v.partition(b";tag=")[0] + b";tag=%d" % n if n_ == b"to" else v)
            for n_, v in fields
        ]
        wire.alice.receive_response(read_message(build_message(rang.start, tagged)), wire.now)
    sent = [read_message(one.data) for one in wire.alice.messages_to_send()]
    assert [one.method for one in sent] == [b"PRACK"] * 8


# UPDATE


def test_an_update_with_an_offer_is_answered_at_once() -> None:
    wire = Wire()
    wire.answered()
    assert wire.bob
    assert answers(wire, in_dialog(wire, b"UPDATE", b"other offer")) == []
    assert wire.events(wire.bob) == [Offered(b"other offer")]
    wire.bob.answer(b"other answer", wire.now)
    (reply,) = [read_message(one.data) for one in wire.bob.messages_to_send()]
    assert (reply.status, reply.cseq()[1], reply.body) == (200, b"UPDATE", b"other answer")
    assert wire.bob.state is State.ESTABLISHED


def test_an_update_whose_offer_is_refused_leaves_the_call() -> None:
    wire = Wire()
    wire.answered()
    assert wire.bob
    answers(wire, in_dialog(wire, b"UPDATE", b"other offer"))
    wire.bob.refuse(488, wire.now)
    (reply,) = [read_message(one.data) for one in wire.bob.messages_to_send()]
    assert (reply.status, wire.bob.state) == (488, State.ESTABLISHED)


def test_an_update_that_meets_another_offer_is_refused() -> None:
    wire = Wire()
    wire.answered()
    assert wire.bob
    assert wire.bob.reoffer(b"of B", wire.now)
    wire.bob.messages_to_send()
    (reply,) = answers(wire, in_dialog(wire, b"UPDATE", b"other offer"))
    assert reply.status == 491
    wire = Wire()
    wire.answered()
    answers(wire, in_dialog(wire, b"UPDATE", b"first"))
    second = in_dialog(wire, b"UPDATE", b"second")
    second.headers[b"via"] = [b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKanother"]
    (reply,) = answers(wire, second)
    assert (reply.status, reply.first(b"retry-after")) == (500, b"1")


def test_what_a_request_of_a_call_requires_and_we_cannot_is_named() -> None:
    wire = Wire()
    wire.answered()
    request = in_dialog(wire, b"INVITE", b"offer", Require=b"gruu, timer, replaces, 100rel")
    request.headers[b"contact"] = [b"<sip:alice@192.0.2.1>"]
    (reply,) = answers(wire, request)
    assert (reply.status, reply.values(b"unsupported")) == (420, [b"gruu", b"100rel"])
